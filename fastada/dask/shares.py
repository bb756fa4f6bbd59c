"""What a worker does with its share of the rows, before and between synchronisations.

Everything here runs on workers, as tasks of the client's; futures of the results stay where they
were made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from dask.sizeof import sizeof

from fastada import combine
from fastada.base import AdaGradEstimator
from fastada.combine import Movement
from fastada.dask.partitions import length_of
from fastada.rows import Rows
from fastada.scale import Moments, Scale
from fastada.search import CHOOSE_ROWS, RateSearch, search_rate
from fastada.settings import Settings
from fastada.targets import Targets
from fastada.text import HashingVectorizer
from fastada.validation import canonical_rows, check_sample_weight
from fastada.visits import Visits


@dataclass(frozen=True)
class Table:
    """The partitions of a share as one; X has rows, or documents where there is a vectoriser."""

    X: Any
    y: npt.NDArray[Any]
    sample_weight: npt.NDArray[np.float64] | None


@dataclass(frozen=True)
class Facts:
    """What must be known of all rows before targets can be told apart."""

    n_rows: int
    n_features: int
    dtype: np.dtype[Any]
    labels: npt.NDArray[Any]
    label_counts: npt.NDArray[np.int64]
    n_labels: int | None


@dataclass(frozen=True)
class WordCounts:
    """In how many documents the columns occur, those that occur in any."""

    columns: npt.NDArray[np.int32]
    counts: npt.NDArray[np.int64]
    n_documents: int


@dataclass(frozen=True)
class Encoding:
    """What decides how rows become what kernels learn.

    `classes` is None for regression; of_class holds the weights of classes.
    """

    classes: npt.NDArray[Any] | None
    of_class: npt.NDArray[np.float64] | None
    n_features: int
    dtype: np.dtype[Any]
    seed: int | None


@dataclass(frozen=True)
class Share:
    """The rows of a share as they are learned."""

    rows: Rows
    targets: Targets
    visits: Visits
    columns: npt.NDArray[Any]


@dataclass(frozen=True)
class Sample:
    """A few rows of a share."""

    X: sp.csr_array
    targets: Targets
    weight: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Sums:
    """What settings come from: see fastada.scale. `n_visits` is that of an epoch.

    `entries` is a sum of weights, n_entries a number.
    """

    moments: Moments
    n_weighted: int
    target_squares: float
    largest_value: float
    n_visits: int
    n_entries: int


def collect(
    estimator: AdaGradEstimator, vectorizer: HashingVectorizer | None, n: int, *parts: Any
) -> Table:
    """Put n partitions of X, those of y and those of the weights together, and check them."""
    columns = [parts[begin : begin + n] for begin in range(0, len(parts), n)]
    for number, partition in enumerate(zip(*columns, strict=True)):
        lengths = {length_of(part) for part in partition}
        if len(lengths) > 1:
            raise ValueError(
                f"partitions of the same rows differ in length: {sorted(lengths)} in partition "
                f"{number} of a share"
            )
    filled = [part for part in columns[0] if length_of(part)]
    if vectorizer is not None:
        X: Any = filled
        rows = _rows_without_entries(sum(map(length_of, X)))
    elif filled:
        X = rows = estimator._training_rows(_stacked(filled), estimator.dtype)
    else:
        X = rows = _rows_without_entries(0)
    # scikit-learn's checks refuse what has no row.
    y = _joined(columns[1])
    y = estimator._check_y(y, rows) if rows.n_rows else np.zeros(y.shape)
    weight = check_sample_weight(_joined(columns[2]), rows.n_rows) if len(columns) > 2 else None
    return Table(X, y, weight)


def facts_of(table: Table, n_features: int | None) -> Facts:
    """Give the facts of a share; n_features where the rows do not tell."""
    many = table.y.ndim == 2
    labels, counts = (
        (np.arange(0), np.zeros(0, np.int64)) if many else np.unique(table.y, return_counts=True)
    )
    rows = table.X if isinstance(table.X, Rows) else None
    return Facts(
        n_rows=len(table.y),
        n_features=rows.n_features if rows is not None else int(n_features or 0),
        dtype=rows.data.dtype if rows is not None else np.dtype(np.float32),
        labels=labels,
        label_counts=counts,
        n_labels=table.y.shape[1] if many else None,
    )


def count_words(table: Table, vectorizer: HashingVectorizer) -> WordCounts:
    """Count the documents of a share that have each column."""
    counts = np.zeros(vectorizer.n_features, np.int64)
    n_documents = 0
    for documents in table.X:
        of_part, n_of_part = vectorizer._frequencies(documents)
        counts += of_part
        n_documents += n_of_part
    columns = np.flatnonzero(counts).astype(np.int32)
    return WordCounts(columns, counts[columns], n_documents)


def add_counts(a: WordCounts, b: WordCounts) -> WordCounts:
    """Add the counts of two sets of documents."""
    columns, place = np.unique(np.concatenate([a.columns, b.columns]), return_inverse=True)
    counts = np.zeros(len(columns), np.int64)
    np.add.at(counts, place, np.concatenate([a.counts, b.counts]))
    return WordCounts(columns, counts, a.n_documents + b.n_documents)


def with_counts(vectorizer: HashingVectorizer, counts: WordCounts) -> HashingVectorizer:
    """Let the vectoriser have counted these documents."""
    vectorizer._reset()
    dense = np.zeros(vectorizer.n_features, np.int64)
    dense[counts.columns] = counts.counts
    vectorizer._add(dense, counts.n_documents)
    return vectorizer


def encode(
    table: Table,
    counts: WordCounts | None,
    estimator: AdaGradEstimator,
    encoding: Encoding,
    vectorizer: HashingVectorizer | None,
) -> Share:
    """Make what is learned of a share's partitions."""
    rows = table.X
    if not len(table.y):
        rows = _rows_without_entries(0, encoding.n_features, encoding.dtype)
    elif vectorizer is not None:
        if counts is not None:
            with_counts(vectorizer, counts)
        matrices = [vectorizer.transform(documents) for documents in table.X]
        rows = estimator._training_rows(_stacked(matrices), encoding.dtype)
    elif rows.data.dtype != encoding.dtype:
        rows = Rows(
            rows.indptr,
            rows.indices,
            rows.data.astype(encoding.dtype),
            rows.n_features,
            rows.largest_value,
        )
    weight = check_sample_weight(table.sample_weight, rows.n_rows)
    if encoding.classes is None:
        targets = Targets(value=table.y.astype(np.float64, copy=False))
    else:
        targets = estimator._encode(table.y, encoding.classes)
        if encoding.of_class is not None:
            weight = weight * encoding.of_class[estimator._strata(targets)]
    visits = visits_by(estimator, encoding)(rows, targets.array, weight)
    return Share(rows, targets, visits, combine.touched_columns(rows, visits.order))


