"""Learn a file.

Rows that fit into memory are hashed once, and learned in any order as often as asked for. Of a
larger file, term and label counts take a first pass; each epoch reads it again, and shuffles what
a buffer holds. Standard input that is larger than memory is learned in one pass, its labels and
term counts being those of the first rows.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fastada._hashing import count_documents
from fastada.epoch import Targets, learn
from fastada.formats import DataFile, FormatError, Problems
from fastada.formats.chunk import Chunk
from fastada.persistence.linear import Linear
from fastada.persistence.streamed import Trained
from fastada.persistence.text import TermCounts
from fastada.rows import Rows
from fastada.scale import N_ROWS, Scale, first_rows, scale_of
from fastada.settings import Settings, make_settings
from fastada.state import State
from fastada.stream.options import Features, Learning
from fastada.stream.pool import BYTES_PER_ENTRY, Pool
from fastada.stream.vectorise import VectorChunk, ahead, in_order, vectorise
from fastada.text.ngrams import TermWeighting, inverse_document_frequency
from fastada.threads import Team, check_replicas, useful_threads

# Two buffers of a large file, one filling while the other is learned, share this part of memory.
BUFFER_SHARE = 8


class Progress(Protocol):
    """Who is told how far things are."""

    def read(self, task: str, rows: int, n_bytes: int, loss: float | None) -> None:
        """Rows have been read."""

    def epoch(self, number: int, of: int, loss: float, seconds: float) -> None:
        """An epoch has been learned."""

    def note(self, line: str) -> None:
        """Something worth knowing."""


@dataclass
class Counts:
    """What is known of the rows before they are learned."""

    n_features: int
    n_rows: int = 0
    labels: dict[str, int] = field(default_factory=dict)
    document_frequency: NDArray[np.int64] | None = None
    seen: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self.seen = np.zeros(self.n_features, bool)

    def codes(self, labels: list[str]) -> list[int]:
        """Number labels in the order of their first appearance."""
        known = self.labels
        return [known.setdefault(label, len(known)) for label in labels]

    def add(self, found: VectorChunk) -> None:
        """Count rows, and the documents that each column occurs in."""
        self.n_rows += len(found.chunk)
        if self.document_frequency is not None:
            count_documents(found.vectors.indices, self.document_frequency)
        else:
            self.seen[found.vectors.indices] = True

    def columns(self) -> NDArray[np.int32]:
        """Columns that rows have."""
        seen = self.seen if self.document_frequency is None else self.document_frequency
        return np.flatnonzero(seen).astype(np.int32)

    def idf(self) -> NDArray[np.float32] | None:
        """Inverse document frequencies, where they are wanted."""
        if self.document_frequency is None:
            return None
        return inverse_document_frequency(self.document_frequency, self.n_rows, True, np.float32)

    def terms(self, idf: NDArray[np.float32] | None) -> TermCounts:
        """What a model keeps of it."""
        return TermCounts(idf, self.document_frequency, self.n_rows)


class Learner:
    """A state under training.

    Where few of the columns occur, and no others will, the state has a place for those alone.
    """

    def __init__(
        self, counts: Counts, features: Features, learning: Learning, *, all_seen: bool
    ) -> None:
        if len(counts.labels) < 2:
            found = ", ".join(counts.labels) or "none"
            raise FormatError(f"there is one label or none ({found}): nothing to tell apart")
        self.classes = sorted(counts.labels)
        self.rank = np.empty(len(self.classes), np.int64)
        for position, label in enumerate(self.classes):
            self.rank[counts.labels[label]] = position
        self.n_outputs = 1 if len(self.classes) == 2 else len(self.classes)
        self.features, self.learning = features, learning
        self.random = np.random.default_rng(learning.seed)
        self.state: State | None = None
        self.settings: Settings | None = None
        self.scale: Scale | None = None
        self.columns = counts.columns()
        self.position: NDArray[np.int32] | None = None
        self.n_columns = features.n_features
        if all_seen and len(self.columns) <= features.n_features // 2:
            self.n_columns = max(1, len(self.columns))
            self.position = np.zeros(features.n_features, np.int32)
            self.position[self.columns] = np.arange(len(self.columns))

    def learn(self, pool: Pool) -> tuple[float, int]:
        """Learn the rows of a pool once; return their mean loss and their number."""
        if self.position is not None:
            pool.relabel(self.position)
        rows, weight = pool.rows(self.n_columns), pool.row_weights()
        if self.state is None or self.settings is None:
            self._begin(rows, weight)
        assert self.state is not None
        assert self.settings is not None
        self.settings["largest_value"] = rows.largest_value
        order = np.flatnonzero(weight).astype(np.int64)
        if self.learning.shuffle:
            self.random.shuffle(order)
        targets = self._targets(pool.label_codes())
        n = useful_threads(self.learning.learners, rows, targets)
        if n == 1:
            return learn(self.state, self.settings, rows, targets, weight, order), len(order)
        check_replicas(self.state, n)
        team = Team(rows, targets, weight, [order[k::n].copy() for k in range(n)], n_syncs=1)
        return team.learn(self.state, self.settings, lambda share, _: share), len(order)

    def trained(self, counts: TermCounts, losses: list[float]) -> Trained:
        """Give what has been learned."""
        assert self.state is not None
        assert self.settings is not None
        assert self.scale is not None
        columns = None if self.position is None else self.columns
        linear = Linear(self.state, self.settings, self.scale, self.features.n_features, columns)
        return Trained(self.features, self.classes, linear, counts, self.learning, losses)

    def _targets(self, codes: NDArray[np.int64]) -> Targets:
        label = self.rank[codes]
        if self.n_outputs == 1:
            return Targets(value=np.where(label == 1, 1.0, -1.0))
        return Targets(label=label, n_outputs=self.n_outputs)

    def _begin(self, rows: Rows, weight: NDArray[np.float64]) -> None:
        learning = self.learning
        scale = scale_of(rows, first_rows(weight), learning.learning_rate, "auto")
        dtype = np.dtype(np.float32)
        self.scale = scale
        self.settings = make_settings(
            scale, dtype, rows.largest_value, alpha=learning.alpha, l1_ratio=learning.l1_ratio
        )
        self.state = State(
            rows.n_features,
            self.n_outputs,
            dtype,
            self.settings,
            scale.accumulator,
            scale.intercept_accumulator,
        )


def train(
    file: DataFile,
    features: Features,
    learning: Learning,
    problems: Problems,
    progress: Progress,
) -> Trained:
    """Learn a file of labelled rows.

    Raises
    ------
    FormatError
        If there is nothing to learn, or a row is bad and not to be skipped.
    """
    is_text = features.kind == "text"
    counts = Counts(features.n_features)
    if is_text and features.use_idf:
        counts.document_frequency = np.zeros(features.n_features, np.int64)
    pool = Pool(features.n_features)
    plain = TermWeighting(np.float32, norm=None)
    # The passes share problems: those of the first are told, later ones skip the same rows.
    found = _vectors(file.chunks(problems), features, plain, learning)
    kept = True
    n_bytes = 0
    for item in found:
        counts.add(item)
        codes = counts.codes(item.chunk.labels or [])
        n_bytes += item.chunk.n_bytes
        progress.read("reading", counts.n_rows, n_bytes, None)
        if kept:
            pool.add(item.vectors, codes, item.chunk.weights)
            if n_bytes == item.chunk.n_bytes:
                # The first chunk tells the size of the whole, if the file is not compressed.
                whole = pool.n_bytes * (file.source.size or 0) / max(1, n_bytes)
                pool.reserve(int(min(1.05 * whole, learning.memory)) // BYTES_PER_ENTRY)
            kept = pool.n_bytes <= learning.memory
            if not kept and file.source.is_stdin:
                break
            if not kept:
                progress.note("larger than --memory: each epoch reads the file again")
                pool = Pool(features.n_features)
    if not counts.n_rows:
        raise FormatError(f"{file.source.name} has no rows to learn")
    idf = counts.idf()
    losses: list[float] = []
    weighting = TermWeighting(np.float32, "l2", features.sublinear_tf, idf)
    # Of standard input beyond memory only the beginning has been seen.
    all_seen = kept or not file.source.is_stdin
    learner = Learner(counts, features, learning, all_seen=all_seen)
    if kept:
        if is_text:
            pool.weight_terms(weighting)
        for epoch in range(learning.epochs):
            start = time.perf_counter()
            loss, _ = learner.learn(pool)
            losses.append(loss)
            progress.epoch(epoch + 1, learning.epochs, loss, time.perf_counter() - start)
    elif file.source.is_stdin:
        if learning.epochs > 1:
            raise FormatError(
                "standard input is larger than --memory and cannot be read twice: "
                "give a file, more --memory, or --epochs 1"
            )
        progress.note("larger than --memory: labels and term counts are those of its beginning")
        if is_text:
            pool.weight_terms(weighting)
        start = time.perf_counter()
        rest = (vectorise(item.chunk, features, weighting) if is_text else item for item in found)
        loss = _stream(rest, pool, learner, counts, problems, learning, progress, "learning")
        losses.append(loss)
        progress.epoch(1, 1, loss, time.perf_counter() - start)
    else:
        silent = Problems(problems.name, True, lambda line: None)
        for epoch in range(learning.epochs):
            start = time.perf_counter()
            again = _vectors(file.chunks(silent), features, weighting, learning)
            task = f"epoch {epoch + 1}/{learning.epochs}"
            empty = Pool(features.n_features)
            loss = _stream(again, empty, learner, counts, silent, learning, progress, task)
            losses.append(loss)
            progress.epoch(epoch + 1, learning.epochs, loss, time.perf_counter() - start)
    return learner.trained(counts.terms(idf), losses)


def _vectors(
    chunks: Iterator[Chunk], features: Features, weighting: TermWeighting, learning: Learning
) -> Iterator[VectorChunk]:
    work = partial(vectorise, features=features, weighting=weighting)
    return in_order(work, ahead(chunk for chunk in chunks if len(chunk)), learning.threads)


def _stream(
    found: Iterator[VectorChunk],
    pool: Pool,
    learner: Learner,
    counts: Counts,
    problems: Problems,
    learning: Learning,
    progress: Progress,
    task: str,
) -> float:
    """Learn rows as they come, a pool being filled while another is learned; the mean loss."""
    spare = Pool(pool.n_features)
    n_rows = n_bytes = 0
    total = 0.0
    learned = 0
    running: Future[tuple[float, int]] | None = None
    with ThreadPoolExecutor(1) as worker:

        def wait() -> None:
            nonlocal total, learned
            if running is not None:
                loss, n = running.result()
                total += loss * n
                learned += n

        for item in found:
            known = [counts.labels.get(label, -1) for label in item.chunk.labels or []]
            n_rows += len(known)
            n_bytes += item.chunk.n_bytes
            weights = item.chunk.weights
            if -1 in known:
                weights = np.ones(len(known)) if weights is None else weights
                for i in [i for i, code in enumerate(known) if code < 0]:
                    labels = item.chunk.labels or []
                    problems.bad_row(int(item.chunk.numbers[i]), "unknown label", labels[i])
                    weights[i], known[i] = 0.0, 0
            pool.add(item.vectors, known, weights)
            progress.read(task, n_rows, n_bytes, total / learned if learned else None)
            full = pool.n_bytes * BUFFER_SHARE * 2 > learning.memory
            # The first buffer decides the scale, as the first rows held in memory do.
            if full and (running is not None or pool.n_rows >= N_ROWS):
                wait()
                running = worker.submit(learner.learn, pool)
                pool, spare = spare, pool
                pool.clear()
        wait()
        if pool.n_entries:
            running = worker.submit(learner.learn, pool)
            wait()
    return total / learned if learned else 0.0
