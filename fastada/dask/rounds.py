"""What a worker does in a round: learn, tell, and move its copy of the model by what all told.

Every worker has one copy, its base, at the same address through all rounds, so that no copy is made
and no chain of tasks grows. It counts its rounds: a task that finds it elsewhere than expected, as
after a restart, says so, and the client brings a good copy from another worker.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from dask.sizeof import sizeof
from distributed import get_worker

from fastada import combine
from fastada.combine import Movement
from fastada.dask.shares import Share, n_bytes
from fastada.epoch import learn_sums
from fastada.scale import Scale
from fastada.settings import UPDATES, Settings
from fastada.state import State
from fastada.threads import part_of


class StaleError(RuntimeError):
    """A worker's copy of the model is not the one that the round starts from."""


class AbandonedError(RuntimeError):
    """Nobody waits for this task any more."""


@dataclass(frozen=True)
class Model:
    """What a state is made from where no row has been learned."""

    n_features: int
    n_outputs: int
    dtype: np.dtype[Any]
    settings: Settings
    scale: Scale

    def blank(self) -> State:
        """Give zero weights."""
        return State(
            self.n_features,
            self.n_outputs,
            self.dtype,
            self.settings,
            self.scale.accumulator,
            self.scale.intercept_accumulator,
        )


@dataclass(frozen=True)
class Round:
    """Which part of which epoch all shares learn.

    Attributes
    ----------
    number : int
        Rounds before it.
    epoch : int
        Decides the orders.
    part, n_parts : int
        Part of the epoch.
    n_steps : list of int
        Steps of each share.
    """

    number: int
    epoch: int
    part: int
    n_parts: int
    n_steps: list[int]


@dataclass(frozen=True)
class Told:
    """What the client hears of a round."""

    loss: float
    weight: float


@dataclass(frozen=True)
class Snapshot:
    """A state as of the end of a round: the records that differ from those of a blank one."""

    columns: npt.NDArray[Any]
    records: npt.NDArray[Any]
    intercept: npt.NDArray[np.float64]
    clock: npt.NDArray[np.int64]
    n_rounds: int
    told: Told | None

    @classmethod
    def of(cls, state: State, model: Model, n_rounds: int, told: Told | None = None) -> Snapshot:
        """Take note of a state."""
        width = 2 * state.n_outputs
        first = np.zeros(width, state.dtype)
        first[state.n_outputs :] = model.scale.accumulator
        columns = np.flatnonzero((state.records[:, :width] != first).any(axis=1))
        if model.n_features <= np.iinfo(np.int32).max:
            columns = columns.astype(np.int32)
        records, intercept, clock = state.records[columns], state.intercept, state.clock
        return cls(columns, records, intercept.copy(), clock.copy(), n_rounds, told)

    def state(self, model: Model) -> State:
        """Give the state."""
        state = model.blank()
        state.records[self.columns] = self.records
        state.intercept[:], state.clock[:] = self.intercept, self.clock
        return state


class Base:
    """A worker's copy of the model.

    Parameters
    ----------
    model : Model
    snapshot : Snapshot, optional
        What it starts from instead of zero weights.
    """

    def __init__(self, model: Model, snapshot: Snapshot | None = None) -> None:
        self.model = model
        self.state = model.blank() if snapshot is None else snapshot.state(model)
        self.n_rounds = 0 if snapshot is None else snapshot.n_rounds
        self.told = None if snapshot is None else snapshot.told
        self._lock = threading.Lock()

    def check(self, number: int) -> None:
        """Raise StaleError unless so many rounds are done."""
        if self.n_rounds != number:
            raise StaleError(f"the copy is of round {self.n_rounds}, not {number}")

    def move(self, total: Movement | None, number: int, steps_to_come: int) -> Told:
        """Move by what all told in a round, unless that is done already."""
        with self._lock:
            if self.told is None or self.n_rounds != number + 1:
                self.check(number)
                if total is None:
                    raise StaleError("there is nothing to move by")
                settings = self.model.settings
                combine.apply(self.state, settings, total)
                combine.make_room(self.state, settings, steps_to_come)
                self.n_rounds += 1
                self.told = Told(total.loss, total.weight)
            return self.told

    def snapshot(self) -> Snapshot:
        """Take note of what it is now."""
        with self._lock:
            return Snapshot.of(self.state, self.model, self.n_rounds, self.told)

    # Dask may put it on disk, or copy it to another worker, at any moment: never in mid-move.
    def __getstate__(self) -> dict[str, Any]:
        with self._lock:
            return {name: value for name, value in vars(self).items() if name != "_lock"}

    def __setstate__(self, attributes: dict[str, Any]) -> None:
        vars(self).update(attributes)
        self._lock = threading.Lock()


def learn(base: Base, share: Share, number: int, turn: Round) -> Movement:
    """Learn a part of share `number` on a replica."""
    base.check(turn.number)
    settings = base.model.settings
    order = share.visits.of_share(share.visits.order, number, turn.epoch)
    part = part_of(order, turn.part, turn.n_parts, settings["batch_size"])
    # Of a part only the columns that it has are worth telling.
    columns = share.columns
    if turn.n_parts > 1:
        columns = combine.touched_columns(share.rows, part)
    n_steps, n_steps_of_all = turn.n_steps[number], sum(turn.n_steps)
    replica = combine.replica_of(base.state, columns)
    loss, weight = learn_sums(
        replica,
        combine.share_settings(settings, n_steps, n_steps_of_all),
        share.rows,
        share.targets,
        share.visits.sample_weight,
        part,
        stop_if_asked=_stop_if_cancelled,
    )
    return combine.movement_of(
        base.state, replica, settings, columns, n_steps, n_steps_of_all, loss, weight
    )


def move(base: Base, total: Movement | None, number: int, steps_to_come: int) -> Told:
    """Move a worker's copy by what all told."""
    return base.move(total, number, steps_to_come)


def same(total: Movement) -> Movement:
    """Have a sum, for others to fetch it from here."""
    return total


def rounds_of(base: Base) -> int:
    """Count the rounds that a copy has been through."""
    return base.n_rounds


def snapshot_of(base: Base) -> Snapshot:
    """Take note of a copy."""
    return base.snapshot()


def penalty_of(base: Base) -> float:
    """Give the penalty that stands beside the mean loss of the model as it is."""
    settings = base.model.settings
    penalty = base.state.penalty(settings)
    return penalty / base.state.n_steps if settings["update"] == UPDATES["ftrl"] else penalty


def _stop_if_cancelled() -> None:
    """Raise AbandonedError where the client has gone or has given the task up."""
    worker = get_worker()
    task = worker.state.tasks.get(worker.get_current_task())
    if task is None or task.state in ("cancelled", "released", "forgotten"):
        raise AbandonedError


def _base_bytes(base: Base) -> int:
    return int(base.state.records.nbytes)


sizeof.register(Base, _base_bytes)
sizeof.register(Snapshot, n_bytes)
