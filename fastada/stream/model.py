"""A linear model as predictions need it: weights, classes, and how text becomes vectors."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastada import _scoring
from fastada.formats.chunk import Vectors
from fastada.stream.options import Features
from fastada.text.term_weighting import TermWeighting


class Model(NamedTuple):
    """What `fastada train` saves.

    Attributes
    ----------
    features : Features
    classes : list of str
        Sorted.
    weights : ndarray of float32, shape (n_features, n_outputs)
        One output with two classes: its positive margin means the second.
    intercepts : ndarray of float64, shape (n_outputs,)
    idf : ndarray of float32, shape (n_features,), or None
    multinomial : bool
        Whether probabilities are the softmax of the margins.
    temperature : float
        What margins are multiplied by for probabilities.
    offset : float
        What is added to them then, where they are of a hinge loss and several classes.
    loss : str
    """

    features: Features
    classes: list[str]
    weights: NDArray[np.float32]
    intercepts: NDArray[np.float64]
    idf: NDArray[np.float32] | None
    multinomial: bool = False
    temperature: float = 1.0
    offset: float = 0.0
    loss: str = "log_loss"

    def weighting(self) -> TermWeighting:
        """How the terms of a text are weighted."""
        return TermWeighting(np.float32, "l2", self.features.sublinear_tf, self.idf)

    def margins(self, vectors: Vectors) -> NDArray[np.float32]:
        """Margins, shape (n_rows, n_outputs)."""
        n_rows = len(vectors.indptr) - 1
        margins = np.empty((n_rows, self.weights.shape[1]), np.float32)
        _scoring.margins(
            self.weights,
            self.intercepts,
            vectors.indptr,
            vectors.indices,
            vectors.data,
            np.arange(n_rows, dtype=np.int64),
            margins,
        )
        return margins

    def probabilities(self, margins: NDArray[Any]) -> NDArray[np.float64]:
        """Probabilities of the classes, shape (n_rows, n_classes)."""
        margins = margins.astype(np.float64) * self.temperature
        if not self.multinomial:
            return probabilities(margins, self.offset, self.loss)
        found = np.exp(margins - margins.max(axis=1, keepdims=True))
        return np.asarray(found / found.sum(axis=1, keepdims=True))


def best_classes(margins: NDArray[Any]) -> NDArray[np.int64]:
    """Position of the class of each row."""
    if margins.shape[1] == 1:
        return (margins[:, 0] > 0).astype(np.int64)
    return np.asarray(margins.argmax(axis=1))


def probabilities(
    margins: NDArray[Any], offset: float = 0.0, loss: str = "log_loss"
) -> NDArray[np.float64]:
    """Logistic function of the margins, divided by its sum where classes are more than two.

    As fastada.probabilities has it, with what is in its place with other losses, but without
    SciPy, whose import the command line saves.
    """
    margins = margins.astype(np.float64)
    if loss == "modified_huber":
        found = (np.clip(margins, -1, 1) + 1) / 2
    elif loss != "log_loss" and margins.shape[1] > 1:
        found = np.logaddexp(0, margins + offset)
    else:
        # exp(-log(1 + exp(-m))) does not overflow.
        found = np.exp(-np.logaddexp(0, -margins))
    if margins.shape[1] == 1:
        return np.column_stack([1 - found, found])
    total = found.sum(axis=1, keepdims=True)
    found[total[:, 0] == 0] = 1.0
    return np.asarray(found / found.sum(axis=1, keepdims=True))
