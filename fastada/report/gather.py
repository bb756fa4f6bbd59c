"""What a report tells, gathered in one pass; memory does not grow with the file."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastada._arrow import strings
from fastada.formats.chunk import Chunk, Strings
from fastada.stream.model import Model
from fastada.stream.score import ScoredChunk
from fastada.stream.scores import Scores

N_BINS = 10
N_WORST = 20
LONGEST_TEXT = 1500
# Texts in which the names of top n-grams are looked for.
SAMPLE_TEXTS, SAMPLE_CHARACTERS = 5000, 4_000_000


class Mistake(NamedTuple):
    """A row to which the model gives its true class little probability."""

    probability: float
    number: int
    truth: int
    predicted: int
    text: str


@dataclass
class Gathered(Scores):
    """What a report tells of rows, besides how many there are of a kind.

    Attributes
    ----------
    bins : ndarray of float64, shape (3, N_BINS)
        By the probability of the predicted class: rows, sum of probabilities, rows predicted right.
    """

    bins: NDArray[np.float64] = field(init=False)
    worst: list[tuple[float, int, Mistake]] = field(default_factory=list)
    sample: list[str] = field(default_factory=list)
    sampled: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.bins = np.zeros((3, N_BINS))

    def gather(self, found: ScoredChunk, truth: NDArray[np.int64]) -> None:
        """Take in the rows of a chunk; truth is -1 where the label is unknown."""
        rows, predicted, p = self.add(found, truth)
        truth, at = truth[rows], np.arange(len(rows))
        chosen, confidence = p[at, truth], p[at, predicted]
        place = np.minimum((confidence * N_BINS).astype(np.int64), N_BINS - 1)
        for i, value in enumerate((np.ones(len(rows)), confidence, predicted == truth)):
            self.bins[i] += np.bincount(place, value, N_BINS)
        if found.chunk.texts is None:
            return
        wrong = np.flatnonzero(predicted != truth)
        for i in wrong[np.argsort(chosen[wrong], kind="stable")[:N_WORST]].tolist():
            number = int(found.chunk.numbers[rows[i]])
            if len(self.worst) == N_WORST and -chosen[i] <= self.worst[0][0]:
                break
            text = text_of(found.chunk, int(rows[i]))[:LONGEST_TEXT]
            mistake = Mistake(float(chosen[i]), number, int(truth[i]), int(predicted[i]), text)
            heapq.heappush(self.worst, (-mistake.probability, -number, mistake))
            if len(self.worst) > N_WORST:
                heapq.heappop(self.worst)
        for row in rows.tolist():
            if len(self.sample) >= SAMPLE_TEXTS or self.sampled >= SAMPLE_CHARACTERS:
                break
            self.sample.append(text_of(found.chunk, row)[:LONGEST_TEXT])
            self.sampled += len(self.sample[-1])

    def mistakes(self) -> list[Mistake]:
        """Give the worst first."""
        return [mistake for *_, mistake in sorted(self.worst, reverse=True)]


def text_of(chunk: Chunk, row: int) -> str:
    """Give one text of a chunk."""
    texts: Any = chunk.texts
    if isinstance(texts, Strings):
        one = slice(row, row + 1)
        return str(next(iter(strings(texts.addresses[one], texts.sizes[one], "replace"))))
    text = texts[row]
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)


def top_ngrams(model: Model, sample: list[str], k: int) -> list[list[tuple[str, float]]]:
    """Name the n-grams with the largest weights of each class, as far as the sample has them."""
    from fastada.names import names_of_columns
    from fastada.stream.explain import vectorizer_of
    from fastada.stream.vectorise import vectorise

    chunk = Chunk(np.arange(len(sample)), None, sample)
    vectors = vectorise(chunk, model.features, model.weighting()).vectors
    present = np.unique(vectors.indices)
    weights = model.weights[present]
    if weights.shape[1] == 1:
        weights = np.column_stack([-weights[:, 0], weights[:, 0]])
    best = np.argsort(-weights, axis=0, kind="stable")[:k]
    names = names_of_columns(
        vectorizer_of(model.features), sample, vectors, present[np.unique(best)]
    )
    return [
        [
            (names[int(present[i])], float(weights[i, j]))
            for i in best[:, j].tolist()
            if weights[i, j] > 0
        ]
        for j in range(len(model.classes))
    ]
