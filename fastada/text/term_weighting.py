"""Counts of n-grams to the values of a row: logarithms, inverse document frequencies, norms."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fastada._hashing import spread, weight_rows
from fastada.text.hashed_rows import HashedRows

NORMS = {None: 0, "l1": 1, "l2": 2}


class TermWeighting:
    """From counts to weights: tf, times idf, the row divided by its norm.

    Equal in every bit to scikit-learn's ``TfidfTransformer``: logarithms are NumPy's.
    """

    def __init__(
        self,
        dtype: DTypeLike = np.float64,
        norm: str | None = "l2",
        sublinear_tf: bool = False,
        idf: NDArray[Any] | None = None,
    ) -> None:
        self.dtype, self.norm, self.sublinear_tf, self.idf = dtype, norm, sublinear_tf, idf
        self.tf = np.empty(0, dtype)
        if self.sublinear_tf:
            self.reach(255)

    @property
    def factors(self) -> NDArray[Any]:
        """The idf, or an empty array."""
        if self.idf is None:
            return np.empty(0, self.dtype)
        return self.idf.astype(self.dtype, copy=False)

    def reach(self, count: int) -> None:
        """Extend the table of ``1 + log(count)``."""
        counts = np.arange(2 * count + 2, dtype=self.dtype)
        with np.errstate(divide="ignore"):
            self.tf = np.log(counts) + self.tf.dtype.type(1)

    def apply(self, rows: HashedRows) -> None:
        """Weight rows of counts in place."""
        if self.sublinear_tf and len(rows.values):
            self.reach(int(rows.values.max()))
        weight_rows(
            rows.row_sizes, rows.columns, self.tf, self.factors, NORMS[self.norm], rows.values
        )


def inverse_document_frequency(
    document_frequency: NDArray[Any],
    n_documents: int,
    smooth: bool,
    dtype: DTypeLike,
    *,
    weight_unseen: bool = True,
) -> NDArray[Any]:
    """``log((n + smooth) / (df + smooth)) + 1``, infinite where df + smooth is 0.

    Parameters
    ----------
    document_frequency : array of shape (n_features,)
    n_documents : int
    smooth : bool
        Count one document more, in which every term occurs.
    dtype : data-type
        Of the result and of the arithmetic.
    weight_unseen : bool
        If not, terms that no document has are worth 0.
    """
    # Few documents have few different frequencies.
    few = 2 * n_documents < len(document_frequency)
    df = np.arange(n_documents + 1, dtype=dtype) if few else document_frequency.astype(dtype)
    df += float(smooth)
    idf = np.full_like(df, n_documents + int(smooth))
    with np.errstate(divide="ignore"):
        idf /= df
    np.log(idf, out=idf)
    idf += 1.0
    if not weight_unseen:
        idf[0 if few else document_frequency == 0] = 0.0
    if not few:
        return idf
    # NumPy's take would copy the counts to 64 bits first.
    found = np.empty(len(document_frequency), idf.dtype)
    spread(idf, document_frequency, found)
    return found
