"""When training has gone on for long enough."""

from __future__ import annotations

import numpy as np


class Patience:
    """Stop when the loss has not fallen by more than tol for n_iter_no_change epochs.

    Parameters
    ----------
    tol : float or None
        None never stops.
    n_iter_no_change : int
    """

    def __init__(self, tol: float | None, n_iter_no_change: int) -> None:
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.best = np.inf
        self.epochs_without = 0

    def is_over(self, loss: float) -> bool:
        """Take note of an epoch's loss; True if training should stop."""
        if self.tol is None:
            return False
        self.epochs_without = self.epochs_without + 1 if loss > self.best - self.tol else 0
        self.best = min(self.best, loss)
        return self.epochs_without >= self.n_iter_no_change
