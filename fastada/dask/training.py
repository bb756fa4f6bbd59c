"""A fit on a cluster, from what the data says to the fitted estimator."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from distributed import Client
from sklearn.utils import check_random_state

from fastada import combine
from fastada.base import AdaGradEstimator
from fastada.dask import rounds
from fastada.dask.checkpoint import Checkpoint, Progress
from fastada.dask.partitions import Partition, dealt
from fastada.dask.rounds import Model, Round, Snapshot
from fastada.dask.shares import (
    Sums,
    add_counts,
    count_words,
    facts_of,
    sums_of,
    visits_by,
    with_counts,
)
from fastada.dask.starting import all_facts, encoding_of, model_of, with_rate_found
from fastada.dask.team import Team
from fastada.epoch import diverged
from fastada.settings import Settings
from fastada.stopping import Patience
from fastada.text import HashingVectorizer
from fastada.threads import part_of
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
    facts = all_facts(team.of_tables(facts_of, n_features))
    counts = None
    if vectorizer is not None and vectorizer.use_idf:
        counts = team.sum_of_tables(count_words, add_counts, vectorizer)
    encoding, labels = encoding_of(estimator, task.goes_on, facts)
    sums = team.encode(sums_of, counts, _blank(estimator), encoding, vectorizer)
    model = model_of(estimator, task.goes_on, facts, encoding, labels, sums)
    if not task.goes_on:
        labels["learning_rate_search_"] = None
        if estimator.learning_rate == "auto":
            model, labels["learning_rate_search_"] = with_rate_found(
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
        with_counts(vectorizer, counts)
    n_parts = estimator.n_syncs or _syncs_for(sums, model.n_outputs)
    n_visits = [s.n_visits for s in sums]
    _train(estimator, team, model, progress, n_visits, n_parts, after_round, print_lines)
    adopt()


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
