"""AdaGradRegressor."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import RegressorMixin
from sklearn.utils.validation import column_or_1d

from fastada.base import AdaGradEstimator
from fastada.exclusive import exclusive
from fastada.optim.optimizer import Optimizer
from fastada.problem import Problem, Validation
from fastada.rows import Rows
from fastada.settings import check_number
from fastada.targets import Targets
from fastada.validation import check_same_length, check_sample_weight


class AdaGradRegressor(RegressorMixin, AdaGradEstimator):  # type: ignore[misc]
    """Linear regression trained by lazy per-coordinate AdaGrad.

    Minimises  mean_i s_i loss(w.x_i + b, y_i) + alpha (l1_ratio |w|_1 + (1 - l1_ratio) |w|_2^2 / 2)
    as AdaGradClassifier does.

    Parameters
    ----------
    loss : {"squared_error", "huber"}, default="squared_error"
        (z - y)^2 / 2, or the same continued as a line beyond |z - y| = huber_delta.
    huber_delta : float, default=1.0
        In units of y.
    update : {"comid", "rda", "ftrl"}, default="comid"
    optimizer : optimizer of fastada.optim or None, default=None
    learning_rate : float or "auto", default="auto"
        "auto" is searched for around the root mean square target over the root mean square row
        norm.
    epsilon : float, default=1e-7
    initial_accumulator : float or "auto", default="auto"
        "auto" is three times the mean square target times the mean square entry of a usual row (the
        geometric mean over rows), over batch_size^2.
    beta : float or "auto", default="auto"
        Added to the root of the accumulator by "ftrl". "auto" is the root of the same, without
        the three, over batch_size.
    decay : float, default=1.0
    alpha : float, default=0.0
    l1_ratio : float, default=0.0
    batch_size : int, default=1
    max_iter : int, default=20
    tol : float or None, default=1e-3
        In units of the loss.
    shuffle : bool, default=True
    fit_intercept : bool, default=True
    early_stopping : bool, default=False
    validation_fraction : float, default=0.1
    n_iter_no_change : int, default=2
    warm_start : bool, default=False
    dtype : float32, float64 or None, default=None
    n_jobs : int or None, default=None
        Threads that train; -1: all cores. Each learns a share of the rows on a replica of the
        model. Another number gives another model, of about the same quality (docs/scaling.md);
        the same number gives the same bits. Of too few rows to go round, fewer threads take part.
    n_syncs : int, optional
        How many times an epoch the replicas of n_jobs threads are combined. By default once; on a
        cluster (fastada.dask) up to 16 times where shares have few rows, unless rounds would take
        longer than learning them.
    verbose : int, default=0
    random_state : int, RandomState instance or None, default=None
        All of them as AdaGradClassifier has them.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
    intercept_ : ndarray of shape (1,)
    sum_sq_grad_ : ndarray of shape (n_features,)
        The accumulators G.
    learning_rate_per_feature_ : ndarray of shape (n_features,)
        eta / (epsilon + sqrt(G)).
    learning_rate_, progressive_loss_ : float
    learning_rate_search_ : fastada.search.RateSearch or None
    n_nonzero_, n_iter_, t_ : int
    loss_curve_, objective_curve_, validation_loss_curve_ : list of float
        As AdaGradClassifier has them.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)

    Examples
    --------
    >>> import numpy as np
    >>> from fastada import AdaGradRegressor
    >>> X = np.random.default_rng(0).normal(size=(1000, 3))
    >>> AdaGradRegressor(random_state=0).fit(X, X @ [1.0, 2.0, 3.0]).coef_.round(2)
    array([1., 2., 3.])
    """

    _losses = ("squared_error", "huber")

    def __init__(
        self,
        loss: str = "squared_error",
        *,
        huber_delta: float = 1.0,
        update: str = "comid",
        optimizer: Optimizer | None = None,
        learning_rate: float | str = "auto",
        epsilon: float = 1e-7,
        initial_accumulator: float | str = "auto",
        beta: float | str = "auto",
        decay: float = 1.0,
        alpha: float = 0.0,
        l1_ratio: float = 0.0,
        batch_size: int = 1,
        max_iter: int = 20,
        tol: float | None = 1e-3,
        shuffle: bool = True,
        fit_intercept: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 2,
        warm_start: bool = False,
        dtype: npt.DTypeLike | None = None,
        n_jobs: int | None = None,
        n_syncs: int | None = None,
        verbose: int = 0,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.loss = loss
        self.huber_delta = huber_delta
        self.update = update
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.epsilon = epsilon
        self.initial_accumulator = initial_accumulator
        self.beta = beta
        self.decay = decay
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.tol = tol
        self.shuffle = shuffle
        self.fit_intercept = fit_intercept
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.dtype = dtype
        self.n_jobs = n_jobs
        self.n_syncs = n_syncs
        self.verbose = verbose
        self.random_state = random_state

    @exclusive
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> AdaGradRegressor:
        """Learn the rows of X once, as they come, on top of what was learned before.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        self
        """
        self._check_parameters()
        dtype = self._dtype_of_training(goes_on=self.__sklearn_is_fitted__())
        self._learn_once(X, *self._check_data(X, y, sample_weight, dtype), {})
        return self

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Predict.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
            Of the type of the weights.
        """
        return self._margins(self._rows(X))[:, 0]

    def _problem(self, X: Any, y: Any, sample_weight: Any) -> Problem:
        """Check parameters and data; give rows, targets, weights, and nothing about outputs."""
        self._check_parameters()
        dtype = self._dtype_of_training(goes_on=self._goes_on())
        return Problem(*self._check_data(X, y, sample_weight, dtype), {})

    def _validation(self, problem: Problem, X: Any, y: Any, sample_weight: Any) -> Validation:
        """Check a validation set of the problem."""
        found = self._check_data(X, y, sample_weight, problem.rows.data.dtype)
        return Validation.of(*found, problem)

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_number("huber_delta", self.huber_delta, above=0)

    def _check_data(
        self, X: Any, y: Any, sample_weight: Any, dtype: Any
    ) -> tuple[Rows, Targets, npt.NDArray[np.float64]]:
        rows = self._training_rows(X, dtype)
        targets = Targets(value=self._check_y(y, rows))
        return rows, targets, check_sample_weight(sample_weight, rows.n_rows)

    def _check_y(self, y: Any, rows: Rows) -> npt.NDArray[np.float64]:
        """Give a number for each row."""
        if y is None:
            raise ValueError("AdaGradRegressor requires y to be passed, but the target y is None.")
        array: npt.NDArray[np.float64] = np.require(
            column_or_1d(y, warn=True), np.float64, ["C", "A"]
        )
        if not np.isfinite(array).all():
            raise ValueError("Input y contains NaN or infinity.")
        check_same_length(array, rows)
        return array

    def _target_scale(self, targets: Targets, weight: npt.NDArray[np.float64]) -> float:
        assert targets.value is not None
        # No product of BLAS: its threads go on to wait in a loop that takes a core. What overflows
        # is refused.
        with np.errstate(over="ignore", invalid="ignore"):
            squares = targets.value[: len(weight)] ** 2
            return float(np.sqrt((weight * squares).sum() / (weight.sum() or 1.0)))

    def _like_coef(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return array[:, 0]
