"""Passes over the rows of a file: one that counts them, and those that learn them as they come."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Protocol

import numpy as np

from fastada.formats import DataFile, Problems
from fastada.formats.chunk import Chunk
from fastada.hash_ahead import HashAhead
from fastada.stream.checkpoint import Place
from fastada.stream.counts import Counts
from fastada.stream.learner import Learner
from fastada.stream.options import Features, Learning
from fastada.stream.pool import BYTES_PER_ENTRY, Pool
from fastada.stream.vectorise import VectorChunk, ahead, vectorise
from fastada.text.term_weighting import TermWeighting
from fastada.workers import in_order

if TYPE_CHECKING:
    from concurrent.futures import Future

    from fastada.search import RateSearch

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

    def learned(
        self, learning_rate: float, search: RateSearch | None, progressive_loss: float | None
    ) -> None:
        """All has been learned: with which rate, and the mean loss of rows before they were."""


def first_pass(
    file: DataFile,
    chunks: Iterable[Chunk],
    features: Features,
    learning: Learning,
    problems: Problems,
    progress: Progress,
    counts: Counts,
    *,
    new_labels: bool,
) -> tuple[Pool, bool, Iterator[VectorChunk]]:
    """Count the rows of a file's chunks, and keep them if there is memory for that.

    Returns
    -------
    Pool
        Empty if the file has to be read again; the first rows of standard input.
    bool
        Whether it has all rows.
    iterator of VectorChunk
        What is left of standard input.
    """
    pool = Pool(features.n_features)
    plain = TermWeighting(np.float32, norm=None)
    # The passes share problems: those of the first are told, later ones skip the same rows.
    found = vectors(chunks, features, plain, learning, file.source.hashed)
    file.source.hashed = None
    kept = True
    n_bytes = 0
    for item in found:
        counts.add(item)
        codes, weights = counts.codes(item.chunk, problems, new=new_labels)
        n_bytes += item.chunk.n_bytes
        progress.read("reading", counts.n_rows, n_bytes, None)
        if kept:
            pool.add(item.vectors, codes, weights)
            if n_bytes == item.chunk.n_bytes:
                # The first chunk tells the size of the whole, if the file is not compressed.
                whole = pool.n_entries * BYTES_PER_ENTRY * (file.source.size or 0) / max(1, n_bytes)
                pool.reserve(int(min(1.05 * whole, learning.memory)) // BYTES_PER_ENTRY)
            kept = pool.n_bytes <= learning.memory
            if not kept and file.source.is_stdin:
                break
            if not kept:
                progress.note("larger than --memory: each epoch reads the file again")
                pool = Pool(features.n_features)
    return pool, kept, found


def vectors(
    chunks: Iterable[Chunk],
    features: Features,
    weighting: TermWeighting,
    learning: Learning,
    hashed: HashAhead | None = None,
) -> Iterator[VectorChunk]:
    """Turn chunks into vectors, in order; what has been hashed already is not hashed again."""
    work = partial(vectorise, features=features, weighting=weighting, ahead=hashed)
    return in_order(work, ahead(chunk for chunk in chunks if len(chunk)), learning.threads)


def learn_as_read(
    found: Iterator[VectorChunk],
    pool: Pool,
    learner: Learner,
    counts: Counts,
    problems: Problems,
    learning: Learning,
    progress: Progress,
    task: str,
    place: Place,
    tell: Callable[[int], None],
) -> tuple[float, int]:
    """Learn rows as they come, a pool being filled while another is learned.

    `place` is kept up to date, and `tell` called with the number of rows learned, whenever a pool
    has been learned and no other is.

    Returns
    -------
    float
        Mean loss of the epoch.
    int
        Rows learned that have not been told.
    """
    from concurrent.futures import ThreadPoolExecutor

    spare = Pool(pool.n_features)
    read = sent = (place.chunks, place.rows, place.n_bytes)
    told = place.visits
    running: Future[tuple[float, int]] | None = None
    with ThreadPoolExecutor(1) as worker:

        def wait() -> None:
            if running is not None:
                loss, n = running.result()
                place.loss += loss * n
                place.visits += n
                place.chunks, place.rows, place.n_bytes = sent

        for item in found:
            codes, weights = counts.codes(item.chunk, problems, new=False)
            read = (read[0] + 1, read[1] + len(codes), read[2] + item.chunk.n_bytes)
            pool.add(item.vectors, codes, weights)
            loss = place.loss / place.visits if place.visits else None
            progress.read(task, read[1], read[2], loss)
            full = pool.n_bytes * BUFFER_SHARE * 2 > learning.memory
            # The first buffer decides scale and rate, as the first rows held in memory do.
            if full and (running is not None or place.chunks or pool.n_rows >= learner.search_rows):
                wait()
                if place.visits > told:
                    tell(place.visits - told)
                    told = place.visits
                sent = read
                running = worker.submit(learner.learn, pool)
                pool, spare = spare, pool
                pool.clear()
        wait()
        running = None
        if pool.n_rows:
            sent = read
            running = worker.submit(learner.learn, pool)
            wait()
    return place.loss / place.visits if place.visits else 0.0, place.visits - told


@contextmanager
def divergence_told(learner: Learner, epoch: int) -> Iterator[None]:
    """Have training that diverges say so, and what to do."""
    try:
        yield
    except FloatingPointError:
        rate = learner.settings["rate"] if learner.settings else 0.0
        raise FloatingPointError(
            f"training diverged in epoch {epoch + 1} with learning rate {rate:g}: a loss or "
            "gradient is not finite. Give a lower --learning-rate, or smaller values"
        ) from None
