"""Batches of documents to sparse rows of hashed n-grams; what needs no scikit-learn."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastada._hashing import count_documents
from fastada.memory import CACHE_LINE
from fastada.text.documents import BATCH_BYTES, Batch
from fastada.text.hashed_rows import HashedRows
from fastada.text.options import NgramOptions
from fastada.text.term_weighting import NORMS, TermWeighting
from fastada.workers import effective_n_jobs, in_order

# Room for so many times the entries that the first documents give reason to expect.
SPARE = 1.05
# Entries that memory is found for before they are placed.
TOUCHED = 1 << 19


class _Worker:
    """A hasher and the rows it has written, one batch after the other. It serves one thread."""

    def __init__(self, options: NgramOptions, weighting: TermWeighting) -> None:
        self.hasher = options.hasher()
        self.weighting = weighting
        # What a batch of English takes, words and pairs of them.
        self.columns = np.empty(BATCH_BYTES // 2, np.int32)
        self.values = np.empty(BATCH_BYTES // 2, weighting.dtype)
        self.stored = 0
        self.n_ngrams = 0
        # Where in the whole its rows are to go, once that is known.
        self.place: tuple[NDArray[np.int32], NDArray[Any]] | None = None

    def append(self, batch: Batch) -> NDArray[np.int64]:
        """Write the rows of a batch after those written so far; return their sizes."""
        weighting = self.weighting
        row_sizes = np.empty(len(batch.sizes), np.int64)
        done = 0
        while done < len(batch.sizes):
            more_done, more_stored, more_ngrams, room, count = self.hasher.rows(
                batch.addresses[done:],
                batch.sizes[done:],
                batch.prepared[done:],
                batch.packed[done:],
                weighting.tf,
                weighting.factors,
                NORMS[weighting.norm],
                self.columns[self.stored :],
                self.values[self.stored :],
                row_sizes[done:],
            )
            done += more_done
            self.stored += more_stored
            self.n_ngrams += more_ngrams
            if room:
                self.reserve(2 * (self.stored + room))
            if count:
                weighting.reach(count)
        return row_sizes

    def replace(self, batch: Batch) -> HashedRows:
        """Write the rows of a batch in the place of those written so far."""
        self.settle()
        self.stored = self.n_ngrams = 0
        sizes = self.append(batch)
        return HashedRows(
            self.columns[: self.stored], self.values[: self.stored], sizes, self.n_ngrams
        )

    def reserve(self, size: int) -> None:
        """Make room for so many entries in all."""
        if size > len(self.columns):
            columns, values = np.empty(size, np.int32), np.empty(size, self.values.dtype)
            columns[: self.stored] = self.columns[: self.stored]
            values[: self.stored] = self.values[: self.stored]
            self.columns, self.values = columns, values

    def settle(self) -> None:
        """Copy its rows to the place they have been given, if they have one."""
        if self.place is not None:
            columns, values = self.place
            columns[:] = self.columns[: self.stored]
            values[:] = self.values[: self.stored]
            self.place = None

    def expect(self, done: int, n_documents: int) -> None:
        """Make room for all documents, judging by those done: once, before there is much."""
        with suppress(MemoryError):  # if a giant came first, and the others take less
            self.reserve(int(self.stored * n_documents / done * SPARE))

    def rows(self, sizes: list[NDArray[np.int64]]) -> HashedRows:
        """Give the rows away."""
        row_sizes = np.concatenate(sizes) if sizes else np.empty(0, np.int64)
        arrays = _shrunk(self.columns, self.values, self.stored)
        return HashedRows(*arrays, row_sizes, self.n_ngrams)


class _Whole:
    """Arrays for the rows of all batches, to which threads copy them, each to a place of its own.

    What threads may be writing to does not move: where there turns out to be no room in the arrays,
    others follow them.

    Parameters
    ----------
    weighting : TermWeighting
    n_documents : int or None
        Of all batches, where that is known.
    """

    def __init__(self, weighting: TermWeighting, n_documents: int | None) -> None:
        self.dtype = weighting.dtype
        self.n_documents = n_documents
        self.done = 0
        self.filled: list[tuple[NDArray[np.int32], NDArray[Any]]] = []
        self.columns = np.empty(0, np.int32)
        self.values = np.empty(0, self.dtype)
        self.stored = self.touched = 0
        # Batches whose rows wait for those before them, and how many have their places.
        self.waiting: dict[int, tuple[_Worker, HashedRows]] = {}
        self.placed = 0
        self.lock = threading.Lock()

    def add(self, number: int, worker: _Worker, rows: HashedRows) -> None:
        """Take the rows of a batch, the `number`-th, that a worker has."""
        with self.lock:
            self.waiting[number] = worker, rows
            while self.placed in self.waiting:
                of_next, rows = self.waiting.pop(self.placed)
                of_next.place = self._place(rows)
                self.placed += 1
        # At once if it can be, while they are in the cache.
        worker.settle()

    def touch(self) -> None:
        """Have the system find memory for what will be placed next.

        It keeps threads waiting that ask for new memory at the same time: let one thread do so.
        """
        with self.lock:
            begin = max(self.touched, self.stored)
            self.touched = end = min(len(self.columns), self.stored + TOUCHED)
            for array in (self.columns, self.values):
                # So many numbers that NumPy lets go of the GIL.
                array[begin:end:CACHE_LINE] = 0

    def arrays(self) -> tuple[NDArray[np.int32], NDArray[Any]]:
        """Give the columns and values away, once all threads are done."""
        if not self.filled:
            return _shrunk(self.columns, self.values, self.stored)
        self._close()
        columns, values = zip(*self.filled, strict=True)
        return np.concatenate(columns), np.concatenate(values)

    def _place(self, rows: HashedRows) -> tuple[NDArray[np.int32], NDArray[Any]]:
        size = len(rows.columns)
        if self.stored + size > len(self.columns):
            self._close()
            left = self.n_documents - self.done if self.n_documents else 2 * self.done
            room = max(size, int(size * left / len(rows.row_sizes) * SPARE))
            try:
                self._reserve(room)
            except MemoryError:  # of a giant, and the documents that follow take less
                self._reserve(size)
            self.touched = 0
        self.done += len(rows.row_sizes)
        start, self.stored = self.stored, self.stored + size
        return self.columns[start : self.stored], self.values[start : self.stored]

    def _reserve(self, size: int) -> None:
        self.columns, self.values = np.empty(size, np.int32), np.empty(size, self.dtype)

    def _close(self) -> None:
        if self.stored:
            self.filled.append((self.columns[: self.stored], self.values[: self.stored]))
        self.stored = 0


def _shrunk(
    columns: NDArray[np.int32], values: NDArray[Any], size: int
) -> tuple[NDArray[np.int32], NDArray[Any]]:
    """Shrink arrays where they are."""
    columns.resize(size, refcheck=False)
    values.resize(size, refcheck=False)
    return columns, values


def hash_batches(
    batches: Iterable[Batch], options: NgramOptions, weighting: TermWeighting, n_threads: int
) -> Iterator[HashedRows]:
    """Yield the rows of each batch, in order; they are overwritten once the next are asked for."""
    if n_threads == 1:
        yield from map(_Worker(options, weighting).replace, batches)
        return
    free = _workers(options, weighting, n_threads)
    jobs = ((free.popleft(), batch) for batch in batches)
    for worker, rows in in_order(lambda job: (job[0], job[0].replace(job[1])), jobs, n_threads):
        yield rows
        free.append(worker)


def _workers(options: NgramOptions, weighting: TermWeighting, n_threads: int) -> deque[_Worker]:
    # Two for each thread: while one's rows wait for their turn, the other works.
    return deque(_Worker(options, weighting) for _ in range(2 * n_threads))


def hash_documents(
    batches: Iterable[Batch],
    options: NgramOptions,
    weighting: TermWeighting,
    *,
    n_documents: int | None,
    n_jobs: int | None = None,
) -> HashedRows:
    """HashedRows of all documents, the same whatever the number of threads.

    Parameters
    ----------
    batches : iterable of Batch
    options : NgramOptions
    weighting : TermWeighting
    n_documents : int or None
        Their number, if known: saves memory from being allocated twice.
    n_jobs : int or None
        Number of threads; None is 1, -1 all cores.
    """
    n_threads = effective_n_jobs(n_jobs)
    if n_threads > 1:
        return _hash_in_threads(batches, options, weighting, n_documents, n_threads)
    worker = _Worker(options, weighting)
    sizes: list[NDArray[np.int64]] = []
    for batch in batches:
        sizes.append(worker.append(batch))
        if len(sizes) == 1 and n_documents:
            worker.expect(len(sizes[0]), n_documents)
    return worker.rows(sizes)


def _hash_in_threads(
    batches: Iterable[Batch],
    options: NgramOptions,
    weighting: TermWeighting,
    n_documents: int | None,
    n_threads: int,
) -> HashedRows:
    whole = _Whole(weighting, n_documents)
    free = _workers(options, weighting, n_threads)

    def work(job: tuple[int, _Worker, Batch]) -> tuple[_Worker, HashedRows]:
        number, worker, batch = job
        rows = worker.replace(batch)
        whole.add(number, worker, rows)
        return worker, rows

    sizes: list[NDArray[np.int64]] = []
    n_ngrams = 0
    jobs = ((number, free.popleft(), batch) for number, batch in enumerate(batches))
    for worker, rows in in_order(work, jobs, n_threads):
        sizes.append(rows.row_sizes)
        n_ngrams += rows.n_ngrams
        free.append(worker)
        whole.touch()
    for worker in free:
        worker.settle()
    row_sizes = np.concatenate(sizes) if sizes else np.empty(0, np.int64)
    return HashedRows(*whole.arrays(), row_sizes, n_ngrams)


def document_frequencies(
    batches: Iterable[Batch], options: NgramOptions, *, n_jobs: int | None
) -> tuple[NDArray[np.int64], int]:
    """In how many documents each column occurs, and the number of documents."""
    counts = np.zeros(options.n_features, np.int64)
    n_documents = 0
    weighting = TermWeighting(np.float32, norm=None)
    for rows in hash_batches(batches, options, weighting, effective_n_jobs(n_jobs)):
        count_documents(rows.columns, counts)
        n_documents += len(rows.row_sizes)
    return counts, n_documents
