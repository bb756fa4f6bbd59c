"""The estimators of fastada on a Dask cluster: pip install 'fastada[dask]'."""

try:
    from fastada.dask.estimators import AdaGradClassifier, AdaGradRegressor, TextClassifier
except ModuleNotFoundError as error:
    if (error.name or "").split(".")[0] not in ("dask", "distributed"):
        raise
    raise ImportError(
        "fastada.dask needs dask and distributed: pip install 'fastada[dask]'"
    ) from error

__all__ = ["AdaGradClassifier", "AdaGradRegressor", "TextClassifier"]
