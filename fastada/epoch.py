"""One pass over rows, in slices, so that Ctrl-C is heard."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastada.kernels import multi, single
from fastada.rows import Rows
from fastada.settings import Settings
from fastada.state import State
from fastada.targets import Targets

if TYPE_CHECKING:
    from fastada._single import _Progress

# Entries times outputs per call of a kernel: some ten milliseconds.
SLICE = 4_000_000


def slices(
    state: State, settings: Settings, rows: Rows, n_visits: int, restart: Callable[[], None]
) -> Iterator[tuple[int, int]]:
    """Cut a pass into calls of a kernel, of whole batches that the stamps can still count.

    The state must have learned a slice before the next is asked for; where its stamps have run
    out, `restart` makes them count anew.
    """
    batch_size = settings["batch_size"]
    entries_per_row = max(1, len(rows.indices) // max(1, rows.n_rows)) * state.n_outputs
    slice_rows = max(1, SLICE // (entries_per_row * batch_size)) * batch_size
    begin = 0
    while begin < n_visits:
        if state.steps_before_restart(settings) == 0:
            restart()
        steps_left = state.steps_before_restart(settings)
        end = min(n_visits, begin + min(slice_rows, steps_left * batch_size))
        yield begin, end
        begin = end


def learn(
    state: State,
    settings: Settings,
    rows: Rows,
    targets: Targets,
    sample_weight: npt.NDArray[np.float64],
    order: npt.NDArray[np.int64],
    row_loss: npt.NDArray[np.float64] | None = None,
) -> float:
    """Learn the rows in the given order; give the mean loss of the visits.

    The rest is as learn_sums says.
    """
    loss, weight = learn_sums(state, settings, rows, targets, sample_weight, order, row_loss)
    return loss / weight if weight else 0.0


def learn_sums(
    state: State,
    settings: Settings,
    rows: Rows,
    targets: Targets,
    sample_weight: npt.NDArray[np.float64],
    order: npt.NDArray[np.int64],
    row_loss: npt.NDArray[np.float64] | None = None,
    stop_if_asked: Callable[[], None] | None = None,
) -> tuple[float, float]:
    """Learn the rows in the given order.

    Parameters
    ----------
    state : State
        Changed in place; consistent whenever an exception ends the pass.
    settings : Settings
    rows : Rows
    targets : Targets
    sample_weight : ndarray of float64, shape (n_rows,)
    order : ndarray of int64
        Rows to visit; none of weight zero.
    row_loss : ndarray of float64, shape (len(order), 1), optional
        Gets the loss of every visit before it is learned: with labels and the log loss, that of
        normalised probabilities.
    stop_if_asked : callable, optional
        Called every some ten milliseconds; what it raises ends the pass.

    Returns
    -------
    float, float
        Sum of s_i loss_i over the visits, each before it is learned, and the sum of s_i.

    Raises
    ------
    FloatingPointError
        Before a row whose loss or gradient is not finite or too large.
    """
    loss = weight = 0.0
    restart = partial(state.restart_stamps, settings)
    for begin, end in slices(state, settings, rows, len(order), restart):
        with state.lock:
            done = _learn_slice(
                state,
                settings,
                rows,
                targets,
                sample_weight,
                order[begin:end],
                None if row_loss is None else row_loss[begin:end],
            )
        loss += done["loss"]
        weight += done["weight"]
        if done["n_rows"] < end - begin:
            raise FloatingPointError(f"at row {order[begin + done['n_rows']]}")
        if stop_if_asked is not None:
            stop_if_asked()
    return loss, weight


def _learn_slice(
    state: State,
    settings: Settings,
    rows: Rows,
    targets: Targets,
    sample_weight: npt.NDArray[np.float64],
    order: npt.NDArray[np.int64],
    row_loss: npt.NDArray[np.float64] | None,
) -> _Progress:
    if targets.value is not None:
        return single.learn(
            state.records,
            state.intercept,
            state.clock,
            settings,
            rows.indptr,
            rows.indices,
            rows.data,
            targets.value,
            sample_weight,
            order,
            row_loss,
        )
    return multi.learn(
        state.records,
        state.intercept,
        state.clock,
        settings,
        targets.multinomial,
        rows.indptr,
        rows.indices,
        rows.data,
        targets.value,
        targets.label,
        targets.indicator,
        sample_weight,
        order,
        row_loss,
    )


def diverged(
    error: FloatingPointError, epoch: int, settings: Settings, dtype: np.dtype[Any]
) -> FloatingPointError:
    """Give the error that tells users where training diverged, and what to do."""
    return FloatingPointError(
        f"training diverged in epoch {epoch} with learning_rate={settings['rate']:g} {error}: a "
        f"loss or gradient is not finite, or its square does not fit {dtype}. Lower "
        "learning_rate, scale X" + (", or use dtype='float64'" if dtype == np.float32 else "")
    )
