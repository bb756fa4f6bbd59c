"""The optimizers' recurrences for one weight, stepping through every gradient, zeros and all."""

from collections.abc import Iterable
from math import sqrt

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


def sgd(w: float, gradients: Iterable[float], learning_rate: float) -> float:
    for g in gradients:
        w -= learning_rate * g
    return w


def momentum(
    w: float,
    gradients: Iterable[float],
    learning_rate: float,
    momentum: float = 0.9,
    nesterov: bool = False,
) -> float:
    v = 0.0
    for g in gradients:
        v = momentum * v - learning_rate * g
        w += momentum * v - learning_rate * g if nesterov else v
    return w


def rmsprop(
    w: float,
    gradients: Iterable[float],
    learning_rate: float,
    rho: float = 0.9,
    epsilon: float = 1e-7,
) -> float:
    s = 0.0
    for g in gradients:
        s = rho * s + (1 - rho) * g**2
        w -= learning_rate * g / (sqrt(s) + epsilon)
    return w


def adadelta(
    w: float,
    gradients: Iterable[float],
    learning_rate: float = 1.0,
    rho: float = 0.95,
    epsilon: float = 1e-6,
) -> float:
    s = u = 0.0
    for g in gradients:
        s = rho * s + (1 - rho) * g**2
        d = sqrt(u + epsilon) / sqrt(s + epsilon) * g
        u = rho * u + (1 - rho) * d**2
        w -= learning_rate * d
    return w


def adam(
    w: float,
    gradients: Iterable[float],
    learning_rate: float,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-8,
) -> float:
    m = v = 0.0
    for t, g in enumerate(gradients, 1):
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        w -= learning_rate * (m / (1 - beta_1**t)) / (sqrt(v / (1 - beta_2**t)) + epsilon)
    return w
