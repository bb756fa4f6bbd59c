"""From the names that users give to the numbers that the kernels take."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, TypedDict

import numpy as np

from fastada.scale import Scale

UPDATES = {"comid": 0, "rda": 1, "ftrl": 2}
LOSSES = {
    "log_loss": 0,
    "hinge": 1,
    "squared_hinge": 2,
    "modified_huber": 3,
    "squared_error": 4,
    "huber": 5,
}

# A penalty beyond this makes infinities of what float32 has room for.
LARGEST_ALPHA = 1e30

# Gradients beyond these would overflow the sums of their squares.
LARGEST_GRADIENT = {np.dtype(np.float32): 1e15, np.dtype(np.float64): 1e150}


class Settings(TypedDict):
    """The struct of src/training.pxd."""

    update: int
    rate: float
    epsilon: float
    beta: float
    l1: float
    l2: float
    smallest_accumulator: float
    smallest_intercept_accumulator: float
    decay: float
    loss: int
    delta: float
    batch_size: int
    fit_intercept: bool
    intercept_rate: float
    largest_value: float
    largest_gradient: float
    pace: float
    gain: float


def make_settings(
    scale: Scale,
    dtype: np.dtype[Any],
    largest_value: float,
    *,
    update: str = "comid",
    epsilon: float = 1e-7,
    beta: float | str = "auto",
    alpha: float = 0.0,
    l1_ratio: float = 0.0,
    loss: str = "log_loss",
    huber_delta: float = 1.0,
    batch_size: int = 1,
    fit_intercept: bool = True,
    decay: float = 1.0,
) -> Settings:
    """Translate what AdaGradClassifier and AdaGradRegressor document."""
    return Settings(
        update=UPDATES[update],
        rate=scale.rate,
        epsilon=float(epsilon),
        beta=scale.beta if isinstance(beta, str) else float(beta),
        l1=float(alpha * l1_ratio),
        l2=float(alpha * (1 - l1_ratio)),
        smallest_accumulator=scale.accumulator,
        smallest_intercept_accumulator=scale.intercept_accumulator,
        decay=float(decay),
        loss=LOSSES[loss],
        delta=float(huber_delta),
        batch_size=int(batch_size),
        fit_intercept=bool(fit_intercept),
        intercept_rate=scale.intercept_rate,
        largest_value=largest_value,
        largest_gradient=LARGEST_GRADIENT[dtype],
        pace=1.0,
        gain=1.0,
    )


def is_stamped(settings: Settings) -> bool:
    """Say whether records note the step of their last touch: COMID with a penalty or decay."""
    return settings["update"] == UPDATES["comid"] and (
        settings["l1"] > 0 or settings["l2"] > 0 or settings["decay"] < 1
    )


def pulls_of(settings: Settings) -> tuple[float, ...]:
    """Give what decides how an absent feature's weight shrinks and its accumulator decays."""
    return tuple(settings[name] for name in ("rate", "epsilon", "l1", "l2", "decay"))


def check_learning(learning_rate: Any, alpha: Any, l1_ratio: Any) -> None:
    """Raise TypeError or ValueError for a rate or a penalty that makes no sense."""
    if isinstance(learning_rate, str):
        check_choice("learning_rate", learning_rate, ("auto",))
    else:
        check_number("learning_rate", learning_rate, above=0)
    check_number("alpha", alpha, at_least=0, at_most=LARGEST_ALPHA)
    check_number("l1_ratio", l1_ratio, at_least=0, at_most=1)


def check_choice(name: str, value: Any, choices: Any) -> None:
    """Raise ValueError unless value is one of choices."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} must be one of {sorted(choices)}; got {value!r}")


def check_number(
    name: str,
    value: Any,
    *,
    above: float = -np.inf,
    at_least: float = -np.inf,
    at_most: float = np.inf,
    below: float = np.inf,
    integer: bool = False,
) -> None:
    """Raise TypeError or ValueError unless value is a finite number inside the bounds."""
    if isinstance(value, bool) or not isinstance(value, Integral if integer else Real):
        kind = "a whole number" if integer else "a number"
        raise TypeError(f"{name} must be {kind}; got {value!r}")
    number = float(value)
    inside = above < number < below and at_least <= number <= at_most
    if not (inside and np.isfinite(number)):
        bounds = [
            f"> {above:g}" if above > -np.inf else "",
            f">= {at_least:g}" if at_least > -np.inf else "",
            f"<= {at_most:g}" if at_most < np.inf else "",
            f"< {below:g}" if below < np.inf else "",
        ]
        wanted = " and ".join(b for b in bounds if b) or "finite"
        raise ValueError(f"{name} must be {wanted}; got {value!r}")
