"""Work for threads, its results in order; rows for threads.

concurrent.futures would do, but for the time it takes to import: it loads logging.
"""

from __future__ import annotations

import os
import threading
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import pairwise
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

# Entries that take about half a millisecond to look at, below which a thread is not worth it.
FEWEST_ENTRIES = 500_000

Item = TypeVar("Item")
Result = TypeVar("Result")


class _Job(Generic[Item, Result]):
    """A call of the function, whose lock is released when it has returned."""

    __slots__ = ("error", "item", "lock", "result")

    def __init__(self, item: Item) -> None:
        self.item = item
        self.result: Result | None = None
        self.error: BaseException | None = None
        self.lock = threading.Lock()
        self.lock.acquire()

    def wait(self) -> Result:
        self.lock.acquire()
        if self.error is not None:
            raise self.error
        return self.result  # type: ignore[return-value]


def effective_n_jobs(n_jobs: int | None) -> int:
    """Return the number of threads that scikit-learn's ``n_jobs`` stands for."""
    if n_jobs is None:
        return 1
    if n_jobs > 0:
        return n_jobs
    if n_jobs == 0:
        raise ValueError("n_jobs must not be 0; pass None or 1 for one thread, -1 for all cores")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, (cores or 1) + 1 + n_jobs)


def in_order(
    function: Callable[[Item], Result], items: Iterable[Item], n_threads: int
) -> Iterator[Result]:
    """Yield function(item) in the order of the items, worked out by threads ahead of time.

    One of them is the thread that asks, for as long as it would have to wait. At most twice as many
    items as there are threads have been taken and not been yielded.
    """
    jobs: SimpleQueue[_Job[Item, Result] | None] = SimpleQueue()
    stopped = threading.Event()

    def do(job: _Job[Item, Result]) -> None:
        try:
            if not stopped.is_set():
                job.result = function(job.item)
        except BaseException as error:
            job.error = error
        job.lock.release()

    def work() -> None:
        while (job := jobs.get()) is not None:
            do(job)

    def result_of(job: _Job[Item, Result]) -> Result:
        with suppress(Empty):
            while job.lock.locked() and (other := jobs.get_nowait()) is not None:
                do(other)
        return job.wait()

    threads = [threading.Thread(target=work, daemon=True) for _ in range(n_threads - 1)]
    for thread in threads:
        thread.start()
    pending: deque[_Job[Item, Result]] = deque()
    try:
        for item in items:
            job: _Job[Item, Result] = _Job(item)
            pending.append(job)
            jobs.put(job)
            if len(pending) >= 2 * n_threads:
                yield result_of(pending.popleft())
        while pending:
            yield result_of(pending.popleft())
    finally:
        stopped.set()
        for _ in threads:
            jobs.put(None)
        for thread in threads:
            thread.join()


def by_rows(
    function: Callable[[int, int], Result], indptr: npt.NDArray[np.int64], n_threads: int
) -> list[Result]:
    """Give function(begin, end) of ranges that the rows are cut into, in order.

    Parameters
    ----------
    function : callable
        Does not change what it is called with for other rows, nor care how they are cut.
    indptr : ndarray of int64, shape (n_rows + 1,)
        That of a CSR matrix; the ranges have about as many of its entries.
    n_threads : int
        At most.
    """
    n_entries = int(indptr[-1])
    n = max(1, min(n_threads, n_entries // FEWEST_ENTRIES))
    inner = [bisect_left(indptr, n_entries * k // n) for k in range(1, n)]
    bounds = [0, *inner, len(indptr) - 1]
    ranges = list(pairwise(bounds))
    if n == 1:
        return [function(*ranges[0])]
    return list(in_order(lambda rows: function(*rows), ranges, n))
