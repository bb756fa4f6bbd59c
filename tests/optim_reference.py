"""The optimizers' recurrences for one weight, stepping through every gradient, zeros and all."""

from collections.abc import Iterable

import numpy as np


def adagrad(
    w: float,
    gradients: Iterable[float],
    learning_rate: float = 0.01,
    epsilon: float = 1e-7,
    l1: float = 0.0,
    l2: float = 0.0,
    initial_accumulator: float = 0.0,
) -> float:
    # A million subtractions of the same number drift by more than 1e-12 in float64.
    wide = np.longdouble
    w, r = wide(w), wide(initial_accumulator)
    kappa = wide(learning_rate) / (wide(epsilon) + np.sqrt(r))
    for g in gradients:
        if g:
            r += wide(g) ** 2
            kappa = wide(learning_rate) / (wide(epsilon) + np.sqrt(r))
            w -= kappa * wide(g)
        if l1:
            w = np.sign(w) * max(abs(w) - kappa * l1, wide(0))
        if l2:
            w /= 1 + kappa * l2
    return float(w)
