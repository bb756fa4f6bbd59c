"""Rows of hashed n-grams as they are made."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class HashedRows(NamedTuple):
    """Rows of a sparse matrix one after the other; `n_ngrams` were summed into its entries."""

    columns: NDArray[np.int32]
    values: NDArray[Any]
    row_sizes: NDArray[np.int64]
    n_ngrams: int

    def csr(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """(data, indices, indptr), of int64 where scikit-learn's are."""
        large = self.n_ngrams > np.iinfo(np.int32).max
        index_dtype = np.int64 if large else np.int32
        indptr = np.zeros(len(self.row_sizes) + 1, index_dtype)
        np.cumsum(self.row_sizes, out=indptr[1:])
        return self.values, self.columns.astype(index_dtype, copy=False), indptr
