"""A state that has kept its weights alone: it predicts, and training cannot go on from it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastada.settings import Settings
from fastada.state import State

CANNOT_GO_ON = (
    "the model was saved for serving, without what training goes on from: fit it anew, or load a "
    "file that was saved for training"
)


class FrozenState(State):
    """What State gives to readers, without what training remembers.

    Parameters
    ----------
    weights : ndarray of float32 or float64, shape (n_features, n_outputs)
    intercepts : ndarray of float64, shape (n_outputs,)
    n_steps, n_epochs : int
        That training took.
    """

    def __init__(
        self,
        weights: npt.NDArray[Any],
        intercepts: npt.NDArray[np.float64],
        n_steps: int,
        n_epochs: int,
    ) -> None:
        weights.flags.writeable = False
        self._weights = weights
        self._intercepts = intercepts
        self.n_outputs = weights.shape[1]
        self.n_epochs = n_epochs
        self.clock = np.array([n_steps, n_steps], np.int64)

    @property
    def n_features(self) -> int:
        """Number of features."""
        return int(self._weights.shape[0])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the weights."""
        return self._weights.dtype

    @property
    def accumulators(self) -> npt.NDArray[Any]:
        """What is not there."""
        raise AttributeError("the model was saved for serving: it has no accumulators")

    def weights(self, settings: Settings) -> npt.NDArray[Any]:
        """Give the weights, shape (n_features, n_outputs), read-only."""
        return self._weights

    def n_nonzero(self, settings: Settings) -> int:
        """Count the weights that are not zero."""
        return int(np.count_nonzero(self._weights))

    def intercepts(self, settings: Settings) -> npt.NDArray[np.float64]:
        """Give the intercepts, shape (n_outputs,)."""
        return self._intercepts.copy()
