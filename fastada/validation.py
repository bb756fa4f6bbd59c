"""Everything the kernels trust, checked once per call."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from fastada import _csr
from fastada.rows import Rows
from fastada.workers import by_rows

FLOATS = (np.float64, np.float32)


def check_structure(X: Any) -> None:
    """Raise ValueError where SciPy, which trusts the arrays of a matrix, would leave them.

    Only a matrix that SciPy has to convert is looked at; canonical_rows checks the others.
    """
    form = getattr(X, "format", None)
    if form is None or (form == "csr" and X.dtype in FLOATS):
        return
    if form == "coo":
        places = [(X.row, X.shape[0]), (X.col, X.shape[1])]
    elif form in ("csr", "csc", "bsr"):
        height, width = X.blocksize if form == "bsr" else (1, 1)
        n_rows, n_columns = X.shape[0] // height, X.shape[1] // width
        n_major, n_minor = (n_columns, n_rows) if form == "csc" else (n_rows, n_columns)
        if X.indptr.dtype.kind not in "iu":
            raise ValueError(f"X is not a {form.upper()} matrix: its indptr is {X.indptr.dtype}")
        _check_pointers(np.require(X.indptr, np.int64, ["C", "A"]), X, n_major)
        places = [(X.indices, n_minor)]
    else:
        return
    for place, bound in places:
        fits = place.shape == X.data.shape[:1] and place.dtype.kind in "iu"
        if not fits or (place.size and (place.min() < 0 or place.max() >= bound)):
            raise ValueError(
                f"X is not a {form.upper()} matrix: its indices are not whole numbers from 0 to "
                f"{bound - 1}, as many as there are values"
            )


def _check_pointers(indptr: npt.NDArray[np.int64], X: Any, n_major: int) -> None:
    """Raise ValueError unless indptr cuts the entries of a CSR, CSC or BSR matrix into lines."""
    name, line = X.format.upper(), "column" if X.format == "csc" else "row"
    if len(indptr) != n_major + 1 or len(X.indices) != len(X.data):
        raise ValueError(
            f"X is not a {name} matrix: for {n_major} {line}s, indptr has {len(indptr)} numbers "
            f"(needs {n_major + 1}), indices {len(X.indices)} and data {len(X.data)} "
            "(need as many)"
        )
    bad = _csr.first_bad_row(indptr, len(X.indices))
    if bad >= 0:
        raise ValueError(
            f"X is not a {name} matrix: indptr of {line} {bad} does not start at 0, runs backwards "
            f"or past the {len(X.indices)} stored entries"
        )


def canonical_rows(X: Any, dtype: npt.DTypeLike | None = None, n_threads: int = 1) -> Rows:
    """Check a dense array or sparse matrix and give its rows, without a copy where none is needed.

    Parameters
    ----------
    X : ndarray or sparse matrix or sparse array, shape (n_rows, n_features)
        CSR with sorted indices, no duplicates, float32 or float64 values and
        int32 or int64 indices is taken as it is. Duplicate entries are summed.
    dtype : float32 or float64, optional
        Type of the values; by default that of X, and float64 if X has another.
    n_threads : int, default=1
        How many may look at once.

    Raises
    ------
    ValueError
        Where indptr, indices or values are not what CSR allows, or not finite.
    """
    X = X if getattr(X, "format", None) == "csr" else sp.csr_array(X)
    if dtype is None:
        dtype = X.dtype if X.dtype in FLOATS else np.dtype(np.float64)
    # What came over a network may lie at any address.
    indices = np.require(X.indices, requirements=["C", "A"])
    if indices.dtype not in (np.int32, np.int64):
        indices = indices.astype(np.int64)
    data = np.require(X.data, dtype, ["C", "A"])
    indptr = np.require(X.indptr, np.int64, ["C", "A"])
    n_rows, n_features = X.shape
    _check_pointers(indptr, X, n_rows)

    def inspect(begin: int, end: int) -> tuple[int, int, float]:
        return _csr.inspect(indptr[begin : end + 1], indices, data, n_features)

    found = np.array(by_rows(inspect, indptr, n_threads), dtype=np.float64)
    out_of_range, unsorted = map(int, found[:, :2].sum(axis=0))
    largest = float(found[:, 2].max())  # or NaN
    if out_of_range:
        raise ValueError(
            f"X has {out_of_range} column indices outside 0..{n_features - 1}, the columns of "
            "its shape"
        )
    if not np.isfinite(largest):
        what = "NaN" if np.isnan(largest) else "infinity"
        raise ValueError(
            f"Input X contains {what} or a value too large for {data.dtype}. Impute or drop it."
        )
    if unsorted:
        # A fresh matrix: flags that X carries about itself may be as wrong as its indices.
        copy = sp.csr_array((data.copy(), indices.copy(), indptr.copy()), shape=X.shape)
        copy.sum_duplicates()
        return canonical_rows(copy, dtype)
    return Rows(indptr, indices, data, n_features, largest)


def check_sample_weight(sample_weight: Any, n_rows: int) -> npt.NDArray[np.float64]:
    """Give weights as float64, ones for None; ValueError if they do not fit the rows."""
    if sample_weight is None:
        return np.ones(n_rows)
    array = np.asarray(sample_weight)
    if array.dtype.kind not in "buif" and not (array.dtype.kind == "O"):
        raise ValueError(f"sample_weight must be numbers; got {array.dtype}")
    weight = np.require(array, np.float64, ["C", "A"])
    if array.ndim == 0:
        weight = np.full(n_rows, float(array))
    if weight.ndim != 1:
        raise ValueError(
            f"Sample weights must be 1D array or scalar: sample_weight has {weight.ndim}D"
        )
    if len(weight) != n_rows:
        raise ValueError(f"sample_weight.shape == {weight.shape}, expected {(n_rows,)}!")
    if not np.all(np.isfinite(weight)) or np.any(weight < 0):
        raise ValueError("sample_weight must be finite and not negative")
    return weight


def check_same_length(y: npt.NDArray[Any], rows: Rows) -> None:
    """Raise ValueError unless there is a target for each row."""
    if len(y) != rows.n_rows:
        raise ValueError(
            "Found input variables with inconsistent numbers of samples: "
            f"X has {rows.n_rows} rows, y {len(y)}"
        )
