"""The optimizers' recurrences, stepping through every gradient, zeros and all.

Each is a generator that is sent gradients and gives the weights after each: numbers or arrays.
"""

from collections.abc import Generator, Iterable
from typing import Any

import numpy as np

Recurrence = Generator[Any, Any, None]


def after(recurrence: Recurrence, gradients: Iterable[Any]) -> Any:
    """The weights after all gradients."""
    w = next(recurrence)
    for g in gradients:
        w = recurrence.send(g)
    return w


def adagrad(
    w: Any,
    learning_rate: float = 0.01,
    epsilon: float = 1e-7,
    l1: float = 0.0,
    l2: float = 0.0,
    initial_accumulator: float = 0.0,
) -> Recurrence:
    # A million subtractions of the same number drift by more than 1e-12 in float64.
    wide = np.longdouble
    w, r = wide(w), wide(initial_accumulator)
    kappa = wide(learning_rate) / (wide(epsilon) + np.sqrt(r))
    while True:
        g = yield w
        if np.shape(g) or g:
            r = r + wide(g) ** 2
            kappa = wide(learning_rate) / (wide(epsilon) + np.sqrt(r))
            w = w - kappa * wide(g)
        if l1:
            w = np.sign(w) * np.maximum(abs(w) - kappa * l1, 0)
        if l2:
            w = w / (1 + kappa * l2)


def sgd(w: Any, learning_rate: float) -> Recurrence:
    while True:
        g = yield w
        w = w - learning_rate * g


def momentum(
    w: Any, learning_rate: float, momentum: float = 0.9, nesterov: bool = False
) -> Recurrence:
    v = 0.0
    while True:
        g = yield w
        v = momentum * v - learning_rate * g
        w = w + (momentum * v - learning_rate * g if nesterov else v)


def rmsprop(w: Any, learning_rate: float, rho: float = 0.9, epsilon: float = 1e-7) -> Recurrence:
    s = 0.0
    while True:
        g = yield w
        s = rho * s + (1 - rho) * g**2
        w = w - learning_rate * g / (s**0.5 + epsilon)


def adadelta(
    w: Any, learning_rate: float = 1.0, rho: float = 0.95, epsilon: float = 1e-6
) -> Recurrence:
    s = u = 0.0
    while True:
        g = yield w
        s = rho * s + (1 - rho) * g**2
        d = (u + epsilon) ** 0.5 / (s + epsilon) ** 0.5 * g
        u = rho * u + (1 - rho) * d**2
        w = w - learning_rate * d


def adam(
    w: Any,
    learning_rate: float,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-8,
) -> Recurrence:
    m = v = 0.0
    t = 0
    while True:
        g = yield w
        t += 1
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        w = w - learning_rate * (m / (1 - beta_1**t)) / ((v / (1 - beta_2**t)) ** 0.5 + epsilon)


def recurrence_of(optimizer: Any) -> Any:
    """Named as the optimizer's class."""
    return globals()[type(optimizer).__name__.lower()]
