"""Dask collections as partitions that lie beside each other: X, y and weights of the same rows."""

from __future__ import annotations

from typing import Any, NamedTuple

import dask
import numpy as np
from dask.delayed import Delayed
from distributed import Client, Future, futures_of, wait


class Partition(NamedTuple):
    """Rows, and their targets and weights where there are any."""

    X: Any
    y: Any = None
    weight: Any = None


def is_distributed(X: Any) -> bool:
    """Say whether X is a Dask collection, or a list of delayed partitions or futures."""
    if dask.is_dask_collection(X):
        return True
    return isinstance(X, list) and bool(X) and all(isinstance(x, Delayed | Future) for x in X)


def delayed_parts(X: Any, name: str = "X") -> list[Any]:
    """Give a collection's partitions of rows.

    Parameters
    ----------
    X : Dask array, bag, data frame or series, or list of delayed or futures
    name : str
        Of the argument, for errors.

    Raises
    ------
    TypeError
        If it is something else.
    ValueError
        If an array is cut between columns too, or there is no partition.
    """
    if not is_distributed(X):
        raise TypeError(
            f"{name} must be a Dask array, bag, data frame or series, or a list of delayed "
            f"partitions or futures; got {type(X).__name__}. What is in the memory of one machine "
            "is for the estimators of fastada itself"
        )
    if isinstance(X, list):
        return X
    if not hasattr(X, "to_delayed"):
        raise TypeError(f"{name} must be cut into partitions of rows; got {type(X).__name__}")
    parts = np.asarray(X.to_delayed(), dtype=object)
    if parts.ndim > 1:
        if parts.shape[1] != 1:
            raise ValueError(
                f"{name} is cut into {parts.shape[1]} blocks of columns: rechunk it to whole rows, "
                f"{name}.rechunk({{1: -1}})"
            )
        parts = parts[:, 0]
    if not len(parts):
        raise ValueError(f"{name} has no partition")
    return list(parts)


def aligned(X: Any, y: Any, weight: Any) -> list[Partition]:
    """Give partitions of the same rows; ValueError if there are not as many of each."""
    columns = {"X": delayed_parts(X), "y": delayed_parts(y, "y")}
    if weight is not None:
        columns["sample_weight"] = delayed_parts(weight, "sample_weight")
    for name, parts in columns.items():
        if len(parts) != len(columns["X"]):
            raise ValueError(
                f"X has {len(columns['X'])} partitions and {name} {len(parts)}: they must be cut "
                "at the same rows"
            )
    return [Partition(*parts) for parts in zip(*columns.values(), strict=True)]


def places(client: Client, X: Any) -> dict[str, str]:
    """Say where those partitions are that some worker has already."""
    futures = X if isinstance(X, list) else [X]
    held = futures_of(futures)
    if held:
        wait(held)
    found = client.who_has(held) if held else {}
    return {str(key): min(workers) for key, workers in found.items() if workers}


def dealt(
    partitions: list[Partition], held: dict[str, str], threads: dict[str, int]
) -> tuple[list[list[int]], list[str]]:
    """Deal partitions out to shares, a worker having at most as many shares as threads here.

    What a worker has stays with it; the rest goes round. The numbers of partitions alone, and not
    who holds them, decide the order of the shares, so that equal partitions give equal models.

    Returns
    -------
    list of list of int
        The partitions of each share.
    list of str
        The worker of each share.
    """
    slots = [worker for worker in sorted(threads) for _ in range(threads[worker])]
    shares: list[list[int]] = [[] for _ in slots]
    homeless = []
    for number, partition in enumerate(partitions):
        worker = held.get(str(getattr(partition.X, "key", None)))
        if worker in threads:
            slot = min(
                (k for k, name in enumerate(slots) if name == worker),
                key=lambda k: (len(shares[k]), k),
            )
            shares[slot].append(number)
        else:
            homeless.append(number)
    for number in homeless:
        slot = min(range(len(slots)), key=lambda k: (len(shares[k]), k))
        shares[slot].append(number)
    taken = sorted((sorted(share), slots[k]) for k, share in enumerate(shares) if share)
    return [share for share, _ in taken], [worker for _, worker in taken]
