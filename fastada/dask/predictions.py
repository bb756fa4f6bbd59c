"""Predictions of Dask collections, as Dask collections: nothing is computed until asked for."""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
from dask import delayed
from distributed import Client

from fastada.dask.partitions import aligned, delayed_parts, length_of
from fastada.frozen import FrozenState


def serving(model: Any) -> Any:
    """Give a copy of a linear estimator that has its weights alone."""
    state, settings = model._state, model._settings
    copy = object.__new__(type(model))
    vars(copy).update(vars(model))
    copy._state = FrozenState(
        state.weights(settings).view(), state.intercepts(settings), state.n_steps, state.n_epochs
    )
    return copy


def _shipped(model: Any, client: Client | None) -> Any:
    """Put the model where every task finds it; in the graph only where there is no cluster."""
    return delayed(model, pure=False) if client is None else client.scatter(model, hash=False)


def _call(model: Any, method: str, X: Any, of_no_row: Any) -> Any:
    return getattr(model, method)(X) if length_of(X) else of_no_row


def predictions(
    model: Any, method: str, X: Any, client: Client | None, dtype: Any, width: int | None
) -> Any:
    """Give what a method of the model says of each row, as a Dask array of as many chunks.

    Parameters
    ----------
    model : estimator
        Of fastada itself.
    method : str
    X : Dask collection or list of delayed
    client : Client or None
    dtype : dtype
        Of the answers.
    width : int or None
        Number of their columns; None: they have one dimension.
    """
    shipped = _shipped(model, client)
    lengths = getattr(X, "chunks", [[np.nan] * len(delayed_parts(X))])[0]
    tail = () if width is None else (width,)
    of_no_row = np.empty((0, *tail), dtype)
    parts = [
        da.from_delayed(
            delayed(_call)(shipped, method, part, of_no_row),
            shape=(length, *tail),
            meta=of_no_row,
        )
        for part, length in zip(delayed_parts(X), lengths, strict=True)
    ]
    return da.concatenate(parts, allow_unknown_chunksizes=True)


def score(model: Any, X: Any, y: Any, sample_weight: Any, client: Client | None) -> Any:
    """Give the accuracy, or a regressor's R^2, delayed."""
    shipped = _shipped(model, client)
    sums = [
        delayed(_sums)(shipped, partition.X, partition.y, partition.weight)
        for partition in aligned(X, y, sample_weight)
    ]
    return delayed(_score)(sums, hasattr(model, "classes_"))


def _sums(model: Any, X: Any, y: Any, weight: Any) -> tuple[float, float, float, float]:
    """Sum of weights; weighted mean of y, squared deviations from it, and errors.

    A classifier has its mistakes for errors, and no use for the others.
    """
    y = np.asarray(y)
    weight = np.ones(len(y)) if weight is None else np.asarray(weight, dtype=float)
    total = float(weight.sum())
    if not total:
        return 0.0, 0.0, 0.0, 0.0
    predicted = model.predict(X)
    if hasattr(model, "classes_"):
        wrong = predicted != y
        errors: Any = wrong.any(axis=1) if wrong.ndim > 1 else wrong
        return total, 0.0, 0.0, float((weight * errors).sum())
    # No products of BLAS: its threads go on to wait in a loop that takes a core.
    mean = float((weight * y).sum() / total)
    deviations, errors = ((weight * (y - from_) ** 2).sum() for from_ in (mean, predicted))
    return total, mean, float(deviations), float(errors)


def _score(sums: list[tuple[float, float, float, float]], is_classifier: bool) -> float:
    total, means, deviations, errors = (np.array(column) for column in zip(*sums, strict=True))
    if is_classifier:
        return float((total.sum() - errors.sum()) / total.sum())
    mean = total @ means / total.sum()
    scatter = deviations.sum() + total @ (means - mean) ** 2
    return float(1 - errors.sum() / scatter) if scatter else float(not errors.sum())
