"""Models on disk: a .npz of plain arrays, and JSON about them. Reading one runs no code."""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from fastada.stream.model import Model
from fastada.stream.options import Features

FORMAT = "fastada-model"
VERSION = 1


class ModelFileError(ValueError):
    """A file is not a model that can be read."""


def save(model: Model, path: str) -> None:
    """Write a model under another name, and rename it once it is whole.

    Columns that no row had are left out.
    """
    columns: Any = model.columns
    if columns is None:
        columns = np.flatnonzero(model.weights.any(axis=1))
    arrays: dict[str, Any] = {
        "columns": columns.astype(np.int32, copy=False),
        "weights": model.weights[columns],
        "intercepts": model.intercepts,
    }
    about = {
        "format": FORMAT,
        "version": VERSION,
        "classes": model.classes,
        "features": model.features.as_dict(),
    }
    if model.idf is not None:
        # The largest is that of all columns that no document had.
        unseen = model.idf.max()
        with_idf = np.flatnonzero(model.idf != unseen)
        arrays["idf_columns"] = with_idf.astype(np.int32)
        arrays["idf"] = model.idf[with_idf]
        about["idf_of_others"] = float(unseen)
    arrays["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
    target = Path(path)
    with tempfile.NamedTemporaryFile(
        dir=target.parent, prefix=f".{target.name}.", delete=False
    ) as file:
        try:
            np.savez(file, allow_pickle=False, **arrays)
            file.flush()
            os.chmod(file.name, 0o666 & ~_umask())
            os.replace(file.name, target)
        except BaseException:
            os.unlink(file.name)
            raise


def load(path: str) -> Model:
    """Read a model.

    Raises
    ------
    ModelFileError
        If the file is none.
    OSError
        If it cannot be opened.
    """
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
            about = json.loads(arrays["about"].tobytes())
            if about["format"] != FORMAT or about["version"] != VERSION:
                raise ModelFileError(f"{path}: version {about['version']}, not {VERSION}")
            return _model(about, arrays)
    except (zipfile.BadZipFile, ValueError, KeyError, TypeError, IndexError, EOFError) as error:
        if isinstance(error, ModelFileError):
            raise
        raise ModelFileError(f"{path} is not a fastada model, or is damaged") from None


def _model(about: dict[str, Any], arrays: Any) -> Model:
    features = Features.from_dict(about["features"])
    classes = about["classes"]
    n_outputs = 1 if len(classes) == 2 else len(classes)
    found = np.asarray(arrays["weights"], np.float32)
    intercepts = np.asarray(arrays["intercepts"], np.float64)
    if found.shape[1:] != (n_outputs,) or intercepts.shape != (n_outputs,) or n_outputs < 1:
        raise ValueError("shapes")
    weights = np.zeros((features.n_features, n_outputs), np.float32)
    weights[_columns(arrays["columns"], len(found))] = found
    idf = None
    if "idf_of_others" in about:
        idf = np.full(features.n_features, about["idf_of_others"], np.float32)
        idf[_columns(arrays["idf_columns"], len(arrays["idf"]))] = arrays["idf"]
    return Model(features, classes, weights, intercepts, idf)


def _columns(columns: Any, n: int) -> Any:
    if columns.dtype != np.int32 or columns.shape != (n,) or (n and columns.min() < 0):
        raise ValueError("columns")
    return columns


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
