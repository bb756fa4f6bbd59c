"""What training starts from: weights, the settings of the updates, and the scale of the data."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from fastada.frozen import CANNOT_GO_ON, FrozenState
from fastada.optimized import OptimizedState, start
from fastada.rows import Rows
from fastada.scale import Moments, Scale, scale_of
from fastada.search import RateSearch, search_rate
from fastada.settings import Settings, is_stamped, make_settings, pulls_of
from fastada.state import State
from fastada.targets import Targets
from fastada.threads import check_replicas, useful_threads
from fastada.workers import effective_n_jobs

Started = tuple[State, Settings, Scale]


class StartingEstimator(BaseEstimator):  # type: ignore[misc]
    """Starts training anew or from the model at hand; its subclasses have the parameters."""

    _state: State
    _settings: Settings
    _scale: Scale
    _progress: tuple[float, float]
    learning_rate_search_: RateSearch | None
    loss_curve_: list[float]
    objective_curve_: list[float]
    validation_loss_curve_: list[float]
    n_iter_: int

    def _target_scale(self, targets: Targets, weight: npt.NDArray[np.float64]) -> float:
        """Give the root mean square target, with which the size of the first steps goes."""
        return 1.0

    def _goes_on(self) -> bool:
        """Say whether fit starts from the model at hand."""
        return bool(self.warm_start and self.__sklearn_is_fitted__())

    def _dtype_of_training(self, *, goes_on: bool) -> Any:
        return self._state.dtype if goes_on else self.dtype

    def _n_threads(self, rows: Rows, targets: Targets) -> int:
        return useful_threads(effective_n_jobs(self.n_jobs), rows, targets)

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

    def _start(
        self,
        rows: Rows,
        targets: Targets,
        weight: npt.NDArray[np.float64],
    ) -> Started:
        """Give zero weights and settings; `weight` is that of the rows to take the scale from."""
        n_outputs = targets.n_outputs
        if self.optimizer is not None:
            return start(self.optimizer, None, rows, n_outputs, self._make_settings)
        scale = scale_of(
            Moments.of(rows, weight),
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

    def _go_on(self, rows: Rows) -> Started:
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
    ) -> Started:
        """Give what training starts from, and take note of X's columns once nothing can fail."""
        started = self._start(rows, targets, weight) if anew else None
        n_threads = self._n_threads(rows, targets)
        if n_threads > 1:
            check_replicas(started[0] if started else self._check_goes_on(), n_threads)
        validate_data(self, X, reset=anew, skip_check_array=True)
        return started or self._go_on(rows)

    def _with_rate_found(
        self,
        started: Started,
        rows: Rows,
        targets: Targets,
        weight: npt.NDArray[np.float64],
        order: npt.NDArray[np.int64],
    ) -> tuple[Started, RateSearch | None]:
        """Resolve learning_rate="auto"; rows are in an order that their targets do not decide."""
        if self.learning_rate != "auto" or self.optimizer is not None:
            return started, None
        state, _, formula = started
        lender = state if targets.n_outputs > 1 else None
        scale, search = search_rate(
            rows,
            targets,
            weight,
            order,
            formula,
            lambda s: self._make_settings(rows, s),
            n_replicas=self._n_threads(rows, targets),
            lender=lender,
        )
        if lender is not None:
            lender.take_back(scale.accumulator, scale.intercept_accumulator)
        if self.verbose and search is not None:
            print(search, flush=True)
        return (state, self._make_settings(rows, scale), scale), search

    def _adopt(self, started: Started, labels: dict[str, Any]) -> None:
        """Take over what training starts from, all of it checked."""
        self._take_over(started)
        for name, value in labels.items():
            setattr(self, name, value)
        self.loss_curve_, self.objective_curve_, self.validation_loss_curve_ = [], [], []
        self.n_iter_ = 0
        if self._state.n_epochs == 0:
            self._progress = 0.0, 0.0

    def _take_over(self, started: Started) -> None:
        # At once, for threads that predict.
        self.__dict__.update(zip(("_state", "_settings", "_scale"), started, strict=True))
