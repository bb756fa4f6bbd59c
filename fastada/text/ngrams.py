"""Batches of documents to sparse rows of hashed n-grams; what needs no scikit-learn."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fastada._hashing import NgramHasher, count_documents, weight_rows
from fastada.text.documents import Batch

ANALYZERS = {"word": 0, "char": 1, "char_wb": 2}
NORMS = {None: 0, "l1": 1, "l2": 2}

Item = TypeVar("Item")
Result = TypeVar("Result")


class Rows(NamedTuple):
    """Rows of a sparse matrix one after the other; `n_ngrams` were summed into its entries."""

    columns: NDArray[np.int32]
    values: NDArray[Any]
    row_sizes: NDArray[np.int64]
    n_ngrams: int

    def csr(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """(data, indices, indptr), of int64 where scikit-learn's are."""
        large = self.n_ngrams > np.iinfo(np.int32).max
        index_dtype = np.int64 if large else np.int32
        indptr = np.zeros(len(self.row_sizes) + 1, index_dtype)
        np.cumsum(self.row_sizes, out=indptr[1:])
        return self.values, self.columns.astype(index_dtype, copy=False), indptr


@dataclass(frozen=True, slots=True)
class NgramOptions:
    """What is counted in a document; scikit-learn's parameters of the same names."""

    analyzer: str = "word"
    ngram_range: tuple[int, int] = (1, 1)
    lowercase: bool = True
    alternate_sign: bool = True
    binary: bool = False
    n_features: int = 1 << 20

    def hasher(self) -> NgramHasher:
        """Make a hasher; it serves one thread."""
        return NgramHasher(
            ANALYZERS[self.analyzer],
            *self.ngram_range,
            self.lowercase,
            self.alternate_sign,
            self.binary,
            self.n_features,
        )


@dataclass
class TermWeighting:
    """From counts to weights: tf, times idf, the row divided by its norm.

    Equal in every bit to scikit-learn's ``TfidfTransformer``: logarithms are NumPy's.
    """

    dtype: DTypeLike = np.float64
    norm: str | None = "l2"
    sublinear_tf: bool = False
    idf: NDArray[Any] | None = None
    tf: NDArray[Any] = field(init=False)

    def __post_init__(self) -> None:
        self.tf = np.empty(0, self.dtype)
        if self.sublinear_tf:
            self.reach(255)

    @property
    def factors(self) -> NDArray[Any]:
        """The idf, or an empty array."""
        if self.idf is None:
            return np.empty(0, self.dtype)
        return self.idf.astype(self.dtype, copy=False)

    def reach(self, count: int) -> None:
        """Extend the table of ``1 + log(count)``."""
        counts = np.arange(2 * count + 2, dtype=self.dtype)
        with np.errstate(divide="ignore"):
            self.tf = np.log(counts) + self.tf.dtype.type(1)

    def apply(self, rows: Rows) -> None:
        """Weight rows of counts in place."""
        if self.sublinear_tf and len(rows.values):
            self.reach(int(rows.values.max()))
        weight_rows(
            rows.row_sizes, rows.columns, self.tf, self.factors, NORMS[self.norm], rows.values
        )


def inverse_document_frequency(
    document_frequency: NDArray[np.int64], n_documents: int, smooth: bool, dtype: DTypeLike
) -> NDArray[Any]:
    """``log((n + smooth) / (df + smooth)) + 1``, infinite where df + smooth is 0.

    Parameters
    ----------
    document_frequency : array of shape (n_features,)
    n_documents : int
    smooth : bool
        Count one document more, in which every term occurs.
    dtype : data-type
        Of the result and of the arithmetic.
    """
    df = document_frequency.astype(dtype)
    df += float(smooth)
    idf = np.full_like(df, n_documents + int(smooth))
    with np.errstate(divide="ignore"):
        idf /= df
    np.log(idf, out=idf)
    idf += 1.0
    return idf


