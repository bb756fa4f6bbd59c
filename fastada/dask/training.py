"""A fit on a cluster, from what the data says to the fitted estimator."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
from distributed import Client
from sklearn.utils import check_random_state

from fastada import combine
from fastada.base import AdaGradEstimator
from fastada.classifier import AdaGradClassifier
from fastada.dask import rounds
from fastada.dask.checkpoint import Checkpoint, Progress
from fastada.dask.partitions import Partition, dealt
from fastada.dask.rounds import Model, Round, Snapshot
from fastada.dask.shares import (
    Encoding,
    Facts,
    Sums,
    add_counts,
    count_words,
    facts_of,
    find_rate,
    knows_words,
    sample_of,
    sums_of,
    visits_by,
)
from fastada.dask.team import Team
from fastada.epoch import diverged
from fastada.labels import class_weights, meaning
from fastada.rows import Rows
from fastada.scale import Moments, scale_of
from fastada.search import RateSearch
from fastada.settings import Settings
from fastada.stopping import Patience
from fastada.text import HashingVectorizer
from fastada.threads import part_of
from fastada.visits import Visits, seed_of
from fastada.workers import effective_n_jobs

# An epoch has so many synchronisations at most, and fewer where a share has many rows: one of 2,800
# rows of 20 classes wants all of them, one of 25,000 rows does well with one.
MOST_SYNCS, ROWS_OF_SYNCS = 16, 45_000
# A round takes a cluster ten milliseconds and more, in which one core learns so many entries times
# outputs: of less work there are not to be more rounds.
WORK_OF_ROUND = 4_000_000


@dataclass
class Task:
    """What is to be fitted, and on what.

    Attributes
    ----------
    estimator : AdaGradClassifier or AdaGradRegressor
        Of fastada itself; becomes fitted.
    vectorizer : HashingVectorizer or None
        Makes rows of text; becomes fitted.
    client : Client
    partitions : list of Partition
    homes : list of str or None
        The worker of each partition that one has already.
    goes_on : bool
        Start from the estimator as it is.
    checkpoint : Checkpoint or None
    """

    estimator: AdaGradEstimator
    vectorizer: HashingVectorizer | None
    client: Client
    partitions: list[Partition]
    homes: list[str | None]
    goes_on: bool
    checkpoint: Checkpoint | None


def fit(task: Task) -> None:
    """Fit the estimator, and the vectoriser if there is one.

    Raises
    ------
    ValueError
        Where the data is not as an estimator's fit wants it.
    FloatingPointError
        If training diverges.
    RuntimeError
        If there is no worker, or none left.
    """
    _check_parameters(task.estimator)
    shares, owners = dealt(task.homes, _threads(task))
    parts = [[task.partitions[number] for number in share] for share in shares]
    team = Team(task.client, parts, owners, (_blank(task.estimator), task.vectorizer))
    try:
        _fit(task, team)
    finally:
        team.close()


def _check_parameters(estimator: AdaGradEstimator) -> None:
    estimator._check_parameters()
    check_random_state(estimator.random_state)
    for name, why in (
        ("calibrate", "no rows are left out"),
        ("early_stopping", "tol stops by the training objective"),
        ("optimizer", "the replicas of other optimizers cannot be combined"),
    ):
        if getattr(estimator, name, False) not in (False, None, "auto"):
            raise ValueError(f"{name} is not available on a cluster: {why}")
    if estimator.decay < 1:
        raise ValueError(
            "decay < 1 is not available on a cluster: workers add up squared gradients"
        )


def _threads(task: Task) -> dict[str, int]:
    """Say how many shares each worker may have."""
    live = dict(task.client.nthreads())
    if not live:
        raise RuntimeError("the cluster has no workers")
    n_jobs = task.estimator.n_jobs
    if n_jobs is None:
        return dict.fromkeys(live, 1)
    most = max(live.values()) if n_jobs < 0 else effective_n_jobs(n_jobs)
    return {worker: min(threads, most) for worker, threads in live.items()}


def _blank(estimator: AdaGradEstimator) -> AdaGradEstimator:
    """Give an estimator with the parameters alone, to check and to encode on workers."""
    kind: Any = type(estimator)
    blank: AdaGradEstimator = kind(**estimator.get_params(deep=False))
    return blank


def _fit(task: Task, team: Team) -> None:
    estimator, vectorizer = task.estimator, task.vectorizer
    n_features = None if vectorizer is None else vectorizer.n_features
    facts = _all_facts(team.of_tables(facts_of, n_features))
    counts = None
    if vectorizer is not None and vectorizer.use_idf:
        counts = team.sum_of_tables(count_words, add_counts, vectorizer)
    encoding, labels = _encoding(task, facts)
    sums = team.encode(sums_of, counts, _blank(estimator), encoding, vectorizer)
    model = _model(task, facts, encoding, labels, sums)
    if not task.goes_on:
        labels["learning_rate_search_"] = None
        if estimator.learning_rate == "auto":
            model, labels["learning_rate_search_"] = _with_rate_found(
                team, model, sums, visits_by(_blank(estimator), encoding)
            )
    print_lines = bool(estimator.verbose)
    fingerprint = [facts.n_rows, facts.n_features, sum(s.moments.squares for s in sums), len(sums)]

    snapshot, progress = None, Progress()
    if task.goes_on:
        snapshot = Snapshot.of(estimator._state, model, 0)
        progress.first_epoch = estimator._state.n_epochs
    if task.checkpoint is not None and task.checkpoint.resume:
        state, progress = task.checkpoint.read(fingerprint)
        snapshot = Snapshot.of(state, model, progress.n_rounds)
    team.start(model, snapshot)

    def adopt() -> None:
        """Let the estimator be what it has become so far."""
        snapshot = team.ask_base(rounds.snapshot_of, progress.n_rounds)
        state = snapshot.state(model)
        state.seed, state.n_epochs = encoding.seed, progress.first_epoch + progress.n_epochs
        estimator._state, estimator._settings, estimator._scale = state, model.settings, model.scale
        for name, value in {**labels, "n_features_in_": facts.n_features}.items():
            setattr(estimator, name, value)
        estimator.loss_curve_ = list(progress.loss_curve)
        estimator.objective_curve_ = list(progress.objective_curve)
        estimator.validation_loss_curve_ = []
        estimator.n_iter_ = progress.n_epochs
        if not task.goes_on:
            estimator._progress = progress.first_losses

    def after_round() -> None:
        if task.checkpoint is not None:
            adopt()
            task.checkpoint.write(progress, fingerprint)

    if vectorizer is not None and counts is not None:
        knows_words(vectorizer, counts)
    n_parts = estimator.n_syncs or _syncs_for(sums, model.n_outputs)
    n_visits = [s.n_visits for s in sums]
    _train(estimator, team, model, progress, n_visits, n_parts, after_round, print_lines)
    adopt()


def _all_facts(facts: Sequence[Facts]) -> Facts:
    """Put the facts of all shares together; ValueError if they do not fit."""
    facts = [one for one in facts if one.n_rows]
    if not facts:
        raise ValueError("no partition of X has a row")
    widths = {one.n_features for one in facts}
    if len(widths) > 1:
        raise ValueError(f"partitions of X differ in columns: {sorted(widths)}")
    if len({one.n_labels for one in facts}) > 1:
        raise ValueError("partitions of y differ: some are indicator matrices, of as many labels")
    labels, place = np.unique(np.concatenate([one.labels for one in facts]), return_inverse=True)
    label_counts = np.bincount(
        place, weights=np.concatenate([one.label_counts for one in facts]), minlength=len(labels)
    )
    return Facts(
        n_rows=sum(one.n_rows for one in facts),
        n_features=facts[0].n_features,
        dtype=np.result_type(*(one.dtype for one in facts)),
        labels=labels,
        label_counts=label_counts.astype(np.int64),
        n_labels=facts[0].n_labels,
    )


def _encoding(task: Task, facts: Facts) -> tuple[Encoding, dict[str, Any]]:
    """Give what targets mean, and the attributes of the estimator that tell it."""
    estimator = task.estimator
    dtype = np.dtype(estimator.dtype or facts.dtype)
    known_seed = None
    if task.goes_on:
        dtype, known_seed = estimator._state.dtype, estimator._state.seed
        if facts.n_features != estimator.n_features_in_:
            raise ValueError(
                f"X has {facts.n_features} features, but {type(estimator).__name__} is expecting "
                f"{estimator.n_features_in_} features as input"
            )
    seed = seed_of(estimator.random_state, known_seed) if estimator.shuffle else None
    if not isinstance(estimator, AdaGradClassifier):
        return Encoding(None, None, facts.n_features, dtype, seed), {}
    many = facts.n_labels is not None
    classes = np.arange(facts.n_labels or 0) if many else facts.labels
    if task.goes_on:
        classes = estimator.classes_
    of_class = class_weights(estimator.class_weight, classes, _rows_of(classes, facts))
    if not many and len(classes) < 2:
        raise ValueError(
            f"The number of classes has to be greater than one; got {len(classes)} class"
        )
    multinomial = not many and len(classes) > 2 and estimator.multi_class == "multinomial"
    labels = meaning(classes, multilabel=many, multinomial=multinomial)
    return Encoding(classes, of_class, facts.n_features, dtype, seed), labels


def _rows_of(classes: npt.NDArray[Any], facts: Facts) -> npt.NDArray[np.int64] | None:
    """Give how many rows each class has, or None where a row has several labels."""
    if facts.n_labels is not None:
        return None
    counts = dict(zip(facts.labels.tolist(), facts.label_counts.tolist(), strict=True))
    return np.array([counts.get(label, 0) for label in classes.tolist()])


def _model(
    task: Task, facts: Facts, encoding: Encoding, labels: dict[str, Any], sums: Sequence[Sums]
) -> Model:
    """Take settings from sums over all shares."""
    estimator, dtype = task.estimator, encoding.dtype
    moments = Moments.of_all(one.moments for one in sums)
    if not moments.weight:
        raise ValueError("all sample weights are zero: there is nothing to learn from")
    n_weighted = sum(one.n_weighted for one in sums)
    target_squares = sum(one.target_squares for one in sums)
    largest = max(one.largest_value for one in sums)
    batch_size = min(estimator.batch_size, n_weighted)
    if task.goes_on:
        scale = estimator._scale.with_rate(estimator.learning_rate)
    else:
        scale = scale_of(
            moments,
            estimator.learning_rate,
            estimator.initial_accumulator,
            target_scale=1.0
            if encoding.classes is not None
            else float(np.sqrt(target_squares / moments.weight)),
            batch_size=batch_size,
        )
    estimator._check_accumulator(scale, dtype)
    none = np.zeros(0, dtype)
    rows = Rows(np.zeros(1, np.int64), np.zeros(0, np.int32), none, facts.n_features, largest)
    settings: Settings = {**estimator._make_settings(rows, scale), "batch_size": batch_size}
    n_outputs = 1 if encoding.classes is None else len(encoding.classes)
    if n_outputs == 2 and not labels["_multilabel"]:
        n_outputs = 1
    return Model(facts.n_features, n_outputs, dtype, settings, scale)


def _with_rate_found(
    team: Team, model: Model, sums: Sequence[Sums], visits_of: Callable[..., Visits]
) -> tuple[Model, RateSearch | None]:
    """Resolve learning_rate="auto" on rows of all shares."""
    n_visits = sum(one.n_visits for one in sums)
    n_replicas = sum(one.n_visits > 0 for one in sums)
    scale, search = team.of_samples(
        find_rate, sample_of, n_visits, visits_of, model.scale, model.settings, n_replicas
    )
    settings: Settings = {
        **model.settings, "rate": scale.rate, "intercept_rate": scale.intercept_rate
    }  # fmt: skip
    return replace(model, scale=scale, settings=settings), search


def _train(
    estimator: AdaGradEstimator,
    team: Team,
    model: Model,
    progress: Progress,
    n_visits: list[int],
    n_parts: int,
    after_round: Callable[[], None],
    print_lines: bool,
) -> None:
    """Do the rounds that are left."""
    settings = model.settings
    patience = Patience(estimator.tol, estimator.n_iter_no_change)
    over = [patience.is_over(loss) for loss in progress.objective_curve]
    if any(over):
        return
    turns = [
        (epoch, part)
        for epoch, part in product(range(estimator.max_iter), range(n_parts))
        if (epoch, part) >= (progress.n_epochs, progress.part)
    ]
    steps = partial(_steps_of_part, n_visits, n_parts, settings)
    begin = time.perf_counter()
    for epoch, part in turns:
        turn = Round(progress.n_rounds, progress.first_epoch + epoch, part, n_parts, steps(part))
        try:
            told = team.learn(turn, sum(steps((part + 1) % n_parts)))
        except FloatingPointError as error:
            raise diverged(error, epoch + 1, settings, model.dtype) from None
        progress.n_rounds += 1
        progress.loss += told.loss
        progress.weight += told.weight
        progress.part = (part + 1) % n_parts
        if progress.part == 0:
            loss = progress.loss / progress.weight
            penalty = 0.0
            if settings["l1"] or settings["l2"]:
                penalty = team.ask_base(rounds.penalty_of, progress.n_rounds)
            if not progress.loss_curve:
                progress.first_losses = progress.loss, progress.weight
            progress.end_epoch(loss, loss + penalty)
            if print_lines:
                seconds, begin = time.perf_counter() - begin, time.perf_counter()
                print(
                    f"epoch {epoch + 1}/{estimator.max_iter}  loss {loss:.6f}  {seconds:.2f} s",
                    flush=True,
                )
            after_round()
            if patience.is_over(progress.objective_curve[-1]):
                break
            team.rebalance(progress.n_rounds)
        else:
            after_round()


def _syncs_for(sums: Sequence[Sums], n_outputs: int) -> int:
    """Give how often small shares are to be combined: of few rows a worker learns too little."""
    n_visits = [one.n_visits for one in sums]
    if sum(map(bool, n_visits)) == 1:
        return 1
    work = n_outputs * sum(one.n_entries for one in sums)
    most = min(MOST_SYNCS, work // WORK_OF_ROUND)
    return max(1, min(most, ROWS_OF_SYNCS // max(n_visits)))


def _steps_of_part(n_visits: list[int], n_parts: int, settings: Settings, part: int) -> list[int]:
    """Count the steps of each share in a part of an epoch."""
    batch_size = settings["batch_size"]
    return [
        combine.steps_of(len(part_of(np.empty(n, np.int64), part, n_parts, batch_size)), settings)
        for n in n_visits
    ]
