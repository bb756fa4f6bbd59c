"""Learn texts that are held in memory once, without holding their vectors.

A few texts at a time are hashed, by threads, and learned before the next are: what lies between
the two stays in the processor's cache. Rows come in any order, since it is texts that are held.
Document frequencies are those of the first rows, as every later row would need them too soon.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fastada._hashing import count_documents
from fastada.formats import Problems
from fastada.formats.chunk import Chunk
from fastada.stream.options import Features, Learning
from fastada.stream.vectorise import batches_of
from fastada.text.documents import Batch, DocumentReader, cut, join
from fastada.text.ngrams import TermWeighting, hash_batches, hash_documents

if TYPE_CHECKING:
    from fastada.stream.counts import Counts
    from fastada.stream.passes import Progress
    from fastada.stream.train import Learner

# Rows that document frequencies are taken from.
N_COUNTED = 2048
# What a row takes in memory beside its text.
BYTES_PER_ROW = 100


@dataclass
class Texts:
    """Rows of labelled text, held in memory."""

    batches: list[Batch] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    weights: list[NDArray[np.float64]] = field(default_factory=list)
    n_bytes: int = 0

    def add(self, chunk: Chunk, codes: list[int], reader: DocumentReader) -> None:
        """Add rows behind the others."""
        self.batches += batches_of(chunk, reader)
        self.codes += codes
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
    taken = []
    n_bytes = 0
    for chunk in iterator:
        taken.append(chunk)
        texts.add(chunk, counts.codes(chunk, problems, new=True)[0], reader)
        n_bytes += chunk.n_bytes
        progress.read("reading", len(texts.codes), n_bytes, None)
        if texts.n_bytes > learning.memory:
            counts.labels.clear()
            return None, chain(taken, iterator)
    return texts, taken


def learn_once(
    texts: Texts, counts: Counts, learner: Learner, progress: Progress
) -> tuple[float, NDArray[np.float32] | None]:
    """Learn all rows; return their mean loss, and the inverse document frequencies."""
    features, n_threads = learner.features, learner.learning.threads
    every, weights = join(texts.batches), np.concatenate(texts.weights)
    codes = np.array(texts.codes, np.int64)
    order = learner.order(weights)
    options = features.ngram_options()
    first, rest = order[:N_COUNTED], order[N_COUNTED:]
    plain = TermWeighting(np.float32, norm=None)
    rows = hash_documents(cut(every.take(first)), options, plain, n_jobs=n_threads)
    counts.n_rows = len(first)
    if counts.document_frequency is not None:
        count_documents(rows.columns, counts.document_frequency)
    idf = counts.idf()
    weighting = TermWeighting(np.float32, "l2", features.sublinear_tf, idf)
    weighting.apply(rows)
    hashed = chain([rows], hash_batches(cut(every.take(rest)), options, weighting, n_threads))
    total, done, n_bytes = 0.0, 0, 0
    for rows in hashed:
        now = order[done : done + len(rows.row_sizes)]
        total += len(now) * learner.learn_rows(rows, codes[now], weights[now])
        done += len(now)
        n_bytes += int(every.sizes[now].sum())
        progress.read("learning", done, n_bytes, total / done)
    return total / len(order), idf