def visits_by(estimator: AdaGradEstimator, encoding: Encoding) -> Callable[..., Visits]:
    """Give what makes visits of rows, targets and their weights."""
    return partial(
        Visits,
        shuffle=estimator.shuffle,
        random_state=None if estimator.random_state is None else encoding.seed,
        seed=encoding.seed,
    )


def sums_of(share: Share) -> Sums:
    """Give the sums over a share."""
    rows, visits = share.rows, share.visits
    # Weights of visits times visits are those of rows.
    times = np.bincount(visits.order, minlength=rows.n_rows)
    weight = visits.sample_weight * times
    value = share.targets.value
    return Sums(
        moments=Moments.of(rows, weight),
        n_weighted=int(np.count_nonzero(weight)),
        target_squares=float((weight * value**2).sum()) if value is not None else 0.0,
        largest_value=rows.largest_value,
        n_visits=len(visits.order),
        n_entries=len(rows.indices),
    )


def sample_of(share: Share, n_visits: int) -> Sample:
    """Draw a share's part of the rows, of n_visits, that a search for the learning rate may see."""
    order = share.visits.in_random_order()
    chosen = np.unique(order[: -(-CHOOSE_ROWS[1] * len(order) // n_visits)])
    rows = share.rows
    X = sp.csr_array((rows.data, rows.indices, rows.indptr), shape=(rows.n_rows, rows.n_features))
    return Sample(X[chosen], share.targets.take(chosen), share.visits.row_weight[chosen])


def find_rate(
    samples: list[Sample],
    visits_of: Callable[..., Visits],
    scale: Scale,
    settings: Settings,
    n_replicas: int,
    n_visits: int,
) -> tuple[Scale, RateSearch | None]:
    """Search for the learning rate on the samples of all shares.

    Where they are all rows, they are visited as on one machine, and it is the rate found there for
    as many threads.
    """
    targets = [sample.targets for sample in samples]
    parts: dict[str, Any] = {
        name: np.concatenate([getattr(one, name) for one in targets])
        for name in ("value", "label", "indicator")
        if getattr(targets[0], name) is not None
    }
    all_targets = targets[0]._replace(**parts)
    rows = canonical_rows(_stacked([sample.X for sample in samples]))
    weight = np.concatenate([sample.weight for sample in samples])
    visits = visits_of(rows, all_targets.array, weight)
    return search_rate(
        rows,
        all_targets,
        visits.sample_weight,
        visits.in_random_order(),
        scale,
        lambda other: {**settings, "rate": other.rate, "intercept_rate": other.intercept_rate},
        n_visits,
        n_replicas,
    )


def _stacked(parts: Any) -> Any:
    """Put matrices on top of each other; sparse ones stay sparse, one stays what it is."""
    parts = [getattr(part, "values", part) if hasattr(part, "iloc") else part for part in parts]
    if len(parts) == 1:
        return parts[0]
    widths = {part.shape[1] for part in parts}
    if len(widths) > 1:
        raise ValueError(f"partitions of X differ in columns: {sorted(widths)}")
    if any(sp.issparse(part) for part in parts):
        return sp.vstack(parts, format="csr")
    return np.concatenate(parts)


def _joined(parts: Any) -> Any:
    """Put targets or weights behind each other."""
    if sp.issparse(parts[0]):
        return sp.vstack(parts, format="csr")
    arrays = [part.to_numpy() if hasattr(part, "iloc") else np.asarray(part) for part in parts]
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def _rows_without_entries(
    n_rows: int, n_features: int = 0, dtype: npt.DTypeLike = np.float32
) -> Rows:
    indptr = np.zeros(n_rows + 1, np.int64)
    return Rows(indptr, np.zeros(0, np.int32), np.zeros(0, dtype), n_features, 0.0)


def n_bytes(value: Any) -> int:
    """Size of all arrays within records and lists, for Dask's book-keeping."""
    if is_dataclass(value):
        return sum(n_bytes(getattr(value, field.name)) for field in fields(value))
    if isinstance(value, list | tuple):
        return sum(map(n_bytes, value))
    if isinstance(value, Visits):
        return n_bytes(value.order) + n_bytes(value.sample_weight)
    return int(value.nbytes) if isinstance(value, np.ndarray) else int(sizeof(value))


for kind in (Table, Share, Sample, WordCounts, Movement):
    sizeof.register(kind, n_bytes)
