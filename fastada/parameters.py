"""The parameters that the classifier and the regressor share: which values make sense."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastada.optimized import check_optimizer
from fastada.settings import UPDATES, check_choice, check_learning, check_number
from fastada.validation import FLOATS
from fastada.workers import effective_n_jobs


def check_parameters(estimator: Any, losses: tuple[str, ...]) -> None:
    """Raise TypeError or ValueError for the first parameter that makes no sense.

    Parameters
    ----------
    estimator : AdaGradClassifier or AdaGradRegressor
    losses : tuple of str
        Those that it knows.
    """
    check_choice("loss", estimator.loss, losses)
    check_choice("update", estimator.update, UPDATES)
    check_learning(estimator.learning_rate, estimator.alpha, estimator.l1_ratio)
    for name in ("initial_accumulator", "beta"):
        value = getattr(estimator, name)
        if isinstance(value, str):
            check_choice(name, value, ("auto",))
    if not isinstance(estimator.initial_accumulator, str):
        check_number("initial_accumulator", estimator.initial_accumulator, at_least=0)
    check_number("epsilon", estimator.epsilon, above=0)
    if not isinstance(estimator.beta, str):
        check_number("beta", estimator.beta, above=0)
    check_number("decay", estimator.decay, above=0, at_most=1)
    if estimator.decay < 1 and (estimator.update != "comid" or estimator.alpha > 0):
        raise ValueError(
            "decay < 1 needs update='comid' and alpha=0: where the accumulator of an absent "
            "feature decays, its penalty has no closed form"
        )
    if estimator.decay < 1 and estimator.n_jobs not in (None, 1):
        raise ValueError(
            "decay < 1 needs n_jobs=None or 1: threads add up sums of squared gradients"
        )
    check_number("batch_size", estimator.batch_size, at_least=1, integer=True)
    check_number("max_iter", estimator.max_iter, at_least=1, integer=True)
    if estimator.n_syncs is not None:
        check_number("n_syncs", estimator.n_syncs, at_least=1, integer=True)
    if estimator.n_jobs is not None:
        check_number("n_jobs", estimator.n_jobs, integer=True)
        effective_n_jobs(estimator.n_jobs)
    check_number("n_iter_no_change", estimator.n_iter_no_change, at_least=1, integer=True)
    check_number("validation_fraction", estimator.validation_fraction, above=0, below=1)
    for name in ("shuffle", "fit_intercept", "early_stopping", "warm_start"):
        if not isinstance(getattr(estimator, name, True), (bool, np.bool_)):
            raise TypeError(f"{name} must be True or False; got {getattr(estimator, name)!r}")
    if estimator.tol is not None:
        check_number("tol", estimator.tol, at_least=0)
    if estimator.dtype is not None and np.dtype(estimator.dtype) not in FLOATS:
        raise ValueError(f"dtype must be None, float32 or float64; got {estimator.dtype!r}")
    if estimator.optimizer is not None:
        check_optimizer(estimator)
