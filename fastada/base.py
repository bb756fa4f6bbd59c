"""What the classifier and the regressor share: training."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from fastada.callbacks import CallbackSupportMixin, EpochCallbacks
from fastada.epoch import Targets, diverged, learn, note_first
from fastada.exclusive import check_not_trained_elsewhere
from fastada.fitted import FittedMixin
from fastada.frozen import CANNOT_GO_ON, FrozenState
from fastada.optimized import OptimizedState, start
from fastada.parameters import check_parameters
from fastada.problem import Validation
from fastada.row_losses import row_losses
from fastada.rows import Rows
from fastada.scale import N_ROWS, Scale, first_rows, scale_of
from fastada.search import RateSearch, search_rate
from fastada.settings import (
    Settings,
    is_stamped,
    make_settings,
    pulls_of,
)
from fastada.state import State
from fastada.stopping import Patience
from fastada.text.ngrams import effective_n_jobs
from fastada.threads import Team, check_replicas, useful_threads
from fastada.validation import FLOATS, canonical_rows, check_structure
from fastada.visits import Visits

# Losses of calls of partial_fit, of which a stream has no end.
MOST_CALLS_KEPT = 1000


class AdaGradEstimator(FittedMixin, CallbackSupportMixin, BaseEstimator):  # type: ignore[misc]
    """Base of AdaGradClassifier and AdaGradRegressor, which document the parameters."""

    _losses: tuple[str, ...]
    _state: State
    _scale: Scale
    _settings: Settings
    _progress: tuple[float, float]
    learning_rate_search_: RateSearch | None
    loss_curve_: list[float]
    objective_curve_: list[float]
    validation_loss_curve_: list[float]
    n_iter_: int

    def _target_scale(self, targets: Targets, weight: npt.NDArray[np.float64]) -> float:
        return 1.0

    def _strata(self, targets: Targets) -> npt.NDArray[Any] | None:
        return None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    # -- parameters ------------------------------------------------------------------------

    def _check_parameters(self) -> None:
        check_parameters(self, self._losses)

    def _make_settings(self, rows: Rows, scale: Scale) -> Settings:
        return make_settings(
            scale,
            rows.data.dtype,
            rows.largest_value,
            update=self.update,
            epsilon=self.epsilon,
            beta=self.beta,
            alpha=self.alpha,
            l1_ratio=self.l1_ratio,
            loss=self.loss,
            huber_delta=getattr(self, "huber_delta", 1.0),
            batch_size=min(self.batch_size, max(1, rows.n_rows)),
            fit_intercept=self.fit_intercept,
            decay=self.decay,
        )

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

    def _start(
        self,
        rows: Rows,
        targets: Targets,
        weight: npt.NDArray[np.float64],
    ) -> tuple[State, Settings, Scale]:
        """Give zero weights and settings; `weight` is that of the rows to take the scale from."""
        n_outputs = targets.n_outputs
        if self.optimizer is not None:
            return start(self.optimizer, None, rows, n_outputs, self._make_settings)
        scale = scale_of(
            rows,
            weight,
            self.learning_rate,
            self.initial_accumulator,
            target_scale=self._target_scale(targets, weight),
            batch_size=min(self.batch_size, np.count_nonzero(weight) or 1),
        )
        settings = self._make_settings(rows, scale)
        self._check_accumulator(scale, rows.data.dtype)
        state = State(
            rows.n_features,
            n_outputs,
            rows.data.dtype,
            settings,
            scale.accumulator,
            scale.intercept_accumulator,
        )
        return state, settings, scale

    def _check_accumulator(self, scale: Scale, dtype: np.dtype[Any]) -> None:
        """Raise ValueError unless dtype can hold what accumulators start from."""
        with np.errstate(over="ignore", under="ignore"):
            accumulator = dtype.type(scale.accumulator)
        if not np.isfinite(accumulator) or (scale.accumulator and not accumulator):
            raise ValueError(
                f'initial_accumulator={scale.accumulator:g}, with "auto" by the squares of X and '
                f"of a regressor's y, does not fit {dtype}: scale X"
                + (", or use dtype='float64'" if dtype == np.float32 else "")
            )

    def _go_on(self, rows: Rows) -> tuple[State, Settings, Scale]:
        """Give the state at hand, up to date for new settings."""
        state = self._check_goes_on()
        if self.optimizer is not None or isinstance(state, OptimizedState):
            return start(self.optimizer, state, rows, state.n_outputs, self._make_settings)
        scale = self._scale.with_rate(self.learning_rate)
        settings = self._make_settings(rows, scale)
        if is_stamped(settings) != is_stamped(self._settings) or (
            settings["update"] != self._settings["update"]
        ):
            raise ValueError(
                "a model cannot go on under another update rule, nor change between "
                "alpha=0 and alpha>0, decay=1 and decay<1 with update='comid': fit it anew"
            )
        if is_stamped(settings) and pulls_of(settings) != pulls_of(self._settings):
            state.restart_stamps(self._settings, settings)
        return state, settings, scale

    def _check_goes_on(self) -> State:
        """Give the state; ValueError if it has kept its weights alone."""
        if isinstance(self._state, FrozenState):
            raise ValueError(CANNOT_GO_ON)
        return self._state

    def _started(
        self,
        X: Any,
        rows: Rows,
        targets: Targets,
        weight: npt.NDArray[np.float64],
        *,
        anew: bool,
    ) -> tuple[State, Settings, Scale]:
        """Give what training starts from, and take note of X's columns once nothing can fail."""
        started = self._start(rows, targets, weight) if anew else None
        n_threads = self._n_threads(rows, targets)
        if n_threads > 1:
            check_replicas(started[0] if started else self._check_goes_on(), n_threads)
        validate_data(self, X, reset=anew, skip_check_array=True)
        return started or self._go_on(rows)

    def _with_rate_found(
        self,
        started: tuple[State, Settings, Scale],
        rows: Rows,
        targets: Targets,
        weight: npt.NDArray[np.float64],
        order: npt.NDArray[np.int64],
    ) -> tuple[tuple[State, Settings, Scale], RateSearch | None]:
        """Resolve learning_rate="auto"; rows are in an order that their targets do not decide."""
        if self.learning_rate != "auto" or self.optimizer is not None:
            return started, None
        state, _, formula = started
        scale, search = search_rate(
            rows,
            targets,
            weight,
            order,
            formula,
            lambda s: self._make_settings(rows, s),
            n_replicas=self._n_threads(rows, targets),
        )
        if self.verbose and search is not None:
            print(search, flush=True)
        return (state, self._make_settings(rows, scale), scale), search

    def _adopt(self, started: tuple[State, Settings, Scale], labels: dict[str, Any]) -> None:
        """Take over what training starts from, all of it checked."""
        self._take_over(started)
        for name, value in labels.items():
            setattr(self, name, value)
        self.loss_curve_, self.objective_curve_, self.validation_loss_curve_ = [], [], []
        self.n_iter_ = 0
        if self._state.n_epochs == 0:
            self._progress = 0.0, 0.0

    def _take_over(self, started: tuple[State, Settings, Scale]) -> None:
        # At once, for threads that predict.
        self.__dict__.update(zip(("_state", "_settings", "_scale"), started, strict=True))

    def _fit_epochs(
        self,
        X: Any,
        y: Any,
        rows: Rows,
        targets: Targets,
        visits: Visits,
        validation: Validation | None,
    ) -> None:
        patience = Patience(self.tol, self.n_iter_no_change)
        callbacks = EpochCallbacks(self, X, y, self.max_iter, self._fitted_attributes)
        best = self._state
        with self._team(rows, targets, visits, self.max_iter) as team:
            for epoch in range(self.max_iter):
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
                    self._print_epoch(time.perf_counter() - start)
                if callbacks.epoch_ends() or patience.is_over(watched):
                    break
        if validation is not None:
            self._state = best
        callbacks.fit_ends()

    def _n_threads(self, rows: Rows, targets: Targets) -> int:
        return useful_threads(effective_n_jobs(self.n_jobs), rows, targets)

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
                note_first(first_losses, order, losses)
            return loss
        except FloatingPointError as error:
            raise diverged(error, epoch, settings, state.dtype) from None

    def _print_epoch(self, seconds: float) -> None:
        line = f"epoch {self.n_iter_}/{self.max_iter}  loss {self.loss_curve_[-1]:.6f}"
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
        order, settings = validation.order, self._settings
        found = row_losses(
            self._margins(validation.rows, order),
            validation.targets.take(order),
            settings["loss"],
            settings["delta"],
        )
        return float(np.average(found.shown, weights=validation.weight[order]))

    def _fitted_attributes(self) -> dict[str, Any]:
        return {"_state": self._state.copy()}

    def _fit(
        self,
        X: Any,
        y: Any,
        rows: Rows,
        targets: Targets,
        weight: npt.NDArray[np.float64],
        held_out: Validation | None,
        labels: dict[str, Any],
    ) -> None:
        """Fit on arguments that have been checked; nothing changes before the last check."""
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
        if anew:
            order = visits.in_random_order()
            started, search = self._with_rate_found(
                started, rows, targets, visits.sample_weight, order
            )
            labels = {**labels, "learning_rate_search_": search}
        self._adopt(started, labels)
        self._state.seed = visits.seed
        self._fit_epochs(X, y, rows, targets, visits, held_out)
        self._calibrate(rows, targets, weight, visits, held_out)

    def _calibrate(
        self,
        rows: Rows,
        targets: Targets,
        weight: npt.NDArray[np.float64],
        visits: Visits,
        held_out: Validation | None,
    ) -> None:
        """Make use of the rows once more when the weights are found."""

    def _goes_on(self) -> bool:
        """Say whether fit starts from the model at hand."""
        return self.warm_start and self.__sklearn_is_fitted__()

    def _dtype_of_training(self, *, goes_on: bool) -> Any:
        return self._state.dtype if goes_on else self.dtype

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
            looked_at = np.random.default_rng(0).permutation(order[:N_ROWS])
            if len(order) < N_ROWS:
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
