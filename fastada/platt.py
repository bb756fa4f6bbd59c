"""Probabilities of the margins of hinge losses, by two numbers that rows left out of training tell.

One class against the rest, the expected squared hinge is least at a margin of 2 p - 1 (Zhang 2004):
linear in the probability p as far as the features can tell it, and somewhere below -1 where the
class is out of the question. So a class weighs log(1 + exp(temperature * margin + offset)), which
is linear above and falls off exponentially below, and those of a row are made to sum to 1. Where
many classes are likely, as with 735 of recipes, the logistic function in its place costs a sixth of
the log-loss.

The two numbers have the least log-loss on the rows left out, as those of Platt (1999) have.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit

# Two numbers need no more.
MOST_ROWS = 2000
# Of log(temperature) and of temperature - offset, which say how wide the bend is and how far above
# a margin of -1: what is usual, for how many rows' worth of belief per squared unit, and bounds.
USUAL = np.array([np.log(8.0), 4.0])
PRIOR = 10.0
BOUNDS = (-6.0, 4.0), (0.0, 10.0)
LEAST = -600.0  # whose exponential is not zero


class Link(NamedTuple):
    """What margins are multiplied by, and what is added to them then."""

    temperature: float
    offset: float


def find_link(
    margins: npt.NDArray[np.float64],
    label: npt.NDArray[np.int64],
    sample_weight: npt.NDArray[np.float64],
) -> Link:
    """Find the link with the least log-loss.

    Parameters
    ----------
    margins : ndarray of float64, shape (n_unseen, n_outputs)
    label : ndarray of int64, shape (n_unseen,)
    sample_weight : ndarray of float64, shape (n_unseen,)
    """
    few = np.linspace(0, len(label), min(len(label), MOST_ROWS), endpoint=False).astype(np.int64)
    above, own = margins[few] + 1.0, label[few, np.newaxis]
    weight = sample_weight[few] / sample_weight[few].sum()
    prior = PRIOR / 2 / len(few)

    def loss_and_slopes(x: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        temperature = np.exp(x[0])
        z = np.maximum(temperature * above - x[1], LEAST)
        of_class, slope = np.logaddexp(0, z), expit(z)
        total = of_class.sum(axis=1, keepdims=True)
        of_own = np.take_along_axis(of_class, own, axis=1)
        own_slope = np.take_along_axis(slope, own, axis=1) / of_own
        slope /= total
        own_above = np.take_along_axis(above, own, axis=1)
        by_temperature = (slope * above).sum(axis=1) - (own_slope * own_above)[:, 0]
        by_shift = own_slope[:, 0] - slope.sum(axis=1)
        away = x - USUAL
        loss = weight @ np.log(total / of_own)[:, 0] + prior * (away @ away)
        slopes = np.array([temperature * (weight @ by_temperature), weight @ by_shift])
        return float(loss), slopes + 2 * prior * away

    found = minimize(loss_and_slopes, USUAL, jac=True, method="L-BFGS-B", bounds=BOUNDS)
    temperature = float(np.exp(found.x[0]))
    return Link(temperature, temperature - float(found.x[1]))
