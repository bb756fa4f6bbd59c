"""Learn texts that are held in memory once, without holding their vectors.

A few texts at a time are hashed, by threads, and learned before the next are: what lies between
the two stays in the processor's cache. Rows come in any order, since it is texts that are held.
Document frequencies are those of the first rows, as every later row would need them too soon.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from fastada._hashing import count_documents
from fastada.formats import Problems
from fastada.formats.chunk import Chunk
from fastada.hash_ahead import HashAhead
from fastada.stream.counts import Counts
from fastada.stream.learner import Learner
from fastada.stream.options import Features, Learning
from fastada.stream.passes import Progress
from fastada.stream.vectorise import batches_of, with_packed
from fastada.text.documents import Batch, DocumentReader, cut, join
from fastada.text.hashed_rows import HashedRows
from fastada.text.ngrams import hash_batches, hash_documents
from fastada.text.options import NgramOptions
from fastada.text.term_weighting import TermWeighting

# Rows that document frequencies are taken from.
N_COUNTED = 2048
PLAIN = TermWeighting(np.float32, norm=None)
# What a row takes in memory beside its text.
BYTES_PER_ROW = 100


class Texts:
    """Rows of labelled text, held in memory."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.codes: list[NDArray[np.int64]] = []
        self.weights: list[NDArray[np.float64]] = []
        self.n_rows = self.n_bytes = 0

    def add(self, chunk: Chunk, codes: NDArray[np.int64], reader: DocumentReader) -> None:
        """Add rows behind the others."""
        self.batches += batches_of(chunk, reader)
        self.codes.append(codes)
        self.n_rows += len(codes)
        self.weights.append(np.ones(len(chunk)) if chunk.weights is None else chunk.weights)
        self.n_bytes += chunk.n_bytes + BYTES_PER_ROW * len(chunk)


def hold(
    chunks: Iterable[Chunk],
    counts: Counts,
    features: Features,
    learning: Learning,
    problems: Problems,
    progress: Progress,
) -> tuple[Texts | None, Iterable[Chunk]]:
    """Hold the texts in memory; or none, if there are too many. Give all chunks back."""
    texts = Texts()
    reader = DocumentReader(lowercase=features.lowercase)
    iterator = iter(chunks)
    taken: deque[Chunk] = deque()
    n_bytes = 0
    for chunk in iterator:
        taken.append(chunk)
        texts.add(chunk, counts.codes(chunk, problems, new=True)[0], reader)
        n_bytes += chunk.n_bytes
        progress.read("reading", texts.n_rows, n_bytes, None)
        if texts.n_bytes > learning.memory:
            counts.labels.clear()
            return None, chain(_given_back(taken), iterator)
    return texts, taken


def _every(texts: Texts, ahead: HashAhead | None, options: NgramOptions) -> Batch:
    """All texts; where their packed rows are, for those that have been hashed already."""
    if ahead is None:
        return join(texts.batches)
    return join([with_packed(batch, ahead, options) for batch in texts.batches])


def _given_back(taken: deque[Chunk]) -> Iterator[Chunk]:
    """Give the chunks, and keep none that has been given."""
    while taken:
        yield taken.popleft()


def learn_once(
    texts: Texts, counts: Counts, learner: Learner, progress: Progress, ahead: HashAhead | None
) -> tuple[float, NDArray[np.float32] | None]:
    """Learn all rows; return their mean loss, and the inverse document frequencies."""
    features, n_threads = learner.features, learner.learning.threads
    options = features.ngram_options()
    every, weights = _every(texts, ahead, options), np.concatenate(texts.weights)
    codes = np.concatenate(texts.codes)
    order = np.flatnonzero(weights)
    if learner.learning.shuffle:
        order = order[_permutation(len(order), learner.learning.seed)]
    first, rest = order[:N_COUNTED], order[N_COUNTED:]
    # While texts are still hashed ahead, one thread is free.
    n_jobs = n_threads if ahead is None else 1
    batches = cut(every.take(first))
    rows = hash_documents(batches, options, PLAIN, n_documents=len(first), n_jobs=n_jobs)
    _count(rows, counts)
    idf = counts.idf(all_counted=not len(rest))
    weighting = TermWeighting(np.float32, "l2", features.sublinear_tf, idf)
    weighting.apply(rows)
    learner.begin(rows, codes[first], weights[first])
    if ahead is not None:
        ahead.goes_on = False
        every = _every(texts, ahead, options)
    hashed = chain([rows], hash_batches(cut(every.take(rest)), options, weighting, n_threads))
    total, done, n_bytes = 0.0, 0, 0
    for rows in hashed:
        now = order[done : done + len(rows.row_sizes)]
        total += len(now) * learner.learn_rows(rows, codes[now], weights[now])
        done += len(now)
        n_bytes += int(every.sizes[now].sum())
        progress.read("learning", done, n_bytes, total / done)
    return total / len(order), idf


def _count(rows: HashedRows, counts: Counts) -> None:
    """Count rows, of which there are few."""
    counts.n_rows = len(rows.row_sizes)
    if counts.document_frequency is not None:
        counts.document_frequency = np.zeros(counts.n_features, np.int32)
        count_documents(rows.columns, counts.document_frequency)


def _permutation(n: int, seed: int) -> NDArray[np.int64]:
    """An order in which the SplitMix64 (Steele, Lea, Flood 2014) of the numbers to n ascends.

    NumPy's generators would do, but for the time it takes to import them.
    """
    mixed = np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed += np.uint64(seed * 0xD1342543DE82EF95 % 2**64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    # No two are equal, and so all ways to sort are.
    return np.argsort(mixed ^ (mixed >> np.uint64(31)))
