"""A set of rows as files that the process of every peer reads, whatever Python it has."""

import itertools
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse as sp


@dataclass(frozen=True)
class Rows:
    """X is float32 CSR with int32 indices; y holds 0 to n_classes - 1."""

    X: sp.csr_matrix
    y: np.ndarray
    n_classes: int


def save(folder: Path, X_train, X_test, y_train, y_test):
    """Number the classes of the training part; test rows of other classes are left out."""
    folder.mkdir(parents=True, exist_ok=True)
    classes, y_train = np.unique(y_train, return_inverse=True)
    known = np.isin(y_test, classes)
    X_test, y_test = X_test[known], np.searchsorted(classes, y_test[known])
    for part, X, y in (("train", X_train, y_train), ("test", X_test, y_test)):
        np.save(folder / f"{part}.y.npy", y.astype(np.int32))
        np.save(folder / f"{part}.data.npy", X.data.astype(np.float32))
        np.save(folder / f"{part}.indices.npy", X.indices.astype(np.int32))
        np.save(folder / f"{part}.indptr.npy", X.indptr.astype(np.int32))
    sizes = {"n_columns": int(X_train.shape[1]), "n_classes": len(classes)}
    (folder / "sizes.json").write_text(json.dumps(sizes))


def load(folder: Path, part: str) -> Rows:
    sizes = json.loads((folder / "sizes.json").read_text())
    y, *arrays = (
        np.load(folder / f"{part}.{name}.npy") for name in ("y", "data", "indices", "indptr")
    )
    X = sp.csr_matrix(tuple(arrays), shape=(len(y), sizes["n_columns"]))
    return Rows(X, y, sizes["n_classes"])


def entries(X):
    """Columns and values of each row, as lists."""
    for start, stop in itertools.pairwise(X.indptr.tolist()):
        yield X.indices[start:stop].tolist(), X.data[start:stop].tolist()


def write_text(path: Path, rows: Rows, label, entry):
    """Write a line a row, `label(y)` and `entry(column, value)` of each entry, once."""
    if path.exists():
        return
    partial = path.with_suffix(".partial")
    with open(partial, "w") as file:
        for y, (columns, values) in zip(rows.y.tolist(), entries(rows.X), strict=True):
            file.write(f"{label(y)} {' '.join(map(entry, columns, values))}\n")
    partial.rename(path)


def sigmoids(margins):
    """Probabilities of the classes from margins: of the second class, or of each against the rest.

    Those of many classes are divided by their sum.
    """
    margins = np.asarray(margins, np.float64)
    if margins.ndim == 1 or margins.shape[1] == 1:
        second = _sigmoid(margins.ravel())
        return np.column_stack([1 - second, second])
    each = _sigmoid(margins)
    return each / each.sum(axis=1, keepdims=True)


def _sigmoid(margins):
    return 0.5 * (1 + np.tanh(0.5 * margins))
