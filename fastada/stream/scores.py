"""How well a model predicts the labels of rows."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fastada.stream.model import Model, best_classes
from fastada.stream.score import ScoredChunk

SMALLEST = np.finfo(np.float64).eps


@dataclass
class Scores:
    """Counts over rows whose labels the model knows.

    Attributes
    ----------
    confusion : ndarray of int64, shape (n_classes, n_classes)
        Rows: true classes.
    total_loss : float
        Sum of the log losses.
    """

    model: Model
    confusion: NDArray[np.int64] = field(init=False)
    total_loss: float = 0.0

    def __post_init__(self) -> None:
        n = len(self.model.classes)
        self.confusion = np.zeros((n, n), np.int64)

    @property
    def n_rows(self) -> int:
        """Rows counted."""
        return int(self.confusion.sum())

    @property
    def log_loss(self) -> float:
        """Mean log loss."""
        return self.total_loss / self.n_rows

    def add(
        self, found: ScoredChunk, truth: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Count the rows of a chunk; truth is -1 where the label is unknown.

        Returns
        -------
        ndarray of int64, shape (n_known,)
            The rows whose label is known.
        ndarray of int64, shape (n_known,)
            The classes predicted for them.
        ndarray of float64, shape (n_known, n_classes)
            Their probabilities.
        """
        rows = np.flatnonzero(truth >= 0)
        margins, truth = found.margins[rows], truth[rows]
        predicted, p = best_classes(margins), self.model.probabilities(margins)
        np.add.at(self.confusion, (truth, predicted), 1)
        chosen = p[np.arange(len(rows)), truth]
        self.total_loss -= float(np.log(np.clip(chosen, SMALLEST, None)).sum())
        return rows, predicted, p
