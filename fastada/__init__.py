"""Sparse linear text classifiers trained by lazy per-coordinate AdaGrad."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastada.classifier import AdaGradClassifier
    from fastada.classifier_cv import AdaGradClassifierCV
    from fastada.model_path import path
    from fastada.persistence.estimators import load
    from fastada.regressor import AdaGradRegressor
    from fastada.text_classifier import TextClassifier
    from fastada.versions import show_versions

__version__ = "0.1.0.dev0"

__all__ = [
    "AdaGradClassifier",
    "AdaGradClassifierCV",
    "AdaGradRegressor",
    "TextClassifier",
    "__version__",
    "load",
    "path",
    "show_versions",
]

# Importing scikit-learn takes longer than training on many a data set: only who asks for an
# estimator waits for it.
_HOME = {
    "AdaGradClassifier": "fastada.classifier",
    "AdaGradClassifierCV": "fastada.classifier_cv",
    "AdaGradRegressor": "fastada.regressor",
    "TextClassifier": "fastada.text_classifier",
    "load": "fastada.persistence.estimators",
    "path": "fastada.model_path",
    "show_versions": "fastada.versions",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'fastada' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
