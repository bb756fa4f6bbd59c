"""Learn a file.

Rows that fit into memory are hashed once, and learned in any order as often as asked for. Of a
larger file, term and label counts take a first pass; each epoch reads it again, and shuffles what
a buffer holds. Standard input that is larger than memory is learned in one pass, its labels and
term counts being those of the first rows.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np

from fastada.formats import DataFile, FormatError, Problems
from fastada.formats.chunk import Chunk
from fastada.hash_ahead import HashAhead
from fastada.stream.checkpoint import Checkpoints, Place, generator
from fastada.stream.counts import Counts
from fastada.stream.learner import Learner
from fastada.stream.one_pass import hold, learn_once
from fastada.stream.options import Features, Learning
from fastada.stream.passes import Progress, divergence_told, first_pass, learn_as_read, vectors
from fastada.stream.pool import Pool
from fastada.stream.trained import Trained
from fastada.stream.vectorise import VectorChunk, vectorise
from fastada.text.term_weighting import TermWeighting


def train(
    file: DataFile,
    features: Features,
    learning: Learning,
    problems: Problems,
    progress: Progress,
    *,
    previous: Trained | None = None,
    checkpoints: Checkpoints | None = None,
    resume: bool = False,
) -> Trained:
    """Learn a file of labelled rows.

    Parameters
    ----------
    file : DataFile
    features : Features
    learning : Learning
    problems : Problems
    progress : Progress
    previous : Trained, optional
        To go on from; its features are the same.
    checkpoints : Checkpoints, optional
    resume : bool
        Go on from the last checkpoint, if there is one.

    Raises
    ------
    FormatError
        If there is nothing to learn, or a row is bad and not to be skipped.
    """
    is_text = features.kind == "text"
    place = Place()
    resumed = checkpoints.read() if checkpoints is not None and resume else None
    if resumed is not None:
        previous, place = resumed
        progress.note(f"goes on after {len(place.losses)} epochs and {place.rows:,} rows")
    elif resume:
        progress.note("there is no checkpoint: begins at the beginning")
    if previous is not None:
        counts = Counts.of(previous)
    else:
        counts = Counts(features.n_features)
        if is_text and features.use_idf:
            counts.document_frequency = np.zeros(features.n_features, np.int64)
    pool, kept = Pool(features.n_features), False
    rest: Iterator[VectorChunk] = iter(())
    if resumed is None or place.kept:
        # What a checkpoint has counted is not counted again, but its rows have to be read.
        found = counts if resumed is None else Counts(features.n_features, labels=counts.labels)
        before = found.n_rows
        at_once = is_text and learning.epochs == 1 and previous is None and checkpoints is None
        chunks: Iterable[Chunk] = (chunk for chunk in file.chunks(problems) if len(chunk))
        if at_once:
            trained, chunks = _learned_at_once(
                chunks, counts, features, learning, problems, progress, file.source.hashed
            )
            if trained is not None:
                return trained
        pool, kept, rest = first_pass(
            file, chunks, features, learning, problems, progress, found, new_labels=previous is None
        )
        n_rows = found.n_rows - before
        _check_there_is_something(file, n_rows, found.weight)
        if resumed is not None and n_rows != place.n_rows:
            raise FormatError(f"{file.source.name} has {n_rows} rows, and had {place.n_rows}")
        place.n_rows, place.kept = n_rows, kept
    else:
        problems.counts.update(place.skipped)
    # Of standard input beyond memory only the beginning has been seen.
    all_seen = kept or not file.source.is_stdin
    idf = counts.idf(all_counted=all_seen) if resumed is None else resumed[0].counts.idf
    terms = counts.terms(idf)
    weighting = TermWeighting(np.float32, "l2", features.sublinear_tf, idf)
    learner = Learner(counts, features, learning, all_seen=all_seen, previous=previous)
    if resumed is not None:
        learner.random = generator(place.random)

    def learned(n_rows: int) -> None:
        if checkpoints is not None and checkpoints.is_due(n_rows):
            place.random = dict(learner.random.bit_generator.state)
            place.skipped = dict(problems.counts)
            checkpoints.write(learner.trained(terms, place.losses), place)

    if is_text and pool.n_rows:
        pool.weight_terms(weighting)
    if file.source.is_stdin and not kept:
        if learning.epochs > 1:
            raise FormatError(
                "standard input is larger than --memory and cannot be read twice: "
                "give a file, more --memory, or --epochs 1"
            )
        progress.note("larger than --memory: labels and term counts are those of its beginning")
    silent = Problems(problems.name, True, lambda line: None)
    for epoch in range(len(place.losses), learning.epochs):
        start = time.perf_counter()
        learner.first = epoch == 0
        if kept:
            with divergence_told(learner, epoch):
                loss, n_rows = learner.learn(pool)
        else:
            task, told, reading = "learning", problems, rest
            if not file.source.is_stdin:
                chunks = (chunk for chunk in file.chunks(silent) if len(chunk))
                reading = vectors(islice(chunks, place.chunks, None), features, weighting, learning)
                task, told = f"epoch {epoch + 1}/{learning.epochs}", silent
            elif is_text:
                reading = (vectorise(item.chunk, features, weighting) for item in rest)
            with divergence_told(learner, epoch):
                loss, n_rows = learn_as_read(
                    reading, pool, learner, counts, told, learning, progress, task, place, learned
                )
            pool = Pool(features.n_features)
        place.losses.append(loss)
        place.begin_epoch()
        progress.epoch(epoch + 1, learning.epochs, loss, time.perf_counter() - start)
        if epoch + 1 < learning.epochs:
            learned(n_rows)
    return _told(learner.trained(terms, place.losses), learner, progress)


def _learned_at_once(
    chunks: Iterable[Chunk],
    counts: Counts,
    features: Features,
    learning: Learning,
    problems: Problems,
    progress: Progress,
    ahead: HashAhead | None,
) -> tuple[Trained | None, Iterable[Chunk]]:
    """Learn texts that can be held in memory in one pass; where they cannot, give them back."""
    texts, chunks = hold(chunks, counts, features, learning, problems, progress)
    # More classes take longer to learn than to hash, and many places of no use.
    if texts is None or len(counts.labels) != 2:
        return None, chunks
    start = time.perf_counter()
    learner = Learner(counts, features, learning, all_seen=False)
    # A search takes a quarter of the time, and finds no better rate for one pass.
    learner.searches = False
    with divergence_told(learner, 0):
        loss, idf = learn_once(texts, counts, learner, progress, ahead)
    progress.epoch(1, 1, loss, time.perf_counter() - start)
    return _told(learner.trained(counts.terms(idf), [loss]), learner, progress), ()


def _check_there_is_something(file: DataFile, n_rows: int, weight: float) -> None:
    if not n_rows:
        raise FormatError(f"{file.source.name} has no rows to learn")
    if not weight:
        raise FormatError(
            f"all importances of {file.source.name} are zero: there is nothing to learn from"
        )


def _told(trained: Trained, learner: Learner, progress: Progress) -> Trained:
    progress.learned(trained.learning_rate, learner.search, trained.progressive_loss)
    return trained
