"""Sparse rows as the kernels take them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt


def index_type(n_columns: int) -> type[np.signedinteger[Any]]:
    """Give the smallest type for so many columns."""
    return np.int32 if n_columns <= np.iinfo(np.int32).max else np.int64


class Rows(NamedTuple):
    """A CSR matrix that has been looked at: canonical, finite, its indices in range.

    Attributes
    ----------
    indptr : ndarray of int64, shape (n_rows + 1,)
    indices : ndarray of int32 or int64, shape (n_entries,)
    data : ndarray of float32 or float64, shape (n_entries,)
    n_features : int
    largest_value : float
        The largest absolute value.
    """

    indptr: npt.NDArray[np.int64]
    indices: npt.NDArray[Any]
    data: npt.NDArray[Any]
    n_features: int
    largest_value: float

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.indptr) - 1

    def in_order(self) -> npt.NDArray[np.int64]:
        """All rows, as they stand."""
        return np.arange(self.n_rows, dtype=np.int64)
