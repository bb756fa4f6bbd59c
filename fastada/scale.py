"""Learning rate and initial accumulator in the data's own units.

The margin of a row moves by about rate * |x| when all its features step by
`rate`, so a rate of 1 / (root mean square row norm) moves margins by about one,
whatever the scale of the data. The initial accumulator G_0 stands for a few
gradients of the usual size seen beforehand, so that the first step on a feature
is not a full rate whatever its gradient: G_0 = 3 x^2, over m^2 with batches of m
rows, of which most features occur in but one. The x^2 is that of a usual row, the
geometric mean over rows of their mean square entry: of bare counts a few long
texts have most of the squares, and would hold back all others.
FTRL-Proximal's beta, added to the root of G, is the gradient of a row that is
quite wrong: the root of that x^2, over m.
With targets of scale s (regression), gradients, beta and weights scale by s, the
rate by s and G_0 by s^2. Scaling X or y then scales the weights and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastada import _csr
from fastada.rows import Rows

# A stream's scale is taken from its first rows that have a weight, and then fixed.
N_FIRST_ROWS = 1000
ACCUMULATOR_FACTOR, INTERCEPT_FACTOR = 3.0, 4.0


class Scale(NamedTuple):
    """Learning rates and initial accumulators of the features and of the intercept, FTRL's beta."""

    rate: float
    accumulator: float
    intercept_rate: float
    intercept_accumulator: float
    # As "auto" has it. Files of models from before there was one have none.
    beta: float = 1.0

    def with_rate(self, learning_rate: Any) -> Scale:
        """Take another learning rate, unless it is "auto": then the one found first stays."""
        if learning_rate == "auto":
            return self
        return self._replace(rate=float(learning_rate), intercept_rate=float(learning_rate))


def first_rows(sample_weight: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Cut the weights after the first N_FIRST_ROWS rows that have one."""
    visited = np.flatnonzero(sample_weight)
    return (
        sample_weight[: visited[N_FIRST_ROWS - 1] + 1]
        if len(visited) > N_FIRST_ROWS
        else sample_weight
    )


class Moments(NamedTuple):
    """Sums over rows that their scale is taken from.

    Attributes
    ----------
    squares : float
        Of the rows' squared norms, each times the weight of the row.
    logarithms, weight_of_logarithms : float
        Of the logarithms of the rows' mean squares, times the weights of the rows, and of those
        weights, where there are entries that are not zero.
    weight : float
        Of the rows' weights.
    """

    squares: float
    logarithms: float
    weight_of_logarithms: float
    weight: float

    @classmethod
    def of(cls, rows: Rows, sample_weight: npt.NDArray[np.float64]) -> Moments:
        """Sum over all rows, or over the first ones if only they have weights: see first_rows."""
        sums = _csr.square_sums(rows.indptr, rows.data, sample_weight)
        return cls(*sums, float(sample_weight.sum()))

    @classmethod
    def of_all(cls, parts: Iterable[Moments]) -> Moments:
        """Put those of rows in several places together."""
        return cls(*map(sum, zip(*parts, strict=True)))


def scale_of(
    moments: Moments,
    learning_rate: Any,
    initial_accumulator: Any,
    *,
    target_scale: float = 1.0,
    batch_size: int = 1,
) -> Scale:
    """Resolve "auto".

    Parameters
    ----------
    moments : Moments
    learning_rate, initial_accumulator : float or "auto"
    target_scale : float
        1 for classifiers; the root mean square target of a regressor.
    batch_size : int
    """
    logarithm = moments.logarithms / (moments.weight_of_logarithms or 1.0)
    with np.errstate(over="ignore"):
        usual_square = float(np.exp(logarithm)) or 1.0
    row_norm = float(np.sqrt(moments.squares / (moments.weight or 1.0))) or 1.0
    target_scale = target_scale or 1.0

    if learning_rate == "auto":
        rate, intercept_rate = target_scale / row_norm, target_scale
    else:
        rate = intercept_rate = float(learning_rate)
    if initial_accumulator == "auto":
        accumulator = ACCUMULATOR_FACTOR * target_scale**2 * usual_square / batch_size**2
        intercept_accumulator = INTERCEPT_FACTOR * target_scale**2
    else:
        accumulator = intercept_accumulator = float(initial_accumulator)
    beta = target_scale * float(np.sqrt(usual_square)) / batch_size
    return Scale(rate, accumulator, intercept_rate, intercept_accumulator, beta)
