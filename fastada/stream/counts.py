"""What is counted of rows before they are learned."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastada._hashing import count_documents
from fastada.formats import Problems
from fastada.formats.chunk import Chunk, CodedLabels
from fastada.persistence.text import TermCounts
from fastada.stream.trained import Trained
from fastada.stream.vectorise import VectorChunk
from fastada.text.term_weighting import inverse_document_frequency


class Counts:
    """What is known of the rows before they are learned."""

    def __init__(
        self,
        n_features: int,
        n_rows: int = 0,
        labels: dict[str, int] | None = None,
        document_frequency: NDArray[Any] | None = None,
    ) -> None:
        self.n_features, self.n_rows = n_features, n_rows
        self.labels = {} if labels is None else labels
        self.document_frequency = document_frequency
        self.weighs_unseen = False
        self.seen = np.zeros(n_features, bool)
        self.weight = 0.0

    def codes(
        self, chunk: Chunk, problems: Problems, *, new: bool
    ) -> tuple[NDArray[np.int64], NDArray[np.float64] | None]:
        """Number labels in the order of their first appearance, and weigh the rows.

        Unless new labels are taken, a row of one is a bad row, and has weight zero.
        """
        known, labels, weights = self.labels, chunk.labels or [], chunk.weights
        names = labels.names if isinstance(labels, CodedLabels) else labels
        if new:
            found = [known.setdefault(name, len(known)) for name in names]
        else:
            found = [known.get(name, -1) for name in names]
        codes = np.array(found, np.int64)
        if isinstance(labels, CodedLabels):
            codes = codes[labels.codes]
        if -1 in found:
            weights = np.ones(len(codes)) if weights is None else weights.copy()
            for i in np.flatnonzero(codes < 0).tolist():
                problems.bad_row(int(chunk.numbers[i]), "unknown label", labels[i])
                weights[i], codes[i] = 0.0, 0
        return codes, weights

    @classmethod
    def of(cls, trained: Trained) -> Counts:
        """Give what a model is known to have been made of; it takes no more labels."""
        labels = {label: i for i, label in enumerate(trained.classes)}
        terms, columns = trained.counts, trained.linear.columns
        frequency = terms.document_frequency
        counts = cls(
            trained.features.n_features,
            terms.n_documents,
            labels,
            None if frequency is None else frequency.copy(),
        )
        counts.weighs_unseen = terms.weighs_unseen
        counts.seen[slice(None) if columns is None else columns] = True
        return counts

    def add(self, found: VectorChunk) -> None:
        """Count rows, and the documents that each column occurs in."""
        self.n_rows += len(found.chunk)
        weights = found.chunk.weights
        self.weight += len(found.chunk) if weights is None else float(weights.sum())
        if self.document_frequency is not None:
            count_documents(found.vectors.indices, self.document_frequency)
        else:
            self.seen[found.vectors.indices] = True

    def columns(self) -> NDArray[np.int32]:
        """Columns that rows have."""
        seen = self.seen if self.document_frequency is None else self.document_frequency
        return np.flatnonzero(seen).astype(np.int32)

    def idf(self, *, all_counted: bool) -> NDArray[np.float32] | None:
        """Inverse document frequencies, where they are wanted.

        Columns without a document are worth nothing, unless rows that have them may be learned, or
        have been.
        """
        if self.document_frequency is None:
            return None
        self.weighs_unseen = self.weighs_unseen or not all_counted
        return inverse_document_frequency(
            self.document_frequency,
            self.n_rows,
            True,
            np.float32,
            weight_unseen=self.weighs_unseen,
        )

    def terms(self, idf: NDArray[np.float32] | None) -> TermCounts:
        """What a model keeps of it."""
        return TermCounts(idf, self.document_frequency, self.n_rows)
