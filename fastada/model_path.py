"""Many models at the cost of few: a grid of learning rates and penalties, in shared passes."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import clone
from sklearn.metrics import r2_score
from sklearn.utils import check_random_state

from fastada import _evaluation
from fastada.base import AdaGradEstimator
from fastada.classifier import AdaGradClassifier
from fastada.grid import Grid, kind_of
from fastada.labels import class_numbers
from fastada.problem import Problem, Validation, check_no_orphans
from fastada.regressor import AdaGradRegressor
from fastada.rows import Rows
from fastada.search import CHOOSE_OCTAVES
from fastada.settings import check_choice, check_number
from fastada.targets import Targets
from fastada.validation import check_sample_weight
from fastada.visits import Visits

# So many float32 models of one output have records of a cache line.
MODELS_PER_PASS = 8


class Path:
    """What path has trained; all arrays have an entry for each model, rates outermost.

    Attributes
    ----------
    learning_rate, alpha : ndarray of float64, shape (n_models,)
    progressive_loss : ndarray of float64, shape (n_models,)
        Mean loss of each row before it was learned for the first time; infinite for a model that
        has diverged.
    loss_curve : ndarray of float64, shape (n_epochs, n_models)
        Mean loss of each epoch, every row's before it was learned, summed over the outputs.
    validation_loss, validation_score : ndarray of float64, shape (n_epochs, n_models)
        Mean loss and `score` (accuracy, or R^2) on X_val after each epoch; NaN without one.
    """

    def __init__(
        self, models: list[tuple[AdaGradEstimator, Grid, int]], settings: npt.NDArray[np.float64]
    ) -> None:
        self._models = models
        self.learning_rate, self.alpha = settings.T
        self.progressive_loss = np.full(len(models), np.nan)
        self.loss_curve = np.empty((0, len(models)))
        self.validation_loss = np.empty((0, len(models)))
        self.validation_score = np.empty((0, len(models)))

    def __len__(self) -> int:
        return len(self._models)

    def model(self, m: int) -> Any:
        """Give model m as a fitted estimator of its own, which predicts and can be trained on.

        Raises
        ------
        FloatingPointError
            If it has diverged.
        """
        estimator, grid, place = self._models[m]
        if np.isinf(self.progressive_loss[m]) or np.isinf(self.loss_curve[:, m]).any():
            raise FloatingPointError(
                f"model {m} has diverged with learning_rate={self.learning_rate[m]:g}: it has no "
                "weights"
            )
        model = copy(estimator)
        model.loss_curve_ = estimator.loss_curve_.copy()
        model._state = grid.model(place)
        return model

    def coef(self, m: int) -> npt.NDArray[Any]:
        """Give the weights of model m, shaped as an estimator's coef_."""
        return np.asarray(self.model(m).coef_)

    def intercept(self, m: int) -> npt.NDArray[np.float64]:
        """Give the intercepts of model m."""
        return np.asarray(self.model(m).intercept_)


def path(
    X: Any,
    y: Any,
    *,
    learning_rate: npt.ArrayLike = "auto",
    alpha: npt.ArrayLike = 0.0,
    max_iter: int = 1,
    sample_weight: Any = None,
    X_val: Any = None,
    y_val: Any = None,
    sample_weight_val: Any = None,
    after_epoch: Callable[[int, Path], None] | None = None,
    **parameters: Any,
) -> Path:
    """Train a model for each learning rate and each alpha, side by side.

    Models learn the same rows at the same time, from one gather of each feature, eight at a time;
    those with and those without a penalty apart. Each is, to rounding, the one that an estimator
    with tol=None gives.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
    y : array-like
        As AdaGradClassifier takes it, or with loss="squared_error" or "huber" AdaGradRegressor.
    learning_rate : float or sequence of float, or "auto"
        "auto" is eight rates, half an octave apart, from a half of the formula's on.
    alpha : float or sequence of float
    max_iter : int
        Epochs.
    sample_weight : array-like of shape (n_samples,), optional
    X_val, y_val, sample_weight_val : as X, y and sample_weight, optional
        Scored after each epoch.
    after_epoch : callable, optional
        Called with the epoch, from 0, and the Path as it is then.
    **parameters
        Of AdaGradClassifier or AdaGradRegressor: loss, update, l1_ratio, random_state and others.
        Those that decide when to stop have no effect.

    Returns
    -------
    Path

    Raises
    ------
    ValueError, TypeError
        Where an argument is not as described.

    Examples
    --------
    >>> import numpy as np
    >>> import fastada
    >>> X = np.random.default_rng(0).normal(size=(500, 5))
    >>> models = fastada.path(X, X[:, 0] > 0, learning_rate=[0.01, 1.0], random_state=0)
    >>> models.progressive_loss.round(2)
    array([0.64, 0.14])
    >>> models.model(1).score(X, X[:, 0] > 0) > 0.95
    True
    """
    regression = parameters.get("loss") in AdaGradRegressor._losses
    kind = AdaGradRegressor if regression else AdaGradClassifier
    check_number("max_iter", max_iter, at_least=1, integer=True)
    check_no_orphans(X_val, y_val, sample_weight_val)
    estimator = kind(max_iter=max_iter, tol=None, **parameters)
    if estimator.optimizer is not None:
        raise ValueError("path trains by the estimators' own AdaGrad: optimizer must be None")
    problem = estimator._problem(X, y, sample_weight)
    rows, targets, weight, labels, _ = problem
    if not weight.any():
        raise ValueError("all sample weights are zero: there is nothing to learn from")
    validation = None
    if X_val is not None:
        validation = estimator._validation(problem, X_val, y_val, sample_weight_val)
        weight_val = check_sample_weight(sample_weight_val, validation.rows.n_rows)
    check_random_state(estimator.random_state)
    rates = candidate_rates(estimator, problem, learning_rate)
    alphas = candidates("alpha", alpha)
    visits = Visits(rows, targets.array, weight, estimator.shuffle, estimator.random_state)
    started = [
        _started(estimator, X, rows, targets, weight, labels, rate, a)
        for rate, a in product(rates.tolist(), alphas.tolist())
    ]
    groups: dict[Any, list[int]] = {}
    for m, model in enumerate(started):
        groups.setdefault(kind_of(model._settings), []).append(m)
    places: dict[int, tuple[Grid, int]] = {}
    for members in groups.values():
        for begin in range(0, len(members), MODELS_PER_PASS):
            part = members[begin : begin + MODELS_PER_PASS]
            settings = [started[m]._settings for m in part]
            grid = Grid(settings, rows, targets, started[part[0]]._scale)
            places.update({m: (grid, k) for k, m in enumerate(part)})
    result = Path(
        [(model, *places[m]) for m, model in enumerate(started)],
        np.array([[model.learning_rate, model.alpha] for model in started]),
    )
    for epoch in range(max_iter):
        _learn_epoch(result, rows, targets, visits, epoch)
        if validation is not None:
            _score(result, validation, weight_val)
        if after_epoch is not None:
            after_epoch(epoch, result)
    return result


