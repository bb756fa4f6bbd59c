"""Learn a file.

Rows that fit into memory are hashed once, and learned in any order as often as asked for. Of a
larger file, term and label counts take a first pass; each epoch reads it again, and shuffles what
a buffer holds. Standard input that is larger than memory is learned in one pass, its labels and
term counts being those of the first rows.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastada.epoch import learn
from fastada.formats import DataFile, FormatError, Problems
from fastada.formats.chunk import Chunk
from fastada.frozen import CANNOT_GO_ON, FrozenState
from fastada.memory import aligned_zeros
from fastada.persistence.linear import Linear
from fastada.persistence.text import TermCounts
from fastada.rows import Rows
from fastada.scale import Moments, Scale, first_rows, scale_of
from fastada.search import RateSearch, search_rate
from fastada.settings import Settings, is_stamped, make_settings, pulls_of
from fastada.state import State
from fastada.stream.checkpoint import Checkpoints, Place, generator
from fastada.stream.counts import Counts
from fastada.stream.one_pass import hold, learn_once
from fastada.stream.options import Features, Learning
from fastada.stream.passes import (
    SEARCH_ROWS,
    Progress,
    divergence_told,
    first_pass,
    learn_as_read,
    vectors,
)
from fastada.stream.pool import Pool, as_rows
from fastada.stream.trained import Trained
from fastada.stream.vectorise import VectorChunk, vectorise
from fastada.targets import Targets
from fastada.text.ngrams import HashedRows, TermWeighting


class Learner:
    """A state under training.

    Where few of the columns occur, and no others will, the state has a place for those alone.
    """

    def __init__(
        self,
        counts: Counts,
        features: Features,
        learning: Learning,
        *,
        all_seen: bool,
        previous: Trained | None = None,
    ) -> None:
        if len(counts.labels) < 2:
            found = ", ".join(counts.labels) or "none"
            raise FormatError(f"there is one label or none ({found}): nothing to tell apart")
        # Outputs keep their places.
        self.classes = sorted(counts.labels) if previous is None else list(counts.labels)
        self.rank = np.empty(len(self.classes), np.int64)
        for position, label in enumerate(self.classes):
            self.rank[counts.labels[label]] = position
        self.n_outputs = 1 if len(self.classes) == 2 else len(self.classes)
        self.features, self.learning = features, learning
        self.state: State | None = None
        self.settings: Settings | None = None
        self.scale: Scale | None = None
        self.columns = counts.columns()
        self.position: NDArray[np.int32] | None = None
        self.n_columns = features.n_features
        all_seen = all_seen and (previous is None or previous.linear.columns is not None)
        if all_seen and len(self.columns) <= features.n_features // 2:
            self.n_columns = max(1, len(self.columns))
            self.position = np.zeros(features.n_features, np.int32)
            self.position[self.columns] = np.arange(len(self.columns))
        self.searches = learning.learning_rate == "auto"
        # Of them all, where they have been counted.
        self.n_rows = counts.n_rows if all_seen else None
        self.search: RateSearch | None = None
        # Whether rows are learned for the first time; losses and weights of those that were.
        self.first = True
        self.progress = (0.0, 0.0) if previous is None else previous.progress
        self.multinomial = previous is not None and previous.multinomial
        self.labels = None if previous is None else previous.labels
        if previous is not None:
            self._take_over(previous.linear)

    @cached_property
    def random(self) -> np.random.Generator:
        """The source of orders; NumPy's is loaded by who asks for it."""
        return np.random.default_rng(self.learning.seed)

    def learn(self, pool: Pool) -> tuple[float, int]:
        """Learn the rows of a pool once; return their mean loss and their number."""
        if self.position is not None:
            pool.relabel(self.position)
        rows, weight = pool.rows(self.n_columns), pool.row_weights()
        targets = self._targets(pool.label_codes())
        state, settings = self._ready(rows, targets, weight)
        order = self.order(weight)
        n = self._n_replicas(rows, targets)
        losses = np.full(rows.n_rows, np.nan)
        if n == 1:
            visits = np.empty((len(order), 1))
            loss = learn(state, settings, rows, targets, weight, order, row_loss=visits)
            losses[order] = visits[:, 0]
        else:
            from fastada.threads import Team, check_replicas

            check_replicas(state, n)
            shares = [order[k::n].copy() for k in range(n)]
            with Team(rows, targets, weight, shares, n_syncs=1) as team:
                loss = team.learn(state, settings, lambda share, _: share, losses)
        if self.first:
            before, weight_before = self.progress
            self.progress = (
                before + float((weight[order] * losses[order]).sum()),
                weight_before + float(weight.sum()),
            )
        return loss, len(order)

    def _n_replicas(self, rows: Rows, targets: Targets) -> int:
        n = self.learning.learners
        if n > 1:
            from fastada.threads import useful_threads

            n = useful_threads(n, rows, targets)
        return n

    def order(self, weight: NDArray[np.float64]) -> NDArray[np.int64]:
        """Rows that have a weight, in the order they are to be learned in."""
        order = np.flatnonzero(weight).astype(np.int64)
        if self.learning.shuffle:
            self.random.shuffle(order)
        return order

    def learn_rows(
        self, found: HashedRows, codes: NDArray[np.int64], weight: NDArray[np.float64]
    ) -> float:
        """Learn rows in the order they are in, for the first time; return their mean loss."""
        rows = as_rows(found.columns, found.values, found.row_sizes, self.n_columns)
        targets = self._targets(codes)
        state, settings = self._ready(rows, targets, weight)
        loss = learn(state, settings, rows, targets, weight, rows.in_order())
        total, weight_total = self.progress
        self.progress = total + loss * float(weight.sum()), weight_total + float(weight.sum())
        return loss

    def trained(self, counts: TermCounts, losses: list[float]) -> Trained:
        """Give what has been learned."""
        assert self.state is not None
        assert self.settings is not None
        assert self.scale is not None
        columns = None if self.position is None else self.columns
        linear = Linear(self.state, self.settings, self.scale, self.features.n_features, columns)
        return Trained(
            self.features,
            self.classes,
            linear,
            counts,
            self.learning,
            losses,
            self.multinomial,
            self.labels,
            self.progress,
        )

    def _take_over(self, linear: Linear) -> None:
        """Go on from a state, under the settings of this training."""
        old, learning, settings = linear.state, self.learning, linear.settings.copy()
        self.scale = linear.scale.with_rate(learning.learning_rate)
        settings["rate"] = self.scale.rate
        settings["intercept_rate"] = self.scale.intercept_rate
        settings["l1"] = float(learning.alpha * learning.l1_ratio)
        settings["l2"] = float(learning.alpha * (1 - learning.l1_ratio))
        if isinstance(old, FrozenState):
            raise ValueError(CANNOT_GO_ON)
        if is_stamped(settings) != is_stamped(linear.settings):
            raise ValueError(
                "a model that was trained without a penalty goes on without one, and one that was "
                "trained with a penalty goes on with one; see --alpha"
            )
        records = aligned_zeros((self.n_columns, old.records.shape[1]), old.dtype)
        records[:, self.n_outputs : 2 * self.n_outputs] = self.scale.accumulator
        places: Any = slice(None) if linear.columns is None else linear.columns
        if self.position is not None:
            places = self.position[places]
        records[places] = old.records
        self.state = State.restored(records, old.intercept, old.clock, old.n_epochs, old.seed)
        self.settings = settings
        if is_stamped(settings) and pulls_of(settings) != pulls_of(linear.settings):
            self.state.restart_stamps(linear.settings, settings)

    def _ready(
        self, rows: Rows, targets: Targets, weight: NDArray[np.float64]
    ) -> tuple[State, Settings]:
        if self.state is None or self.settings is None:
            self._begin(rows, targets, weight)
        assert self.state is not None
        assert self.settings is not None
        self.settings["largest_value"] = rows.largest_value
        return self.state, self.settings

    def _targets(self, codes: NDArray[np.int64]) -> Targets:
        label = self.rank[codes]
        if self.n_outputs == 1:
            return Targets(value=np.where(label == 1, 1.0, -1.0))
        return Targets(label=label, n_outputs=self.n_outputs, multinomial=self.multinomial)

    def _begin(self, rows: Rows, targets: Targets, weight: NDArray[np.float64]) -> None:
        learning = self.learning
        moments = Moments.of(rows, first_rows(weight))
        scale = scale_of(moments, learning.learning_rate, "auto")
        dtype = np.dtype(np.float32)

        def settings_of(scale: Scale) -> Settings:
            return make_settings(
                scale, dtype, rows.largest_value, alpha=learning.alpha, l1_ratio=learning.l1_ratio
            )

        if self.searches:
            looked_at = np.flatnonzero(weight[:SEARCH_ROWS])
            order = np.random.default_rng(0).permutation(looked_at).astype(np.int64)
            scale, self.search = search_rate(
                rows,
                targets,
                weight,
                order,
                scale,
                settings_of,
                n_visits=self.n_rows,
                n_replicas=self._n_replicas(rows, targets),
            )
        self.scale, self.settings = scale, settings_of(scale)
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
            texts, chunks = hold(chunks, counts, features, learning, problems, progress)
            # More classes take longer to learn than to hash, and many places of no use.
            if texts is not None and len(counts.labels) == 2:
                start = time.perf_counter()
                learner = Learner(counts, features, learning, all_seen=False)
                # A search takes a quarter of the time, and finds no better rate for one pass.
                learner.searches = False
                with divergence_told(learner, 0):
                    loss, idf = learn_once(texts, counts, learner, progress)
                progress.epoch(1, 1, loss, time.perf_counter() - start)
                return _told(learner.trained(counts.terms(idf), [loss]), learner, progress)
        pool, kept, rest = first_pass(
            file, chunks, features, learning, problems, progress, found, new_labels=previous is None
        )
        n_rows = found.n_rows - before
        if not n_rows:
            raise FormatError(f"{file.source.name} has no rows to learn")
        if not found.weight:
            raise FormatError(
                f"all importances of {file.source.name} are zero: there is nothing to learn from"
            )
        if resumed is not None and n_rows != place.n_rows:
            raise FormatError(f"{file.source.name} has {n_rows} rows, and had {place.n_rows}")
        place.n_rows, place.kept = n_rows, kept
    else:
        problems.counts.update(place.skipped)
    idf = counts.idf() if resumed is None else resumed[0].counts.idf
    terms = counts.terms(idf)
    weighting = TermWeighting(np.float32, "l2", features.sublinear_tf, idf)
    # Of standard input beyond memory only the beginning has been seen.
    all_seen = kept or not file.source.is_stdin
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


def _told(trained: Trained, learner: Learner, progress: Progress) -> Trained:
    progress.learned(trained.learning_rate, learner.search, trained.progressive_loss)
    return trained
