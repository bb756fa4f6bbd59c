"""AdaGradClassifier."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if

from fastada.base import AdaGradEstimator
from fastada.beginnings import Beginning, beginnings
from fastada.calibration import LeftOut, best_temperature, leave_out, link_at
from fastada.exclusive import exclusive
from fastada.labels import check_labels, class_numbers, class_weights, classes_of, encode, meaning
from fastada.optim.optimizer import Optimizer
from fastada.probabilities import gives_probabilities, probabilities
from fastada.problem import Problem, Validation
from fastada.rows import Rows
from fastada.scale import Scale
from fastada.settings import check_choice
from fastada.starting import Started
from fastada.targets import Targets
from fastada.validation import check_same_length, check_sample_weight
from fastada.visits import Visits


class AdaGradClassifier(ClassifierMixin, AdaGradEstimator):  # type: ignore[misc]
    """Linear classifier trained by lazy per-coordinate AdaGrad.

    Minimises  mean_i s_i loss(w.x_i + b, y_i) + alpha (l1_ratio |w|_1 + (1 - l1_ratio) |w|_2^2 / 2)
    at a cost per epoch in proportion to the entries stored in X, and gives the weights of the
    dense update, which would sweep all columns at every step.

    Parameters
    ----------
    loss : {"log_loss", "hinge", "squared_hinge", "modified_huber"}, default="log_loss"
        "log_loss" gives logistic regression, "hinge" a linear SVM.
    update : {"comid", "rda", "ftrl"}, default="comid"
        Composite mirror descent or dual averaging [1]_, or FTRL-Proximal [2]_.
    optimizer : optimizer of fastada.optim or None, default=None
        Takes the place of the estimator's own AdaGrad, with its hyperparameters: `update`,
        `learning_rate`, `epsilon`, `initial_accumulator`, `beta`, `alpha` and `l1_ratio` must be
        left at their defaults. The estimator takes a copy. For comparisons: a step takes some
        hundred microseconds, so that batches pay.
    learning_rate : float or "auto", default="auto"
        eta, the size of the first steps. "auto" is searched for around one over the root mean
        square norm of a row, by the losses of rows before they are learned.
    epsilon : float, default=1e-7
        delta, added to the root of the accumulator ("comid" and "rda").
    initial_accumulator : float or "auto", default="auto"
        G_0, the sum of squared gradients to start from. "auto" is three times the mean square
        entry of a usual row (the geometric mean over rows), over batch_size^2; with several
        outputs 16 times that (hinge losses and "modified_huber": 64) where `calibrate` finds it
        better.
    beta : float or "auto", default="auto"
        Added to the root of the accumulator by "ftrl". "auto" is the root of that mean
        square, over batch_size; [2]_ has 1, for entries of 1.
    decay : float, default=1.0
        Below 1, G - G_0 is multiplied by it at every step, so that the last 1 / (1 - decay) steps
        count: for streams that drift. With update="comid" and alpha=0.
    alpha : float, default=0.0
        Strength of the penalty: beside the mean loss, or with "ftrl" beside the sum of the losses
        of all steps, as in [2]_.
    l1_ratio : float, default=0.0
        1 penalises |w|_1 alone, 0 |w|_2^2 / 2 alone.
    batch_size : int, default=1
        Rows per step; a step takes their mean gradient.
    max_iter : int, default=10
        Epochs at most.
    tol : float or None, default=1e-3
        Stop when the objective, penalty included, has not fallen by more than tol for
        n_iter_no_change epochs, if the rows left out for `calibrate` do not tell when.
        None: always max_iter epochs.
    shuffle : bool, default=True
        Visit rows in a new order each epoch, and a row of sample weight s as many times as s
        rounds to (at least once, at most 16 times), with an equal share of s each. Without it
        rows are taken as they come, once each, and s multiplies the gradient.
    fit_intercept : bool, default=True
        The intercept is never penalised. With the log loss and more than two classes, rows that
        `calibrate` leaves out tell how much of the logarithms of the classes' frequencies to take
        out of the intercepts [4]_.
    early_stopping : bool, default=False
        Hold out validation_fraction of the rows, look at their loss instead of the objective,
        and keep the best epoch's weights. So does handing X_val and y_val to fit.
    validation_fraction : float, default=0.1
    n_iter_no_change : int, default=2
    multi_class : {"ovr", "multinomial"}, default="ovr"
        With more than two classes: one problem per class against the rest, or softmax.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes; they multiply the sample weights.
    calibrate : bool or "auto", default="auto"
        Let fit find temperature_, and how many epochs to train: from the rows held out if
        early_stopping or X_val holds out any, else from models trained without some of the rows for
        the purpose, five of 100 to 6,000 rows, one of more, until the loss of those rows has not
        fallen for n_iter_no_change epochs (not with warm_start, whose weights have seen all rows,
        nor with `optimizer`). The model itself learns all rows. True makes probabilities of the
        margins of hinge losses, too. "auto" is True with loss="log_loss", unless tol=None asks for
        all epochs; other losses are not calibrated then, but with several outputs go by the errors
        on the rows left out, as hinge losses always do. Of a row repeated
        some copies may be left out, of one with a weight all or none. With several outputs,
        learning_rate="auto" and initial_accumulator="auto" those models begin from two or three
        pairs of rate and accumulator, and after one epoch the most promising goes on.
    warm_start : bool, default=False
        Let fit go on from the weights and accumulators at hand.
    dtype : float32, float64 or None, default=None
        Type of weights and accumulators. None: that of X; float64 if X has another.
    n_jobs : int or None, default=None
        Threads that train; -1: all cores. Each learns a share of the rows on a replica of the
        model. Another number gives another model, of about the same quality (docs/scaling.md);
        the same number gives the same bits. Of too few rows to go round, fewer threads take part.
    n_syncs : int, optional
        How many times an epoch the replicas of n_jobs threads are combined. By default once; on a
        cluster (fastada.dask) up to 16 times where shares have few rows, unless rounds would take
        longer than learning them.
    verbose : int, default=0
        1 prints a line per epoch.
    random_state : int, RandomState instance or None, default=None
        Decides the orders of the epochs. Given it, the order of the rows in X does not matter.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
    intercept_ : ndarray of shape (1,) or (n_classes,)
    sum_sq_grad_ : ndarray, shaped as coef_
        The accumulators G.
    learning_rate_per_feature_ : ndarray, shaped as coef_
        eta / (epsilon + sqrt(G)).
    learning_rate_ : float
        eta: that of the search, or where `calibrate` compares several the one that was best.
    learning_rate_search_ : fastada.search.RateSearch or None
        With learning_rate="auto" the candidates and their losses by the number of rows; None where
        there was no search: with fewer than 256 rows or eight batches, or than 1,000 rows in a
        first partial_fit.
    progressive_loss_ : float
        Mean loss of each row before it was learned for the first time: an estimate of the loss on
        unseen rows, without a held-out set.
    temperature_ : float
        What predict_proba multiplies margins by, so that the probabilities of rows unseen have the
        least log-loss [3]_. 1 where fit has not found one.
    offset_ : float
        What predict_proba adds to that with hinge losses, more than two classes and
        calibrate=True. 0 else.
    n_nonzero_ : int
        Number of weights that are not zero.
    n_iter_ : int
        Epochs of the last fit.
    t_ : int
        Steps since the weights were zero.
    loss_curve_ : list of float
        Mean loss of each epoch, every row's before it is learned, summed over the outputs; with
        partial_fit of each call, the last 1,000.
    objective_curve_ : list of float
        loss_curve_ plus the penalty at the end of each epoch.
    validation_loss_curve_ : list of float
        Mean loss on the held-out rows after each epoch: with loss="log_loss" that of
        predict_proba's probabilities, else summed over the outputs.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)

    References
    ----------
    .. [1] Duchi, Hazan, Singer (2011). Adaptive subgradient methods for online learning and
       stochastic optimization. JMLR 12.
    .. [2] McMahan et al. (2013). Ad click prediction: a view from the trenches. KDD.
    .. [3] Guo, Pleiss, Sun, Weinberger (2017). On calibration of modern neural networks. ICML.
    .. [4] Menon, Jayasumana, Rawat, Jain, Veit, Kumar (2021). Long-tail learning via logit
       adjustment. ICLR.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> from fastada import AdaGradClassifier
    >>> X = csr_array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.5]])
    >>> AdaGradClassifier(random_state=0).fit(X, ["ham", "spam", "ham", "spam"]).predict(X)
    array(['ham', 'spam', 'ham', 'spam'], dtype='<U4')
    """

    classes_: npt.NDArray[Any]
    temperature_: float
    offset_: float
    _multilabel: bool
    _multinomial: bool
    # Whether rows to come are divided by their norms over the columns that fit has seen, as those
    # of fit are: TextClassifier says so.
    _norms_are_of_known = False
    _losses = ("log_loss", "hinge", "squared_hinge", "modified_huber")

    def __init__(
        self,
        loss: str = "log_loss",
        *,
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
        max_iter: int = 10,
        tol: float | None = 1e-3,
        shuffle: bool = True,
        fit_intercept: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 2,
        multi_class: str = "ovr",
        class_weight: dict[Any, float] | str | None = None,
        calibrate: bool | str = "auto",
        warm_start: bool = False,
        dtype: npt.DTypeLike | None = None,
        n_jobs: int | None = None,
        n_syncs: int | None = None,
        verbose: int = 0,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.loss = loss
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
        self.multi_class = multi_class
        self.class_weight = class_weight
        self.calibrate = calibrate
        self.warm_start = warm_start
        self.dtype = dtype
        self.n_jobs = n_jobs
        self.n_syncs = n_syncs
        self.verbose = verbose
        self.random_state = random_state

    @exclusive
    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> AdaGradClassifier:
        """Learn the rows of X once, as they come, on top of what was learned before.

        Chunks of a data set give bit for bit the model of one call with all of it, if with
        anything "auto" the first chunk has 1,000 rows or more, from which that is taken here, and
        with batch_size > 1 chunks are whole batches.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,), or indicator matrix of shape (n_samples, n_labels)
        classes : array-like of shape (n_classes,)
            All labels that will occur. Needed in the first call, except for indicator matrices.
        sample_weight : array-like of shape (n_samples,), optional
            Multiplies the gradients; rows of weight zero are left out.

        Returns
        -------
        self
        """
        self._check_parameters()
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all of y: for partial_fit give a dict, e.g. from "
                "sklearn.utils.class_weight.compute_class_weight"
            )
        first = not self.__sklearn_is_fitted__()
        rows = self._training_rows(X, self._dtype_of_training(goes_on=not first))
        y = self._check_y(y, rows)
        if first and classes is None and y.ndim == 1:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        if first:
            known = np.unique(np.asarray(classes)) if classes is not None else classes_of(y)
        else:
            known = self.classes_
            if classes is not None and not np.array_equal(known, np.unique(np.asarray(classes))):
                raise ValueError(
                    f"`classes={classes!r}` is not the same as on last call to partial_fit, "
                    f"was: {known!r}"
                )
        targets = self._encode(y, known)
        of_class = self._class_weights(targets, known)
        weight = self._weigh(sample_weight, targets, of_class, rows.n_rows)
        self._learn_once(X, rows, targets, weight, _meaning(targets, known))
        return self

    # -- targets ---------------------------------------------------------------------------

    def _problem(self, X: Any, y: Any, sample_weight: Any) -> Problem:
        """Check parameters and data; give rows, targets, weights, and what the outputs are."""
        self._check_parameters()
        rows = self._training_rows(X, self._dtype_of_training(goes_on=self._goes_on()))
        y = self._check_y(y, rows)
        classes = self.classes_ if self._goes_on() else classes_of(y)
        targets = self._encode(y, classes)
        of_class = self._class_weights(targets, classes)
        weight = self._weigh(sample_weight, targets, of_class, rows.n_rows)
        return Problem(rows, targets, weight, _meaning(targets, classes), of_class)

    def _validation(self, problem: Problem, X: Any, y: Any, sample_weight: Any) -> Validation:
        """Check a validation set of the problem."""
        rows = self._training_rows(X, problem.rows.data.dtype)
        targets = self._encode(self._check_y(y, rows), problem.labels["classes_"])
        weight = self._weigh(sample_weight, targets, problem.class_weight, rows.n_rows)
        return Validation.of(rows, targets, weight, problem)

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_choice("multi_class", self.multi_class, ("ovr", "multinomial"))
        if self.calibrate != "auto":
            if not isinstance(self.calibrate, (bool, np.bool_)):
                raise ValueError(f"calibrate must be True, False or 'auto'; got {self.calibrate!r}")
            if self.calibrate and self.loss == "modified_huber":
                raise ValueError("loss='modified_huber' has probabilities without calibrate=True")
        if self.multi_class == "multinomial" and self.loss != "log_loss":
            raise ValueError("multi_class='multinomial' needs loss='log_loss'")

    def _check_y(self, y: Any, rows: Rows) -> npt.NDArray[Any]:
        labels = check_labels(y, self.multi_class)
        check_same_length(labels, rows)
        return labels

    def _encode(self, y: npt.NDArray[Any], classes: npt.NDArray[Any]) -> Targets:
        goes_on = self.__sklearn_is_fitted__() and classes is self.classes_
        if goes_on and self._multilabel != (y.ndim == 2):
            kind = "an indicator matrix" if self._multilabel else "one label a row"
            raise ValueError(f"y must be {kind}, as it was before")
        return encode(y, classes, multinomial=self.multi_class == "multinomial")

    def _class_weights(
        self, targets: Targets, classes: npt.NDArray[Any]
    ) -> npt.NDArray[np.float64] | None:
        numbers = class_numbers(targets)
        n_rows_of = None if numbers is None else np.bincount(numbers, minlength=len(classes))
        return class_weights(self.class_weight, classes, n_rows_of)

    def _weigh(
        self,
        sample_weight: Any,
        targets: Targets,
        of_class: npt.NDArray[np.float64] | None,
        n_rows: int,
    ) -> npt.NDArray[np.float64]:
        """Sample weights times class weights."""
        weight = check_sample_weight(sample_weight, n_rows)
        return weight if of_class is None else np.asarray(weight * of_class[self._strata(targets)])

    def _strata(self, targets: Targets) -> npt.NDArray[Any] | None:
        return class_numbers(targets)

    # -- probabilities ---------------------------------------------------------------------

    @property
    def _is_calibrated(self) -> bool:
        if isinstance(self.calibrate, str):
            return self.loss == "log_loss" and self.tol is not None
        return self.calibrate

    def _is_to_leave_out(self, targets: Targets) -> bool:
        if self.warm_start or self.optimizer is not None:
            return False
        several = self.calibrate == "auto" and self.tol is not None and targets.n_outputs > 1
        return several or self._is_calibrated

    def _leave_out(
        self,
        formula: Scale,
        started: Started,
        rows: Rows,
        targets: Targets,
        weight: npt.NDArray[np.float64],
        visits: Visits,
    ) -> tuple[Started, LeftOut | None]:
        if not self._is_to_leave_out(targets):
            return started, None
        state, _, scale = started
        candidates = [Beginning(scale)]
        if targets.n_outputs > 1 and self.learning_rate == self.initial_accumulator == "auto":
            n_rows = int(np.count_nonzero(weight))
            candidates = beginnings(formula, scale, self.loss, n_rows)
        left_out = leave_out(
            candidates,
            partial(self._make_settings, rows),
            rows,
            targets,
            weight,
            visits,
            self.max_iter,
            None if self.tol is None else self.n_iter_no_change,
            state,
            is_calibrated=bool(self._is_calibrated),
            has_intercept=self.fit_intercept,
            norms_are_of_known=self._norms_are_of_known,
        )
        if left_out is not None:
            if self.verbose:
                print(left_out, flush=True)
            if left_out.scale != scale:
                scale = left_out.scale
                started = state, self._make_settings(rows, scale), scale
        state.take_back(scale.accumulator, scale.intercept_accumulator)
        return started, left_out

    def _calibrate(self, held_out: Validation | None, left_out: LeftOut | None) -> None:
        if left_out is not None:
            self.temperature_ = left_out.temperatures[self.n_iter_ - 1]
            if left_out.link is not None:
                self.temperature_, self.offset_ = left_out.link
            if left_out.shift is not None:
                self._state.move_intercepts(left_out.shift, self._settings)
        elif held_out is not None and self._is_calibrated:
            margins = self._margins(held_out.rows, held_out.order)
            if self.loss == "log_loss":
                self.temperature_, _ = _temperature_at(margins, held_out)
            else:
                self.temperature_, self.offset_ = link_at(*_seen_at(margins, held_out))

    def _loss_at(self, margins: npt.NDArray[Any], validation: Validation) -> float:
        if self._is_calibrated and self.loss == "log_loss":
            return _temperature_at(margins, validation)[1]
        return super()._loss_at(margins, validation)

    # -- predictions -----------------------------------------------------------------------

    def decision_function(self, X: Any) -> npt.NDArray[Any]:
        """Margins.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) with two classes, else (n_samples, n_classes)
            Of the type of the weights. With two classes positive means classes_[1].
        """
        return self._decisions(self._margins(self._rows(X)))

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Labels.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,), or an indicator matrix of shape (n_samples, n_labels)
        """
        return self._best_labels(self.decision_function(X))

    @available_if(gives_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Probabilities of the classes.

        The logistic function of temperature_ times the margins with loss="log_loss", and with
        hinge losses and calibrate=True; (clip(margin, -1, 1) + 1) / 2 with loss="modified_huber"
        (Zhang 2002). With more than two classes one-vs-rest probabilities, with hinge losses
        log(1 + exp(temperature_ * margin + offset_)) in their place, are divided by their sum,
        multinomial ones are softmax; those of multilabel problems stand for themselves.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of float64, shape (n_samples, n_classes)
        """
        return self._probabilities(self.decision_function(X))

    @available_if(gives_probabilities)  # type: ignore[untyped-decorator]
    def predict_log_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Logarithms of predict_proba.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of float64, shape (n_samples, n_classes)
        """
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.predict_proba(X)))

    def _decisions(self, margins: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return margins[:, 0] if self._state.n_outputs == 1 else margins

    def _best_labels(self, decisions: npt.NDArray[Any]) -> npt.NDArray[Any]:
        if self._multilabel:
            return (decisions > 0).astype(np.int64)
        if decisions.ndim == 1:
            return np.asarray(self.classes_[(decisions > 0).astype(np.int64)])
        return np.asarray(self.classes_[decisions.argmax(axis=1)])

    def _probabilities(self, decisions: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        return probabilities(
            np.asarray(decisions, dtype=np.float64) * self.temperature_,
            self.loss,
            multinomial=self._multinomial,
            multilabel=self._multilabel,
            offset=self.offset_,
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = self.multi_class == "ovr"
        return tags


def _temperature_at(margins: npt.NDArray[Any], unseen: Validation) -> tuple[float, float]:
    return best_temperature(*_seen_at(margins, unseen))


def _seen_at(margins: npt.NDArray[Any], unseen: Validation) -> tuple[Any, ...]:
    order = unseen.order
    return margins.astype(np.float64), unseen.targets, order, unseen.weight[order]


def _meaning(targets: Targets, classes: npt.NDArray[Any]) -> dict[str, Any]:
    return meaning(
        classes, multilabel=targets.indicator is not None, multinomial=targets.multinomial
    )
