"""Dask collections as partitions that lie beside each other: X, y and weights of the same rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import dask
import numpy as np
from dask.core import keys_in_tasks
from dask.delayed import Delayed
from distributed import Client, Future, futures_of, wait


class Partition(NamedTuple):
    """Rows, and their targets and weights where there are any."""

    X: Any
    y: Any = None
    weight: Any = None


def length_of(part: Any) -> int:
    """Count the rows of a partition."""
    return int(part.shape[0]) if hasattr(part, "shape") else len(part)


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


def places(client: Client, X: Any, partitions: list[Partition]) -> list[str | None]:
    """Say where partitions are, or most of the persisted pieces that they are made from."""
    below: dict[Any, set[Any]] = {}
    keys = [part.X.key for part in partitions]
    for part in partitions:
        graph = part.X.__dask_graph__() if isinstance(part.X, Delayed) else {}
        _walk(part.X.key, graph, below)
    held = futures_of(X)
    wait(held)
    # Tasks that have futures for arguments name their keys alone.
    named = below.keys() - {future.key for future in held}
    held += [Future(key, client) for key in named if not below[key]]
    found = client.who_has(held) if held else {}
    pieces = {key: Counter([min(workers)]) for key, workers in found.items() if workers}
    return [
        min(counts, key=lambda worker: (-counts[worker], worker), default=None)
        for counts in (_pieces_below(key, below, pieces) for key in keys)
    ]


def _walk(key: Any, graph: Any, below: dict[Any, set[Any]]) -> None:
    """Take note of what each task needs, from one key on."""
    ahead = [key]
    while ahead:
        here = ahead.pop()
        if here not in below:
            task = graph.get(here)
            needs = {*getattr(task, "dependencies", ()), *keys_in_tasks(graph, [task])}
            # Tasks of older Dask have futures themselves for arguments.
            needs |= {future.key for future in futures_of(task)}
            below[here] = needs - {here}
            ahead += needs


def _pieces_below(
    key: Any, below: dict[Any, set[Any]], pieces: dict[Any, Counter[str]]
) -> Counter[str]:
    """Count by worker the persisted pieces that a key needs; `pieces` keeps what is counted."""
    path = [key]
    while path:
        here = path[-1]
        path += [one for one in below[here] if one not in pieces] if here not in pieces else []
        if path[-1] == here:
            pieces.setdefault(here, sum((pieces[one] for one in below[here]), Counter()))
            path.pop()
    return pieces[key]


def dealt(
    homes: Sequence[str | None], threads: dict[str, int]
) -> tuple[list[list[int]], list[str]]:
    """Deal partitions out to shares, a worker having at most as many shares as threads here.

    What a worker has stays with it; the rest goes round. The numbers of partitions alone, and not
    who holds them, decide the order of the shares, so that equal partitions give equal models.

    Parameters
    ----------
    homes : sequence of str or None
        The worker that has each partition, if one has.
    threads : dict of str to int
        How many shares each worker may have.

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
    for number, worker in enumerate(homes):
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
