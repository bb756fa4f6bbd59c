"""Rows gathered to be learned in any order."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastada.formats.chunk import Vectors
from fastada.rows import Rows
from fastada.text.hashed_rows import HashedRows
from fastada.text.term_weighting import TermWeighting

BYTES_PER_ENTRY = 8
# Size, label and weight.
BYTES_PER_ROW = 24


def as_rows(
    columns: NDArray[np.int32],
    values: NDArray[np.float32],
    row_sizes: NDArray[np.int64],
    n_columns: int,
) -> Rows:
    """Rows as the kernels take them."""
    indptr = np.zeros(len(row_sizes) + 1, np.int64)
    np.cumsum(row_sizes, out=indptr[1:])
    largest = max(float(values.max(initial=0)), -float(values.min(initial=0)))
    return Rows(indptr, columns, values, n_columns, largest)


class Pool:
    """Sparse rows with labels and weights, in arrays that grow.

    Parameters
    ----------
    n_features : int
    """

    def __init__(self, n_features: int) -> None:
        self.n_features = n_features
        self.relabelled = False
        self.columns = np.empty(0, np.int32)
        self.values = np.empty(0, np.float32)
        self.n_entries = self.n_rows = 0
        self.row_sizes: list[NDArray[np.int64]] = []
        self.labels: list[NDArray[np.int64]] = []
        self.weights: list[NDArray[np.float64]] = []

    @property
    def n_bytes(self) -> int:
        """Size of what is held."""
        return self.n_entries * BYTES_PER_ENTRY + self.n_rows * BYTES_PER_ROW

    def add(
        self, vectors: Vectors, labels: NDArray[np.int64], weights: NDArray[np.float64] | None
    ) -> None:
        """Add rows behind the others."""
        start, stop = self.n_entries, self.n_entries + len(vectors.indices)
        if stop > len(self.columns):
            self.reserve(2 * stop)
        self.columns[start:stop] = vectors.indices
        self.values[start:stop] = vectors.data
        self.n_entries = stop
        self.n_rows += len(labels)
        self.row_sizes.append(np.diff(vectors.indptr))
        self.labels.append(labels)
        self.weights.append(np.ones(len(labels)) if weights is None else weights)

    def reserve(self, n_entries: int) -> None:
        """Make room for so many entries in all."""
        if n_entries > len(self.columns):
            columns, values = np.empty(n_entries, np.int32), np.empty(n_entries, np.float32)
            columns[: self.n_entries] = self.columns[: self.n_entries]
            values[: self.n_entries] = self.values[: self.n_entries]
            self.columns, self.values = columns, values

    def clear(self) -> None:
        """Forget the rows and keep the arrays."""
        self.n_entries = self.n_rows = 0
        self.row_sizes, self.labels, self.weights = [], [], []
        self.relabelled = False

    def weight_terms(self, weighting: TermWeighting) -> None:
        """Turn counts into weights."""
        sizes = np.concatenate(self.row_sizes)
        columns, values = self.columns[: self.n_entries], self.values[: self.n_entries]
        weighting.apply(HashedRows(columns, values, sizes, 0))

    def relabel(self, position: NDArray[np.int32]) -> None:
        """Put other numbers in the place of the columns, once."""
        if not self.relabelled:
            columns = self.columns[: self.n_entries]
            np.take(position, columns, out=columns, mode="clip")
            self.relabelled = True

    def rows(self, n_columns: int) -> Rows:
        """Give the rows as the kernels take them."""
        columns, values = self.columns[: self.n_entries], self.values[: self.n_entries]
        return as_rows(columns, values, np.concatenate(self.row_sizes), n_columns)

    def label_codes(self) -> NDArray[np.int64]:
        """Label of each row."""
        return np.concatenate(self.labels)

    def row_weights(self) -> NDArray[Any]:
        """Weight of each row."""
        return np.concatenate(self.weights)