def candidate_rates(
    estimator: AdaGradEstimator, problem: Problem, learning_rate: npt.ArrayLike
) -> npt.NDArray[np.float64]:
    """Give the rates that are asked for, or those around the formula's for "auto"."""
    if isinstance(learning_rate, str):
        check_choice("learning_rate", learning_rate, ("auto",))
        formula = clone(estimator).set_params(learning_rate="auto")
        start = formula._start(problem.rows, problem.targets, problem.weight)[2]
        return np.asarray(start.rate * 2.0 ** (CHOOSE_OCTAVES + 1))
    return candidates("learning_rate", learning_rate)


def candidates(name: str, values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Give one or several numbers as an array.

    Raises
    ------
    ValueError, TypeError
        If there is none, or one is not a number.
    """
    array = np.ravel(np.asarray(values))
    if not len(array):
        raise ValueError(f"{name} must be a number or a sequence of one or more; got none")
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold numbers; got {values!r}")
    return array.astype(np.float64)


def _started(
    estimator: AdaGradEstimator,
    X: Any,
    rows: Rows,
    targets: Targets,
    weight: npt.NDArray[np.float64],
    labels: dict[str, Any],
    rate: float,
    alpha: float,
) -> Any:
    model = clone(estimator).set_params(learning_rate=rate, alpha=alpha)
    model._check_parameters()
    model._adopt(model._started(X, rows, targets, weight, anew=True), labels)
    return model


def _learn_epoch(result: Path, rows: Rows, targets: Targets, visits: Visits, epoch: int) -> None:
    order = visits.of_epoch(epoch)
    curve = np.empty(len(result))
    for grid in dict.fromkeys(grid for _, grid, _ in result._models):
        members = [m for m, (_, g, _) in enumerate(result._models) if g is grid]
        before, weight = grid.loss_sum.copy(), grid.weight_sum
        losses = grid.learn(rows, targets, visits.sample_weight, order)
        with np.errstate(invalid="ignore"):
            mean = (grid.loss_sum - before) / (grid.weight_sum - weight)
        curve[members] = np.where(np.isinf(grid.loss_sum), np.inf, mean)
        for k, m in enumerate(members):
            model = result._models[m][0]
            model.n_iter_ = epoch + 1
            model.loss_curve_.append(float(curve[m]))
            if epoch == 0:
                of_rows = np.full(rows.n_rows, np.nan)
                _evaluation.note_first(order, losses[:, k].copy(), of_rows)
                model._progress = visits.progress(of_rows)
                result.progressive_loss[m] = model.progressive_loss_
    result.loss_curve = np.concatenate([result.loss_curve, curve[np.newaxis]])


def _score(result: Path, validation: Validation, weight: npt.NDArray[np.float64]) -> None:
    """Score the models as they are; `weight` is that of the rows without their classes'."""
    losses, scores = np.full((2, len(result)), np.nan)
    for m in np.flatnonzero(np.isfinite(result.loss_curve[-1])).tolist():
        model = result.model(m)
        margins = model._margins(validation.rows)
        losses[m] = model._loss_at(margins[validation.order], validation)
        scores[m] = _score_at(margins, validation.targets, weight, model)
    result.validation_loss = np.concatenate([result.validation_loss, losses[np.newaxis]])
    result.validation_score = np.concatenate([result.validation_score, scores[np.newaxis]])


def _score_at(
    margins: npt.NDArray[Any], targets: Targets, weight: npt.NDArray[np.float64], model: Any
) -> float:
    """Give what model.score does, without its checks: they take longer than a short epoch."""
    if isinstance(model, AdaGradRegressor):
        return float(r2_score(targets.value, margins[:, 0], sample_weight=weight))
    if targets.indicator is not None:
        right = ((margins > 0) == targets.indicator).all(axis=1)
    else:
        label = margins.argmax(axis=1) if margins.shape[1] > 1 else margins[:, 0] > 0
        right = label == class_numbers(targets)
    return float(np.average(right, weights=weight))
