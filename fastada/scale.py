"""Learning rate and initial accumulator in the data's own units.

The margin of a row moves by about rate * |x| when all its features step by
`rate`, so a rate of 1 / (root mean square row norm) moves margins by about one,
whatever the scale of the data. The initial accumulator G_0 stands for a few
gradients of the usual size seen beforehand, so that the first step on a feature
is not a full rate whatever its gradient: G_0 = 4 mean(x^2) over stored entries,
over m^2 with batches of m rows, of which most features occur in but one.
With targets of scale s (regression), gradients and weights scale by s, the rate
by s and G_0 by s^2. Scaling X or y then scales the weights and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from fastada.rows import Rows

# The scale is taken from the first rows and then fixed, the same for fit and for partial_fit.
N_ROWS = 1000
ACCUMULATOR_FACTOR = 4.0


@dataclass(frozen=True)
class Scale:
    """Learning rates and initial accumulators of the features and of the intercept."""

    rate: float
    accumulator: float
    intercept_rate: float
    intercept_accumulator: float

    def with_rate(self, learning_rate: Any) -> Scale:
        """Take another learning rate, unless it is "auto": then the one found first stays."""
        if learning_rate == "auto":
            return self
        return replace(self, rate=float(learning_rate), intercept_rate=float(learning_rate))


def scale_of(
    rows: Rows,
    sample_weight: npt.NDArray[np.float64],
    learning_rate: Any,
    initial_accumulator: Any,
    *,
    target_scale: float = 1.0,
    batch_size: int = 1,
) -> Scale:
    """Resolve "auto" by the first rows.

    Parameters
    ----------
    rows : Rows
    sample_weight : ndarray of float64, shape (n_rows,)
    learning_rate, initial_accumulator : float or "auto"
    target_scale : float
        1 for classifiers; the root mean square target of a regressor.
    batch_size : int
    """
    weight = sample_weight[:N_ROWS]
    indptr = rows.indptr[: len(weight) + 1]
    squares = rows.data[: indptr[-1]].astype(np.float64) ** 2
    entry_weight = np.repeat(weight, np.diff(indptr)) * (squares > 0)
    total = float(entry_weight @ squares)
    mean_square = total / (float(entry_weight.sum()) or 1.0) or 1.0
    row_norm = float(np.sqrt(total / (float(weight.sum()) or 1.0))) or 1.0
    target_scale = target_scale or 1.0

    if learning_rate == "auto":
        rate, intercept_rate = target_scale / row_norm, target_scale
    else:
        rate = intercept_rate = float(learning_rate)
    if initial_accumulator == "auto":
        accumulator = ACCUMULATOR_FACTOR * target_scale**2 * mean_square / batch_size**2
        intercept_accumulator = ACCUMULATOR_FACTOR * target_scale**2
    else:
        accumulator = intercept_accumulator = float(initial_accumulator)
    return Scale(rate, accumulator, intercept_rate, intercept_accumulator)
