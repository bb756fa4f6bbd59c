"""What the classifier and the regressor share: training."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from fastada import _evaluation
from fastada.calibration import LeftOut
from fastada.callbacks import CallbackSupportMixin, EpochCallbacks, with_callbacks
from fastada.epoch import diverged, learn
from fastada.exclusive import check_not_trained_elsewhere, exclusive
from fastada.fitted import FittedMixin
from fastada.optimized import OptimizedState
from fastada.parameters import check_parameters
from fastada.problem import Problem, Validation, check_no_orphans
from fastada.row_losses import row_losses
from fastada.rows import Rows
from fastada.scale import N_FIRST_ROWS, Scale, first_rows
from fastada.starting import Started, StartingEstimator
from fastada.stopping import Patience
from fastada.targets import Targets
from fastada.threads import Team
from fastada.validation import FLOATS, canonical_rows, check_structure
from fastada.visits import Visits
from fastada.workers import effective_n_jobs

# Losses of calls of partial_fit, of which a stream has no end.
MOST_CALLS_KEPT = 1000


Estimator = TypeVar("Estimator", bound="AdaGradEstimator")


class AdaGradEstimator(FittedMixin, CallbackSupportMixin, StartingEstimator):  # type: ignore[misc]
    """Base of AdaGradClassifier and AdaGradRegressor, which document the parameters.

    They check the data, by `_problem` and `_validation`.
    """

    _losses: tuple[str, ...]

    @exclusive
    @with_callbacks
    def fit(
        self: Estimator,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Estimator:
        """Train for up to max_iter epochs.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            CSR with float32 or float64 values and int32 or int64 indices is not copied.
        y : array-like of shape (n_samples,), or indicator matrix of shape (n_samples, n_labels)
            Labels, of a regressor numbers; an indicator matrix trains every label of a multilabel
            problem.
        sample_weight : array-like of shape (n_samples,), optional
            Not negative; rows of weight zero are left out.
        X_val, y_val, sample_weight_val : as X, y and sample_weight, optional
            A validation set for stopping.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            Where an argument is not as described; the estimator stays as it was.
        FloatingPointError
            Where training diverges; the estimator keeps what it had learned until then, but for
            weights that are not finite, after which it is not fitted.
        """
        check_no_orphans(X_val, y_val, sample_weight_val)
        problem = self._problem(X, y, sample_weight)
        validation = None
        if X_val is not None:
            validation = self._validation(problem, X_val, y_val, sample_weight_val)
        self._fit(X, y, problem, validation)
        return self

    def _strata(self, targets: Targets) -> npt.NDArray[Any] | None:
        return None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    # -- parameters ------------------------------------------------------------------------

    def _check_parameters(self) -> None:
        check_parameters(self, self._losses)

    # -- data ------------------------------------------------------------------------------

    def _training_rows(self, X: Any, dtype: Any) -> Rows:
        """Check X without taking note of it: fit does that when all else has been checked."""
        check_structure(X)
        return canonical_rows(
            check_array(
                X,
                accept_sparse="csr",
                accept_large_sparse=True,
                dtype=FLOATS,
                ensure_all_finite=False,
                estimator=self,
                input_name="X",
            ),
            dtype,
            effective_n_jobs(self.n_jobs),
        )

    def _rows(self, X: Any) -> Rows:
        """Check X for a fitted model."""
        check_is_fitted(self)
        check_not_trained_elsewhere(self, by=("fit",))
        check_structure(X)
        X = validate_data(
            self,
            X,
            reset=False,
            accept_sparse="csr",
            accept_large_sparse=True,
            dtype=FLOATS,
            ensure_all_finite=False,
        )
        return canonical_rows(X, self._state.dtype)

    # -- training --------------------------------------------------------------------------

    def _fit_epochs(
        self,
        X: Any,
        y: Any,
        rows: Rows,
        targets: Targets,
        visits: Visits,
        validation: Validation | None,
        left_out: LeftOut | None,
    ) -> None:
        n_epochs = self.max_iter if left_out is None else left_out.n_epochs
        patience = Patience(self.tol if left_out is None else None, self.n_iter_no_change)
        callbacks = EpochCallbacks(self, X, y, n_epochs, self._fitted_attributes)
        best = self._state
        with self._team(rows, targets, visits, n_epochs) as team:
            for epoch in range(n_epochs):
                callbacks.epoch_begins()
                start = time.perf_counter()
                # Of each row before it is learned for the first time.
                losses = np.full(rows.n_rows, np.nan) if self._state.n_epochs == 0 else None
                loss = self._learn(rows, targets, visits, team, epoch + 1, losses)
                if losses is not None:
                    self._progress = visits.progress(losses)
                self._state.n_epochs += 1
                self.n_iter_ = epoch + 1
                self.loss_curve_.append(loss)
                self.objective_curve_.append(loss + self._penalty())
                watched = self.objective_curve_[-1]
                if validation is not None:
                    watched = self._loss_of(validation)
                    self.validation_loss_curve_.append(watched)
                    if watched <= min(self.validation_loss_curve_):
                        best = self._state.copy()
                if self.verbose:
                    self._print_epoch(n_epochs, time.perf_counter() - start)
                if callbacks.epoch_ends() or patience.is_over(watched):
                    break
        if validation is not None:
            self._state = best
        callbacks.fit_ends()

    def _team(
        self, rows: Rows, targets: Targets, visits: Visits, n_epochs: int
    ) -> AbstractContextManager[Team | None]:
        """Give the threads that are to learn the rows, or None for this one alone."""
        n_threads = self._n_threads(rows, targets)
        if n_threads == 1:
            return nullcontext()
        shares = visits.shares(n_threads)
        return Team(rows, targets, visits.sample_weight, shares, self.n_syncs or 1, n_epochs)

    def _learn(
        self,
        rows: Rows,
        targets: Targets,
        visits: Visits,
        team: Team | None,
        epoch: int,
        first_losses: npt.NDArray[np.float64] | None = None,
    ) -> float:
        self.__dict__.pop("_sparse_coef", None)
        state, settings, number = self._state, self._settings, self._state.n_epochs
        try:
            if team is not None:
                of_share = partial(visits.of_share, epoch=number)
                return team.learn(state, settings, of_share, first_losses)
            order = visits.of_epoch(number)
            losses = None if first_losses is None else np.empty((len(order), 1))
            weight = visits.sample_weight
            if isinstance(state, OptimizedState):
                loss = state.learn(settings, rows, targets, weight, order, losses)
            else:
                loss = learn(state, settings, rows, targets, weight, order, row_loss=losses)
            if first_losses is not None and losses is not None:
                _evaluation.note_first(order, losses[:, 0], first_losses)
            return loss
        except FloatingPointError as error:
            self._forget_unless_finite()
            raise diverged(error, epoch, settings, state.dtype) from None

    def _forget_unless_finite(self) -> None:
        state, settings = self._model()
        with np.errstate(all="ignore"):
            known = np.isfinite(state.weights(settings)).all()
            known &= np.isfinite(state.intercepts(settings)).all()
        if not known:
            # Not fitted, rather than one that predicts NaN.
            del self._state

    def _print_epoch(self, n_epochs: int, seconds: float) -> None:
        line = f"epoch {self.n_iter_}/{n_epochs}  loss {self.loss_curve_[-1]:.6f}"
        if self._settings["l1"] or self._settings["l2"]:
            line += f"  objective {self.objective_curve_[-1]:.6f}"
        if self._settings["l1"]:
            line += f"  nonzero {self.n_nonzero_:,}"
        if self.n_iter_ == 1:
            line += f"  progressive {self.progressive_loss_:.6f}"
        if self.validation_loss_curve_:
            line += f"  validation {self.validation_loss_curve_[-1]:.6f}"
        print(f"{line}  {seconds:.2f} s", flush=True)

    def _penalty(self) -> float:
        """Give the penalty that stands beside the mean loss."""
        if not (self._settings["l1"] or self._settings["l2"]):
            return 0.0
        penalty = self._state.penalty(self._settings)
        # FTRL-Proximal penalises the sum of losses once, the others their mean at every step.
        return penalty / self._state.n_steps if self._is_ftrl() else penalty

    def _loss_of(self, validation: Validation) -> float:
        return self._loss_at(self._margins(validation.rows, validation.order), validation)

    def _loss_at(self, margins: npt.NDArray[Any], validation: Validation) -> float:
        """Give the mean loss of the validation rows, whose margins are known."""
        order, settings = validation.order, self._settings
        targets = validation.targets.take(order)
        found = row_losses(margins, targets, settings["loss"], settings["delta"])
        return float(np.average(found.shown, weights=validation.weight[order]))

    def _fitted_attributes(self) -> dict[str, Any]:
        return {"_state": self._state.copy()}

    def _fit(self, X: Any, y: Any, problem: Problem, held_out: Validation | None) -> None:
        """Fit on arguments that have been checked; nothing changes before the last check."""
        rows, targets, weight, labels, _ = problem
        check_random_state(self.random_state)
        anew = not self._goes_on()
        if not weight.any():
            raise ValueError("all sample weights are zero: there is nothing to learn from")
        if self.early_stopping and held_out is None:
            order = self._held_out_rows(rows, targets, weight)
            held_out = Validation(rows, targets, weight, order)
            weight = weight.copy()
            weight[order] = 0
        seed = None if anew else self._state.seed
        visits = Visits(rows, targets.array, weight, self.shuffle, self.random_state, seed)
        started = self._started(X, rows, targets, weight, anew=anew)
        formula = started[2]
        if anew:
            order = visits.in_random_order()
            started, search = self._with_rate_found(
                started, rows, targets, visits.sample_weight, order
            )
            labels = {**labels, "learning_rate_search_": search}
        left_out = None
        if held_out is None:
            started, left_out = self._leave_out(formula, started, rows, targets, weight, visits)
        self._adopt(started, labels)
        self._state.seed = visits.seed
        self._fit_epochs(X, y, rows, targets, visits, held_out, left_out)
        self._calibrate(held_out, left_out)

    def _leave_out(
        self,
        formula: Scale,
        started: Started,
        rows: Rows,
        targets: Targets,
        weight: npt.NDArray[np.float64],
        visits: Visits,
    ) -> tuple[Started, LeftOut | None]:
        """Find out on some of the rows what to start from and how long to train.

        None to go by the objective.
        """
        return started, None

    def _calibrate(self, held_out: Validation | None, left_out: LeftOut | None) -> None:
        """Make use of the rows not learned when the weights are found."""

    def _held_out_rows(
        self, rows: Rows, targets: Targets, weight: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.int64]:
        """Draw validation_fraction of the rows, of each class where there are classes."""
        rows_with_weight = np.flatnonzero(weight)
        stratify = self._strata(targets)
        _, held_out = train_test_split(
            rows_with_weight,
            test_size=self.validation_fraction,
            random_state=self.random_state,
            stratify=None if stratify is None else stratify[rows_with_weight],
        )
        return np.sort(held_out).astype(np.int64)

    def _learn_once(
        self,
        X: Any,
        rows: Rows,
        targets: Targets,
        weight: npt.NDArray[np.float64],
        labels: dict[str, Any],
    ) -> None:
        """Learn the rows as they come, on top of what was learned before."""
        first = not self.__sklearn_is_fitted__()
        started = self._started(X, rows, targets, first_rows(weight), anew=first)
        order = np.flatnonzero(weight).astype(np.int64)
        if first:
            looked_at = np.random.default_rng(0).permutation(order[:N_FIRST_ROWS])
            if len(order) < N_FIRST_ROWS:
                looked_at = looked_at[:0]
            started, search = self._with_rate_found(started, rows, targets, weight, looked_at)
            self._adopt(started, {**labels, "learning_rate_search_": search})
            self.n_iter_ = 1
        else:
            self._take_over(started)
        visits = Visits(rows, targets.array, weight, False, None)
        losses = np.full(rows.n_rows, np.nan)
        with self._team(rows, targets, visits, 1) as team:
            loss = self._learn(rows, targets, visits, team, 1, losses)
        if len(visits.order):
            self.loss_curve_.append(loss)
            del self.loss_curve_[:-MOST_CALLS_KEPT]
        before, now = self._progress, visits.progress(losses)
        self._progress = before[0] + now[0], before[1] + now[1]
