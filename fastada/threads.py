"""An epoch by several threads, each of which learns its share of the rows on a replica.

fastada/combine.py says what becomes of the replicas. Which rows a share has, and their order, is
for the seed to decide, and everything is summed in the order of the shares: the result is the
same bits however fast each thread is.

An epoch may take ten milliseconds. So threads live on from one to the next, and over many epochs
columns are relabelled (fastada/relabel.py): what replicas have in common is combined from one piece
of memory, in equal parts, and what a share alone has by its own thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from fastada import _evaluation, combine
from fastada.epoch import learn_sums
from fastada.memory import check_memory
from fastada.relabel import CompactState, Layout, layout_of, relabelling_pays
from fastada.rows import Rows
from fastada.settings import Settings, is_stamped
from fastada.state import State
from fastada.targets import Targets

T = TypeVar("T")
Order = Callable[[npt.NDArray[np.int64], int], npt.NDArray[np.int64]]

# Entries times outputs: about a millisecond, below which a thread costs more than it does; with
# more columns than these as many times as much, for its replica.
SMALLEST_SHARE, COLUMNS = 250_000, 2**20


def useful_threads(n_threads: int, rows: Rows, targets: Targets) -> int:
    """Give the number of threads that the rows are worth."""
    smallest = SMALLEST_SHARE * max(1.0, rows.n_features / COLUMNS)
    n_useful = int(len(rows.indices) * targets.n_outputs / smallest)
    return max(1, min(n_threads, n_useful, rows.n_rows))


def check_replicas(state: State, n_threads: int) -> None:
    """Raise MemoryError if there is no room for a replica per thread."""
    # What each keeps of the columns is a byte.
    of_each = state.records.nbytes + state.n_features
    check_memory(
        state.records.nbytes + n_threads * of_each,
        f"a state of {state.n_features} features with a replica for each of {n_threads} threads",
        "fewer threads (n_jobs), fewer features or classes, or dtype='float32'",
    )


class _Stopped(Exception):
    """The user has pressed Ctrl-C."""


@dataclass(frozen=True)
class _Round:
    """What threads need to know of a round, and where they wait for each other."""

    settings: Settings
    n_steps: list[int]
    learned: threading.Barrier
    combined: threading.Barrier
    notes_losses: bool


@dataclass(frozen=True)
class _Learned:
    """What a thread has learned in a round: visits, their losses if asked for, sums over them."""

    order: npt.NDArray[np.int64]
    losses: npt.NDArray[np.float64] | None
    loss: float
    weight: float


class Team:
    """Threads that learn fixed shares of the rows, until closed.

    Parameters
    ----------
    rows : Rows
    targets : Targets
    sample_weight : ndarray of float64, shape (n_rows,)
    shares : list of ndarray of int64
        The rows of each thread, none of weight zero.
    n_syncs : int
        How many times an epoch the replicas are combined.
    n_epochs : int
        How many are to come, at most.
    """

    def __init__(
        self,
        rows: Rows,
        targets: Targets,
        sample_weight: npt.NDArray[np.float64],
        shares: Sequence[npt.NDArray[np.int64]],
        n_syncs: int,
        n_epochs: int = 1,
    ) -> None:
        self.rows, self.targets, self.sample_weight = rows, targets, sample_weight
        self.shares, self.n_syncs, self.n_epochs = shares, n_syncs, n_epochs
        self._pool = ThreadPoolExecutor(len(shares))
        self._layout: Layout | None = None
        self._base: State | None = None
        self._replicas: list[State] = []
        # Steps that base had taken when the replicas last agreed with it, and steps that its stamps
        # could count from there.
        self._agreed_at, self._room = -1, 0
        self._stopped = threading.Event()

    def __enter__(self) -> Team:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the threads, and leave the state to itself."""
        self._pool.shutdown()
        if isinstance(self._base, CompactState):
            self._base.end()

    def learn(
        self,
        state: State,
        settings: Settings,
        order: Order,
        first_losses: npt.NDArray[np.float64] | None = None,
    ) -> float:
        """Learn all shares once.

        Parameters
        ----------
        state : State
            The same in every call. Changed; after an exception, as of the last synchronisation.
        settings : Settings
        order : callable
            Puts the rows of a share, and its number, in order.
        first_losses : ndarray of float64, shape (n_rows,), optional
            Gets each row's loss before its thread has learned it, where it is NaN.

        Returns
        -------
        float
            Mean loss over the visits, each before its thread has learned it.

        Raises
        ------
        FloatingPointError
            Where a thread's rows have a loss or gradient that is not finite or too large.
        """
        self._stopped.clear()
        layout = self._layout = self._layout or self._lay_out(settings)
        if self._base is None:
            self._base = layout.of_base(state)
            self._replicas = [self._base.blank_copy() for _ in self.shares]
        self._room = self._base.steps_before_restart(settings)
        rounds = self._rounds(self._base, settings, first_losses is not None)
        try:
            learned = self._all(partial(self._learn_share, layout, self._base, rounds, order))
        except BaseException:
            self._agreed_at = -1
            raise
        loss = weight = 0.0
        for of_round in zip(*learned, strict=True):
            for part in of_round:
                loss += part.loss
                weight += part.weight
                if first_losses is not None and part.losses is not None:
                    _evaluation.note_first(part.order, part.losses[:, 0], first_losses)
        return loss / weight if weight else 0.0

    def _lay_out(self, settings: Settings) -> Layout:
        n_rounds, n = self.n_epochs * self.n_syncs, len(self.shares)
        return layout_of(
            self.rows,
            self.shares,
            self._all,
            stamped=is_stamped(settings),
            relabelled=relabelling_pays(self.rows, self.targets.n_outputs, n, n_rounds),
        )

    def _rounds(self, base: State, settings: Settings, notes_losses: bool) -> list[_Round]:
        batch_size, n = settings["batch_size"], len(self.shares)
        n_steps = [
            [
                combine.steps_of(len(part_of(share, sync, self.n_syncs, batch_size)), settings)
                for share in self.shares
            ]
            for sync in range(self.n_syncs)
        ]
        return [
            _Round(
                settings,
                steps,
                threading.Barrier(n),
                threading.Barrier(n, partial(self._agree, base, settings, steps)),
                notes_losses,
            )
            for steps in n_steps
        ]

    def _learn_share(
        self,
        layout: Layout,
        base: State,
        rounds: list[_Round],
        order: Order,
        k: int,
    ) -> list[_Learned]:
        """Learn share k, and combine what has been learned with the other threads."""
        done = []
        try:
            rows = order(self.shares[k], k)
            for sync, round_ in enumerate(rounds):
                part = part_of(rows, sync, self.n_syncs, round_.settings["batch_size"])
                self._bring_up_to_date(layout, base, round_, k)
                done.append(self._learn_part(layout, round_, part, k))
                # Whoever reads the state meanwhile waits.
                with base.lock if k == 0 else nullcontext():
                    round_.learned.wait()
                    self._combine(layout, base, round_, k)
                    round_.combined.wait()
        except BaseException:
            for round_ in rounds:
                round_.learned.abort()
                round_.combined.abort()
            raise
        return done

    def _bring_up_to_date(self, layout: Layout, base: State, round_: _Round, k: int) -> None:
        """Make replica k agree with base before a round."""
        restarts = self._room < sum(round_.n_steps)
        if restarts:
            if k == 0:
                combine.make_room(base, round_.settings, sum(round_.n_steps))
            round_.learned.wait()
        if restarts or self._agreed_at != base.n_steps:
            replica = self._replicas[k]
            for begin, end in ((0, layout.ends[0]), layout.alone(k)):
                replica.records[begin:end] = base.records[begin:end]
            combine.refresh_common(replica, base)

    def _learn_part(
        self, layout: Layout, round_: _Round, part: npt.NDArray[np.int64], k: int
    ) -> _Learned:
        losses = np.empty((len(part), 1)) if round_.notes_losses else None
        loss, weight = learn_sums(
            self._replicas[k],
            combine.share_settings(round_.settings, round_.n_steps[k], sum(round_.n_steps)),
            layout.rows,
            self.targets,
            self.sample_weight,
            part,
            losses,
            self._stop_if_asked,
        )
        return _Learned(part, losses, loss, weight)

    def _combine(self, layout: Layout, base: State, round_: _Round, k: int) -> None:
        """Combine a part of the columns that several shares have, and those of share k alone."""
        begin, end = layout.part_of_shared(k)
        n_steps, n_steps_of_all = round_.n_steps, sum(round_.n_steps)
        combine.merge_records(
            base, self._replicas, layout.has, n_steps, n_steps_of_all, round_.settings,
            begin, end,
        )  # fmt: skip
        begin, end = layout.alone(k)
        combine.merge_records(
            base, [self._replicas[k]], [None], [n_steps[k]], n_steps_of_all, round_.settings,
            begin, end,
        )  # fmt: skip

    def _agree(self, base: State, settings: Settings, n_steps: list[int]) -> None:
        """Combine all but the records: one thread does, while the others wait."""
        combine.merge_common(base, self._replicas, n_steps, settings)
        self._agreed_at, self._room = base.n_steps, base.steps_before_restart(settings)

    def _stop_if_asked(self) -> None:
        if self._stopped.is_set():
            raise _Stopped

    def _all(self, function: Callable[[int], T]) -> list[T]:
        """Call it with the number of each thread; if some fail, the first of them tells."""
        futures = [self._pool.submit(function, k) for k in range(len(self.shares))]
        try:
            # Ctrl-C comes to the main thread alone, which therefore does nothing else.
            wait(futures)
        except BaseException:
            self._stopped.set()
            wait(futures)
            raise
        errors = [error for future in futures if (error := future.exception())]
        for error in sorted(errors, key=lambda e: isinstance(e, threading.BrokenBarrierError)):
            raise error
        return [future.result() for future in futures]


def part_of(
    rows: npt.NDArray[np.int64], number: int, n_parts: int, batch_size: int
) -> npt.NDArray[np.int64]:
    """Cut an order into parts of whole batches."""
    n_batches = -(-len(rows) // batch_size)
    begin, end = (n_batches * k // n_parts * batch_size for k in (number, number + 1))
    return rows[begin:end]
