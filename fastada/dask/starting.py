"""What a fit on a cluster starts from, by what its shares tell: targets, scale, learning rate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from fastada.base import AdaGradEstimator
from fastada.classifier import AdaGradClassifier
from fastada.dask.rounds import Model
from fastada.dask.shares import (
    Encoding,
    Facts,
    Sums,
    find_rate,
    sample_of,
)
from fastada.dask.team import Team
from fastada.labels import class_weights, meaning
from fastada.rows import Rows
from fastada.scale import Moments, scale_of
from fastada.search import RateSearch
from fastada.settings import Settings
from fastada.visits import Visits, seed_of


def all_facts(facts: Sequence[Facts]) -> Facts:
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


def encoding_of(
    estimator: AdaGradEstimator, goes_on: bool, facts: Facts
) -> tuple[Encoding, dict[str, Any]]:
    """Give what targets mean, and the attributes of the estimator that tell it."""
    dtype = np.dtype(estimator.dtype or facts.dtype)
    known_seed = None
    if goes_on:
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
    if goes_on:
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


def model_of(
    estimator: AdaGradEstimator,
    goes_on: bool,
    facts: Facts,
    encoding: Encoding,
    labels: dict[str, Any],
    sums: Sequence[Sums],
) -> Model:
    """Take settings from sums over all shares."""
    dtype = encoding.dtype
    moments = Moments.of_all(one.moments for one in sums)
    if not moments.weight:
        raise ValueError("all sample weights are zero: there is nothing to learn from")
    n_weighted = sum(one.n_weighted for one in sums)
    target_squares = sum(one.target_squares for one in sums)
    largest = max(one.largest_value for one in sums)
    batch_size = min(estimator.batch_size, n_weighted)
    if goes_on:
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


def with_rate_found(
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