class _Worker:
    """A hasher with arrays of its own to write rows to; they are reused from batch to batch."""

    def __init__(self, options: NgramOptions, weighting: TermWeighting) -> None:
        self.hasher = options.hasher()
        self.weighting = weighting
        self.columns = np.empty(1 << 16, np.int32)
        self.values = np.empty(1 << 16, weighting.dtype)

    def rows(self, batch: Batch) -> Rows:
        weighting = self.weighting
        row_sizes = np.empty(len(batch.sizes), np.int64)
        done = stored = n_ngrams = 0
        while done < len(batch.sizes):
            more_done, more_stored, more_ngrams, room, count = self.hasher.rows(
                batch.addresses[done:],
                batch.sizes[done:],
                batch.prepared[done:],
                weighting.tf,
                weighting.factors,
                NORMS[weighting.norm],
                self.columns[stored:],
                self.values[stored:],
                row_sizes[done:],
            )
            done += more_done
            stored += more_stored
            n_ngrams += more_ngrams
            if room:
                self.columns = _resized(self.columns, stored, 2 * (stored + room))
                self.values = _resized(self.values, stored, 2 * (stored + room))
            if count:
                weighting.reach(count)
        return Rows(self.columns[:stored], self.values[:stored], row_sizes, n_ngrams)


def _resized(array: NDArray[Any], used: int, size: int) -> NDArray[Any]:
    larger = np.empty(size, array.dtype)
    larger[:used] = array[:used]
    return larger


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


def _ordered(
    function: Callable[[_Worker, Item], Result],
    items: Iterable[Item],
    workers: list[_Worker],
) -> Iterator[Result]:
    """Yield function(worker, item) in the order of the items; one worker does one item at a time.

    What a worker returns it may overwrite when it gets its next item, so it gets none before the
    result has been dealt with.
    """
    if len(workers) == 1:
        for item in items:
            yield function(workers[0], item)
        return
    pending: deque[tuple[Future[Result], _Worker]] = deque()
    with ThreadPoolExecutor(len(workers) // 2) as pool:
        free = deque(workers)
        for item in items:
            worker = free.popleft()
            pending.append((pool.submit(function, worker, item), worker))
            if not free:
                future, worker = pending.popleft()
                yield future.result()
                free.append(worker)
        while pending:
            yield pending.popleft()[0].result()


def hash_documents(
    batches: Iterable[Batch],
    options: NgramOptions,
    weighting: TermWeighting,
    *,
    n_documents: int | None = None,
    n_jobs: int | None = None,
) -> Rows:
    """Rows of all documents, the same whatever the number of threads.

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
    columns = np.empty(0, np.int32)
    values = np.empty(0, weighting.dtype)
    sizes: list[NDArray[np.int64]] = []
    stored = done = n_ngrams = 0
    for rows in _ordered(_Worker.rows, batches, _workers(options, weighting, n_jobs)):
        sizes.append(rows.row_sizes)
        done += len(rows.row_sizes)
        n_ngrams += rows.n_ngrams
        start, stored = stored, stored + len(rows.columns)
        if stored > len(columns):
            expected = stored * max(1.0, (n_documents or 0) / done) * 1.05
            room = max(int(expected), 3 * start // 2, stored)
            if start == 0:
                columns, values = np.empty(room, np.int32), np.empty(room, weighting.dtype)
            else:
                # No one else sees these arrays yet.
                columns.resize(room, refcheck=False)
                values.resize(room, refcheck=False)
        columns[start:stored] = rows.columns
        values[start:stored] = rows.values
    columns.resize(stored, refcheck=False)
    values.resize(stored, refcheck=False)
    row_sizes = np.concatenate(sizes) if sizes else np.empty(0, np.int64)
    return Rows(columns, values, row_sizes, n_ngrams)


def document_frequencies(
    batches: Iterable[Batch], options: NgramOptions, *, n_jobs: int | None = None
) -> tuple[NDArray[np.int64], int]:
    """In how many documents each column occurs, and the number of documents."""
    counts = np.zeros(options.n_features, np.int64)
    n_documents = 0
    weighting = TermWeighting(np.float32, norm=None)
    for rows in _ordered(_Worker.rows, batches, _workers(options, weighting, n_jobs)):
        count_documents(rows.columns, counts)
        n_documents += len(rows.row_sizes)
    return counts, n_documents


def _workers(options: NgramOptions, weighting: TermWeighting, n_jobs: int | None) -> list[_Worker]:
    """One for one thread, two for each of several: while one's rows wait, the other works."""
    n_threads = effective_n_jobs(n_jobs)
    count = 1 if n_threads == 1 else 2 * n_threads
    return [_Worker(options, weighting) for _ in range(count)]
