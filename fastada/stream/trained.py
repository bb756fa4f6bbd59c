"""A model of the command line as training leaves it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastada.persistence.linear import Linear, check_growth
from fastada.persistence.text import TermCounts
from fastada.settings import LOSSES
from fastada.stream.model import Model
from fastada.stream.options import Features, Learning


class Trained(NamedTuple):
    """What training has made of a file, and can go on from.

    Attributes
    ----------
    features : Features
    classes : list of str
        Of the outputs, in their order.
    linear : Linear
    counts : TermCounts
    learning : Learning or None
        Of the last training.
    loss_curve : sequence of float
        Mean loss of each epoch.
    multinomial : bool
    labels : ndarray of shape (n_classes,), or None
        What an estimator calls the classes, where that is not text.
    progress : (float, float)
        Sum of the losses of all rows before they were learned, and of their weights.
    temperature, offset : float
    """

    features: Features
    classes: list[str]
    linear: Linear
    counts: TermCounts
    learning: Learning | None = None
    loss_curve: Sequence[float] = ()
    multinomial: bool = False
    labels: NDArray[Any] | None = None
    progress: tuple[float, float] = (0.0, 0.0)
    temperature: float = 1.0
    offset: float = 0.0

    @property
    def learning_rate(self) -> float:
        """The rate in use."""
        return self.linear.settings["rate"]

    @property
    def loss(self) -> str:
        """The loss, as estimators call it."""
        return next(name for name, kind in LOSSES.items() if kind == self.linear.settings["loss"])

    @property
    def progressive_loss(self) -> float | None:
        """Mean loss of the rows before they were learned."""
        total, weight = self.progress
        return total / weight if weight else None

    def model(self) -> Model:
        """Give what predictions need."""
        part = self.linear
        weights = part.state.weights(part.settings)
        if part.columns is not None:
            compact = weights
            check_growth(len(part.columns), part.n_features, 4 * part.state.n_outputs)
            weights = np.zeros((part.n_features, part.state.n_outputs), np.float32)
            weights[part.columns] = compact[: len(part.columns)]
        return Model(
            self.features,
            self.classes,
            weights,
            part.state.intercepts(part.settings),
            self.counts.idf,
            self.multinomial,
            self.temperature,
            self.offset,
            self.loss,
        )
