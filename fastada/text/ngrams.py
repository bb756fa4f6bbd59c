"""Batches of documents to sparse rows of hashed n-grams; what needs no scikit-learn."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fastada._hashing import NgramHasher, count_documents, weight_rows
from fastada.text.documents import BATCH_BYTES, Batch
from fastada.workers import effective_n_jobs, in_order

ANALYZERS = {"word": 0, "char": 1, "char_wb": 2}
NORMS = {None: 0, "l1": 1, "l2": 2}


class HashedRows(NamedTuple):
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


class NgramOptions(NamedTuple):
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


@dataclass(eq=False)
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

    def apply(self, rows: HashedRows) -> None:
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
    """A hasher and the rows it has written, one batch after the other. It serves one thread."""

    def __init__(self, options: NgramOptions, weighting: TermWeighting) -> None:
        self.hasher = options.hasher()
        self.weighting = weighting
        # What a batch of English takes, words and pairs of them.
        self.columns = np.empty(BATCH_BYTES // 2, np.int32)
        self.values = np.empty(BATCH_BYTES // 2, weighting.dtype)
        self.stored = 0
        self.n_ngrams = 0

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

    def append_rows(self, rows: HashedRows) -> None:
        """Copy rows behind one's own."""
        stop = self.stored + len(rows.columns)
        if stop > len(self.columns):
            self.reserve(2 * stop)
        self.columns[self.stored : stop] = rows.columns
        self.values[self.stored : stop] = rows.values
        self.stored = stop
        self.n_ngrams += rows.n_ngrams

    def expect(self, done: int, n_documents: int) -> None:
        """Make room for all documents, judging by those done: once, before there is much."""
        self.reserve(int(self.stored * n_documents / done * 1.05))

    def rows(self, sizes: list[NDArray[np.int64]]) -> HashedRows:
        """Give the rows away; the arrays shrink in place."""
        self.columns.resize(self.stored, refcheck=False)
        self.values.resize(self.stored, refcheck=False)
        row_sizes = np.concatenate(sizes) if sizes else np.empty(0, np.int64)
        return HashedRows(self.columns, self.values, row_sizes, self.n_ngrams)


def hash_batches(
    batches: Iterable[Batch], options: NgramOptions, weighting: TermWeighting, n_threads: int
) -> Iterator[HashedRows]:
    """Yield the rows of each batch, in order; they are overwritten once the next are asked for."""
    if n_threads == 1:
        yield from map(_Worker(options, weighting).replace, batches)
        return
    # Two workers for each thread: while one's rows wait for their turn, the other works.
    free = deque(_Worker(options, weighting) for _ in range(2 * n_threads))
    jobs = ((free.popleft(), batch) for batch in batches)
    for worker, rows in in_order(lambda job: (job[0], job[0].replace(job[1])), jobs, n_threads):
        yield rows
        free.append(worker)


def hash_documents(
    batches: Iterable[Batch],
    options: NgramOptions,
    weighting: TermWeighting,
    *,
    n_documents: int | None = None,
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
    result = _Worker(options, weighting)
    sizes: list[NDArray[np.int64]] = []
    if n_threads == 1:
        for batch in batches:
            sizes.append(result.append(batch))
            if len(sizes) == 1 and n_documents:
                result.expect(len(sizes[0]), n_documents)
    else:
        for rows in hash_batches(batches, options, weighting, n_threads):
            result.append_rows(rows)
            sizes.append(rows.row_sizes)
            if len(sizes) == 1 and n_documents:
                result.expect(len(sizes[0]), n_documents)
    return result.rows(sizes)


def document_frequencies(
    batches: Iterable[Batch], options: NgramOptions, *, n_jobs: int | None = None
) -> tuple[NDArray[np.int64], int]:
    """In how many documents each column occurs, and the number of documents."""
    counts = np.zeros(options.n_features, np.int64)
    n_documents = 0
    weighting = TermWeighting(np.float32, norm=None)
    for rows in hash_batches(batches, options, weighting, effective_n_jobs(n_jobs)):
        count_documents(rows.columns, counts)
        n_documents += len(rows.row_sizes)
    return counts, n_documents
