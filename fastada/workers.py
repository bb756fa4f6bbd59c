"""Work for threads, its results in order.

concurrent.futures would do, but for the time it takes to import: it loads logging.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from queue import SimpleQueue
from typing import Generic, TypeVar

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


def in_order(
    function: Callable[[Item], Result], items: Iterable[Item], n_threads: int
) -> Iterator[Result]:
    """Yield function(item) in the order of the items, worked out by threads ahead of time.

    At most twice as many items as there are threads have been taken and not been yielded.
    """
    jobs: SimpleQueue[_Job[Item, Result] | None] = SimpleQueue()
    stopped = threading.Event()

    def work() -> None:
        while (job := jobs.get()) is not None:
            try:
                if not stopped.is_set():
                    job.result = function(job.item)
            except BaseException as error:
                job.error = error
            job.lock.release()

    threads = [threading.Thread(target=work, daemon=True) for _ in range(n_threads)]
    for thread in threads:
        thread.start()
    pending: deque[_Job[Item, Result]] = deque()
    try:
        for item in items:
            job: _Job[Item, Result] = _Job(item)
            pending.append(job)
            jobs.put(job)
            if len(pending) >= 2 * n_threads:
                yield pending.popleft().wait()
        while pending:
            yield pending.popleft().wait()
    finally:
        stopped.set()
        for _ in threads:
            jobs.put(None)
        for thread in threads:
            thread.join()
