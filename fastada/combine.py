"""One way to combine replicas of a state, for threads and for machines.

In a round every worker starts from the same state, learns rows of its own on a replica, and
tells its `Movement`: what happened to the columns that its rows have. Movements add up, two by two
in any grouping, and their sum moves the state. src/combine.pxd has the formulas.

    base                        the same State on every worker
    steps = sum of steps_of(...)        over all workers, before the round
    on each:    replica = replica_of(base, columns); learn with share_settings(...)
                movement = movement_of(base, replica, ...)
    total = add_all(movements)
    on each:    apply(base, settings, total); refresh(replica, base, columns)

The result depends on the shares and on the grouping, never on who was faster. One worker gives
what learning on base itself would have given, up to rounding.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from fastada import _combine, _csr
from fastada.kernels import merge
from fastada.rows import Rows, index_type
from fastada.settings import UPDATES, Settings, is_stamped
from fastada.state import State

# So many columns are marked and looked through in the time that sorting an entry takes.
SORTED_ENTRIES = 32


@dataclass(frozen=True)
class Movement:
    """What one worker, or several together, have to tell of a round.

    Attributes
    ----------
    columns : ndarray of int32 or int64, shape (n_columns,)
        Sorted; the columns that the rows learned have.
    change, squares : ndarray of the weights' type, shape (n_columns, n_outputs)
        See src/combine.pxd.
    share : ndarray of the weights' type, shape (n_columns, n_outputs) or (0, n_outputs)
        With a penalty that "comid" applies: the part of the round that has left a weight nonzero.
    intercept : ndarray of float64, shape (n_outputs, 2)
        {change, squares} of each.
    n_steps : int
        Steps taken.
    loss, weight : float
        Sums of s_i loss_i, each before its row was learned, and of s_i.
    """

    columns: npt.NDArray[Any]
    change: npt.NDArray[Any]
    squares: npt.NDArray[Any]
    share: npt.NDArray[Any]
    intercept: npt.NDArray[np.float64]
    n_steps: int
    loss: float
    weight: float


def touched_columns(rows: Rows, order: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """Give the columns that the rows in `order` have, sorted, in the smallest index type."""
    dtype = index_type(rows.n_features)
    begins, ends = rows.indptr[order], rows.indptr[order + 1]
    if SORTED_ENTRIES * int((ends - begins).sum()) < rows.n_features:
        parts = [rows.indices[a:b] for a, b in zip(begins.tolist(), ends.tolist(), strict=True)]
        return np.unique(np.concatenate([rows.indices[:0], *parts])).astype(dtype, copy=False)
    seen = np.zeros(rows.n_features, dtype=np.uint8)
    _csr.mark_columns(rows.indptr, rows.indices, order, seen)
    return np.flatnonzero(seen).astype(dtype, copy=False)


def steps_of(n_rows: int, settings: Settings) -> int:
    """Give the steps that a pass over so many rows takes."""
    return -(-n_rows // settings["batch_size"])


def make_room(base: State, settings: Settings, n_steps: int) -> bool:
    """Make sure that stamps can count n_steps more; say whether all records have changed for it.

    Raises
    ------
    ValueError
        If no state of this dtype can count them: the round is too long.
    """
    if base.steps_before_restart(settings) < n_steps:
        base.restart_stamps(settings)
        if base.steps_before_restart(settings) < n_steps:
            raise ValueError(
                f"with a penalty a round of update='comid' in {base.dtype} can have "
                f"{base.steps_before_restart(settings):,} steps, not {n_steps:,}: synchronise more "
                "often, or use dtype='float64'"
            )
        return True
    return False


def pace_of(n_steps: int, n_steps_of_all: int) -> float:
    """Give how many of a round's steps each of a worker's stands for."""
    return n_steps_of_all / n_steps if n_steps else 1.0


def share_settings(settings: Settings, n_steps: int, n_steps_of_all: int) -> Settings:
    """Give the settings for a worker's share, n_steps of a round of n_steps_of_all.

    Each step stands for as many as all workers take meanwhile: see src/combine.pxd.
    """
    if settings["decay"] < 1:
        raise ValueError("replicas add up sums of squared gradients: they need decay=1")
    pace = pace_of(n_steps, n_steps_of_all)
    own: Settings = {**settings, "pace": pace, "gain": math.sqrt(pace)}
    if settings["update"] == UPDATES["comid"]:
        # Of the gradients the rate, and not of the penalty.
        own["rate"] *= own["gain"]
        own["intercept_rate"] *= own["gain"]
        own["l1"] /= own["gain"]
        own["l2"] /= own["gain"]
    return own


def replica_of(base: State, columns: npt.NDArray[Any]) -> State:
    """Give a replica of base that agrees with it in the given columns, for rows without others."""
    replica = base.blank_copy()
    refresh(replica, base, columns)
    return replica


def refresh(replica: State, base: State, columns: npt.NDArray[Any]) -> None:
    """Make a replica agree with base again: in its clock, intercepts, and the given columns."""
    _combine.copy_records(base.records, replica.records, columns)
    refresh_common(replica, base)


def refresh_common(replica: State, base: State) -> None:
    """Make a replica agree with base in all but the records."""
    replica.intercept = base.intercept.copy()
    replica.clock = base.clock.copy()


def movement_of(
    base: State,
    replica: State,
    settings: Settings,
    columns: npt.NDArray[Any],
    n_steps: int,
    n_steps_of_all: int,
    loss: float,
    weight: float,
) -> Movement:
    """Give the movement of a replica that started from base.

    Parameters
    ----------
    base, replica : State
    settings : Settings
        Those of base.
    columns : ndarray of int32 or int64, shape (n_columns,)
        Sorted; at least those that the rows learned have.
    n_steps, n_steps_of_all : int
        Steps of this worker and of all workers in this round.
    loss, weight : float
        Sums over the rows learned: see fastada.epoch.learn_sums.
    """
    pace = pace_of(n_steps, n_steps_of_all)
    shape = len(columns), base.n_outputs
    change, squares = np.zeros(shape, base.dtype), np.zeros(shape, base.dtype)
    share = np.zeros((len(columns) if is_stamped(settings) else 0, base.n_outputs), base.dtype)
    _combine.extract(
        base.records,
        replica.records,
        settings,
        float(base.clock[0] - base.clock[1]),
        float(n_steps_of_all),
        pace,
        columns,
        change,
        squares,
        share,
    )
    intercept = _intercept_movement(base, replica, settings, pace)
    return Movement(columns, change, squares, share, intercept, n_steps, loss, weight)


def _aligned(movement: Movement) -> Movement:
    """Give what came over a network, and lies at any address, to kernels that want it at theirs."""
    names = ("columns", "change", "squares", "share", "intercept")
    arrays = {name: np.require(getattr(movement, name), requirements=["A"]) for name in names}
    return replace(movement, **arrays)


def add(a: Movement, b: Movement) -> Movement:
    """Add two movements of the same round."""
    a, b = _aligned(a), _aligned(b)
    n_outputs = a.change.shape[1]
    n = len(a.columns) + len(b.columns)
    columns = np.empty(n, a.columns.dtype)
    change, squares = (
        np.empty((n, n_outputs), a.change.dtype),
        np.empty((n, n_outputs), a.change.dtype),
    )
    share = np.empty((len(a.share) + len(b.share), n_outputs), a.change.dtype)
    n = _combine.add(
        a.columns, a.change, a.squares, a.share,
        b.columns, b.change, b.squares, b.share,
        columns, change, squares, share,
    )  # fmt: skip
    return Movement(
        columns[:n].copy(),
        change[:n].copy(),
        squares[:n].copy(),
        share[:n].copy(),
        a.intercept + b.intercept,
        a.n_steps + b.n_steps,
        a.loss + b.loss,
        a.weight + b.weight,
    )


def add_all(movements: Sequence[Movement]) -> Movement:
    """Add movements, neighbours first, as a tree of workers would."""
    while len(movements) > 1:
        pairs = [movements[i : i + 2] for i in range(0, len(movements), 2)]
        movements = [add(*pair) if len(pair) == 2 else pair[0] for pair in pairs]
    return movements[0]


def apply(base: State, settings: Settings, movement: Movement) -> None:
    """Move a state by what all workers of a round have told.

    Raises
    ------
    FloatingPointError
        If the movement is not finite; the state stays as it was.
    """
    if not all(np.isfinite(part).all() for part in (movement.change, movement.squares)):
        raise FloatingPointError("training diverged: the sum of movements is not finite")
    movement = _aligned(movement)
    _combine.apply(
        base.records,
        settings,
        float(base.clock[0] - base.clock[1]),
        float(movement.n_steps),
        movement.columns,
        movement.change,
        movement.squares,
        movement.share,
    )
    _move_intercept(base, settings, movement.intercept)
    base.clock[0] += movement.n_steps


def merge_records(
    base: State,
    replicas: Sequence[State],
    has: Sequence[npt.NDArray[np.uint8] | None],
    n_steps: Sequence[int],
    n_steps_of_all: int,
    settings: Settings,
    begin: int,
    end: int,
) -> None:
    """Combine columns begin to end of replicas in one memory, and bring the replicas up to date.

    The replicas are those of all workers that have any of these columns, and agreed with base there
    at the start of the round; has[k], unless None, says which of base's columns worker k has,
    n_steps[k] how many steps it took. Calls for other columns may run at the same time; after all
    of them comes merge_common.
    """
    merge.merge(
        base.records,
        [replica.records for replica in replicas],
        list(has),
        [pace_of(own, n_steps_of_all) for own in n_steps],
        settings,
        float(base.clock[0] - base.clock[1]),
        float(n_steps_of_all),
        base.n_outputs,
        begin,
        end,
    )


def merge_common(
    base: State, replicas: Sequence[State], n_steps: Sequence[int], settings: Settings
) -> None:
    """Combine all but the records, once these are combined."""
    n_steps_of_all = sum(n_steps)
    merge.merge(
        base.intercept,
        [replica.intercept for replica in replicas],
        [None] * len(replicas),
        [pace_of(own, n_steps_of_all) for own in n_steps],
        _intercept_settings(settings),
        0.0,
        0.0,
        1,
        0,
        base.n_outputs,
    )
    base.clock[0] += n_steps_of_all
    for replica in replicas:
        replica.clock[:] = base.clock


def _intercept_settings(settings: Settings) -> Settings:
    """Give what makes records of intercepts: without penalty, at their own rate."""
    return {**settings, "l1": 0.0, "l2": 0.0, "rate": settings["intercept_rate"]}


def _intercept_movement(
    base: State, replica: State, settings: Settings, pace: float
) -> npt.NDArray[np.float64]:
    n = base.n_outputs
    change, squares = np.zeros((n, 1)), np.zeros((n, 1))
    columns, none = np.arange(n, dtype=np.int32), np.empty((0, 1))
    plain = _intercept_settings(settings)
    _combine.extract(
        base.intercept, replica.intercept, plain, 0.0, 0.0, pace, columns, change, squares, none
    )
    return np.hstack([change, squares])


def _move_intercept(base: State, settings: Settings, moved: npt.NDArray[np.float64]) -> None:
    columns, none = np.arange(base.n_outputs, dtype=np.int32), np.empty((0, 1))
    change, squares = moved[:, :1].copy(), moved[:, 1:].copy()
    plain = _intercept_settings(settings)
    _combine.apply(base.intercept, plain, 0.0, 0.0, columns, change, squares, none)
