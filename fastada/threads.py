"""An epoch by several threads, each of which learns its share of the rows on a replica.

fastada/combine.py says what becomes of the replicas. Which rows a share has, and their order, is
for the seed to decide, and everything is summed in the order of the shares: the result is the
same bits however fast each thread is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from fastada import combine
from fastada.epoch import Targets, learn_sums, note_first
from fastada.rows import Rows
from fastada.settings import Settings
from fastada.state import State, check_memory

# Entries times outputs: about a millisecond, below which a thread costs more than it does.
SMALLEST_SHARE = 250_000


def useful_threads(n_threads: int, rows: Rows, targets: Targets) -> int:
    """Give the number of threads that the rows are worth."""
    work = len(rows.indices) * targets.n_outputs
    return max(1, min(n_threads, work // SMALLEST_SHARE, rows.n_rows))


def check_replicas(state: State, n_threads: int) -> None:
    """Raise MemoryError if there is no room for a replica per thread."""
    # What each keeps of the columns is a bitmap for a while, and then their list.
    of_each = state.records.nbytes + state.n_features * np.dtype(np.int64).itemsize
    check_memory(
        state.records.nbytes + n_threads * of_each,
        f"a state of {state.n_features} features with a replica for each of {n_threads} threads",
        "fewer threads (n_jobs), fewer features or classes, or dtype='float32'",
    )


class _Stopped(Exception):
    """The user has pressed Ctrl-C."""


class Team:
    """Threads that learn fixed shares of the rows.

    Parameters
    ----------
    rows : Rows
    targets : Targets
    sample_weight : ndarray of float64, shape (n_rows,)
    shares : list of ndarray of int64
        The rows of each thread, none of weight zero.
    n_syncs : int
        How many times an epoch the replicas are combined.
    """

    def __init__(
        self,
        rows: Rows,
        targets: Targets,
        sample_weight: npt.NDArray[np.float64],
        shares: Sequence[npt.NDArray[np.int64]],
        n_syncs: int,
    ) -> None:
        self.rows, self.targets, self.sample_weight = rows, targets, sample_weight
        self.shares, self.n_syncs = shares, n_syncs
        self.replicas: list[State] = []
        self.columns: list[npt.NDArray[Any]] = []
        self._in_step: tuple[State, int] | None = None
        self._stopped = threading.Event()

    def learn(
        self,
        base: State,
        settings: Settings,
        order: Callable[[npt.NDArray[np.int64], int], npt.NDArray[np.int64]],
        first_losses: npt.NDArray[np.float64] | None = None,
    ) -> float:
        """Learn all shares once.

        Parameters
        ----------
        base : State
            Changed in place; after an exception, as of the last synchronisation.
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
        # Ctrl-C comes to the main thread alone, which therefore waits and does nothing else.
        with ThreadPoolExecutor(1 + len(self.shares)) as pool:
            try:
                return pool.submit(self._learn, pool, base, settings, order, first_losses).result()
            except BaseException:
                self._stopped.set()
                raise

    def _learn(
        self,
        pool: ThreadPoolExecutor,
        base: State,
        settings: Settings,
        order: Callable[[npt.NDArray[np.int64], int], npt.NDArray[np.int64]],
        first_losses: npt.NDArray[np.float64] | None,
    ) -> float:
        numbers = range(len(self.shares))
        if not self.columns:
            self.columns = _all(
                pool, lambda k: combine.touched_columns(self.rows, self.shares[k]), numbers
            )
            self.replicas = [base.blank_copy() for _ in numbers]
        orders = _all(pool, lambda k: order(self.shares[k], k), numbers)
        loss = weight = 0.0
        for sync in range(self.n_syncs):
            parts = [part_of(rows, sync, self.n_syncs, settings["batch_size"]) for rows in orders]
            n_steps = [combine.steps_of(len(part), settings) for part in parts]
            restarted = combine.make_room(base, settings, sum(n_steps))
            stale = restarted or self._in_step != (base, base.n_steps)

            def learn(
                k: int, parts: Any = parts, n_steps: Any = n_steps, stale: bool = stale
            ) -> Any:
                if stale:
                    combine.refresh(self.replicas[k], base, self.columns[k])
                own = combine.share_settings(settings, n_steps[k], sum(n_steps))
                losses = None if first_losses is None else np.empty((len(parts[k]), 1))
                sums = learn_sums(
                    self.replicas[k],
                    own,
                    self.rows,
                    self.targets,
                    self.sample_weight,
                    parts[k],
                    self._stop_if_asked,
                    losses,
                )
                return *sums, losses

            # Until all are combined the replicas are of no use.
            self._in_step = None
            for k, (own_loss, own_weight, losses) in enumerate(_all(pool, learn, numbers)):
                loss += own_loss
                weight += own_weight
                if first_losses is not None:
                    note_first(first_losses, parts[k], losses)
            with base.lock:
                self._combine(pool, base, settings, n_steps)
            self._in_step = base, base.n_steps
        return loss / weight if weight else 0.0

    def _combine(
        self, pool: ThreadPoolExecutor, base: State, settings: Settings, n_steps: list[int]
    ) -> None:
        """Combine the replicas, an equal part of the columns per thread."""
        n = len(self.shares)
        listed = self.columns[0]
        inner = [int(listed[len(listed) * k // n]) for k in range(1, n)] if len(listed) else []
        bounds = [0, *inner, base.n_features]

        def merge(k: int) -> None:
            combine.merge_records(
                base, self.replicas, self.columns, n_steps, settings, bounds[k], bounds[k + 1]
            )

        _all(pool, merge, range(len(bounds) - 1))
        combine.merge_common(base, self.replicas, n_steps, settings)

    def _stop_if_asked(self, _: int) -> None:
        if self._stopped.is_set():
            raise _Stopped


def part_of(
    rows: npt.NDArray[np.int64], number: int, n_parts: int, batch_size: int
) -> npt.NDArray[np.int64]:
    """Cut an order into parts of whole batches."""
    n_batches = -(-len(rows) // batch_size)
    begin, end = (n_batches * k // n_parts * batch_size for k in (number, number + 1))
    return rows[begin:end]


def _all(pool: ThreadPoolExecutor, function: Callable[[int], Any], numbers: Any) -> list[Any]:
    """Do it for all numbers; if some fail, all come to their end, and the first of them tells."""
    futures: list[Future[Any]] = [pool.submit(function, k) for k in numbers]
    errors = [future.exception() for future in futures]
    for error in errors:
        if error is not None:
            raise error
    return [future.result() for future in futures]
