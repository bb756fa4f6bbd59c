"""Chunks of rows to margins."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastada.formats.chunk import Chunk
from fastada.stream.model import Model
from fastada.stream.vectorise import batches_of
from fastada.text.documents import DocumentReader
from fastada.text_scoring import TextScorer


class ScoredChunk(NamedTuple):
    """A chunk, and the margins of its rows, shape (n_rows, n_outputs)."""

    chunk: Chunk
    margins: NDArray[np.float32]


class ChunkScorer:
    """Scores texts as they are hashed, and vectors as they are; for any number of threads.

    Parameters
    ----------
    model : Model
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.text = TextScorer(
            DocumentReader(lowercase=model.features.lowercase),
            model.features.ngram_options(),
            model.weighting(),
            model.weights,
            model.intercepts,
        )

    def __call__(self, chunk: Chunk) -> ScoredChunk:
        """Score the rows of a chunk."""
        if chunk.vectors is not None:
            return ScoredChunk(chunk, self.model.margins(chunk.vectors))
        return ScoredChunk(chunk, self.text.of_batches(batches_of(chunk, self.text.reader)))
