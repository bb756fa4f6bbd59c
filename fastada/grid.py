"""Several models that learn the same rows side by side, a record holding the weights of all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastada import _csr, _scoring
from fastada.epoch import slices
from fastada.kernels import multi
from fastada.rows import Rows
from fastada.scale import Scale
from fastada.settings import Settings, is_stamped
from fastada.state import State
from fastada.targets import Targets


def kind_of(settings: Settings) -> tuple[bool, bool]:
    """Give what models must have in common to learn in one grid: which penalties there are."""
    stamped = is_stamped(settings)
    return stamped, stamped and settings["l2"] > 0


def compact(rows: Rows, order: npt.NDArray[np.int64]) -> Rows:
    """Copy rows, in that order, with the columns that do not occur in them left out."""
    return _taken(rows, order)[0]


def compact_columns(rows: Rows, order: npt.NDArray[np.int64]) -> tuple[Rows, npt.NDArray[np.int64]]:
    """Copy rows as `compact` does, and tell which columns are left, in the order they are in."""
    taken, numbers = _taken(rows, order)
    columns = np.zeros(taken.n_features, dtype=np.int64)
    occurring = np.flatnonzero(numbers)
    columns[numbers[occurring] - 1] = occurring
    return taken, columns


def _taken(rows: Rows, order: npt.NDArray[np.int64]) -> tuple[Rows, npt.NDArray[Any]]:
    """Copy rows, and give each column's number there, from one on, or zero where it is left out."""
    indptr = np.concatenate(([0], np.cumsum(np.diff(rows.indptr)[order])))
    indices = np.empty(indptr[-1], rows.indices.dtype)
    data = np.empty(indptr[-1], rows.data.dtype)
    numbers = np.zeros(rows.n_features, rows.indices.dtype)
    n_columns = _csr.take_rows(rows.indptr, rows.indices, rows.data, order, numbers, indices, data)
    return Rows(indptr, indices, data, max(1, n_columns), rows.largest_value), numbers


class Grid:
    """Models that differ in learning rate and strength of the penalty.

    Parameters
    ----------
    settings : sequence of Settings, one a model
        Alike but for rates and strengths, and of one kind: see kind_of.
    rows : Rows
        Tell the features and the type of the weights.
    targets : Targets
        Tell the outputs of each model.
    scale : Scale
        Has the accumulators to start from.
    lender : State, optional
        Memory to make use of; it has to forget before it is trained.

    Attributes
    ----------
    loss_sum : ndarray of float64, shape (n_models,)
        Sum of s_i loss_i over all visits so far, each before it was learned. Infinite for a model
        that has diverged; such a model learns no more.
    weight_sum : float
        Sum of s_i.
    """

    def __init__(
        self,
        settings: Sequence[Settings],
        rows: Rows,
        targets: Targets,
        scale: Scale,
        lender: State | None = None,
    ) -> None:
        self.n_outputs = targets.n_outputs
        self._start = scale.accumulator, scale.intercept_accumulator
        n_outputs = self.n_outputs * len(settings)
        shape, dtype = (rows.n_features, n_outputs), rows.data.dtype
        self.state = State(*shape, dtype, settings[0], *self._start, lender)
        self._take(settings)

    def _take(self, settings: Sequence[Settings]) -> None:
        self.settings = list(settings)
        self._all = Settings(**settings[0])
        for name in ("rate", "l1", "l2"):
            self._all[name] = max(s[name] for s in settings)
        own = [[s[name] for s in settings] for name in ("rate", "l1", "l2")]
        self._own = np.repeat(np.array(own, dtype=self.state.dtype), self.n_outputs, axis=1)
        self._intercept_rate = np.repeat([s["intercept_rate"] for s in settings], self.n_outputs)
        self._diverged = np.zeros(len(settings), dtype=np.uint8)
        self.loss_sum = np.zeros(len(settings))
        self.weight_sum = 0.0

    def begin_anew(self, settings: Sequence[Settings]) -> None:
        """Forget what was learned, and be as many models of the same kind, in the same memory."""
        self.state.forget(*self._start)
        self._take(settings)

    @property
    def n_models(self) -> int:
        """Number of models."""
        return len(self.settings)

    def learn(
        self,
        rows: Rows,
        targets: Targets,
        sample_weight: npt.NDArray[np.float64],
        order: npt.NDArray[np.int64],
    ) -> npt.NDArray[np.float64]:
        """Learn the rows in the given order.

        Returns
        -------
        ndarray of float64, shape (len(order), n_models)
            The loss of each visit before it is learned: with labels and the log loss, that of
            normalised probabilities. Infinite for a model that has diverged, on all rows given.
        """
        losses = np.empty((len(order), self.n_models))
        restart = self._restart_stamps
        for begin, end in slices(self.state, self._all, rows, len(order), restart):
            done = multi.learn(
                self.state.records,
                self.state.intercept,
                self.state.clock,
                self._all,
                targets.multinomial,
                rows.indptr,
                rows.indices,
                rows.data,
                targets.value,
                targets.label,
                targets.indicator,
                sample_weight,
                order[begin:end],
                losses[begin:end],
                self._own,
                self._intercept_rate,
                self.loss_sum,
                self._diverged,
            )
            self.weight_sum += done["weight"]
        diverged = self._diverged != 0
        self.loss_sum[diverged] = losses[:, diverged] = np.inf
        return losses

    def model(self, m: int) -> State:
        """Give a state of model m's own, to go on from or to read."""
        settings, all_ = self.settings[m], self.state
        own = slice(m * self.n_outputs, (m + 1) * self.n_outputs)
        state = State(all_.n_features, self.n_outputs, all_.dtype, settings, 0.0, 0.0)
        state.clock[:] = all_.clock
        state.intercept[:] = all_.intercept[own]
        state.records[:, : self.n_outputs] = all_.records[:, own]
        state.accumulators[:] = all_.accumulators[:, own]
        if is_stamped(settings):
            state.records[:, 2 * self.n_outputs] = all_.records[:, 2 * all_.n_outputs]
            if self.n_outputs == 1:
                # Records of one output hold their pull, which those of several do without.
                _scoring.set_pulls(state.records, settings)
            state.restart_stamps(settings)
        return state

    def _restart_stamps(self) -> None:
        for m in range(self.n_models):
            own = slice(m * self.n_outputs, (m + 1) * self.n_outputs)
            self.state.records[:, own] = self.model(m).records[:, : self.n_outputs]
        self.state.records[:, 2 * self.state.n_outputs] = 0
        self.state.clock[1] = self.state.clock[0]
