"""Memory: how much there is, and arrays that begin where the kernels want them to."""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np
import numpy.typing as npt

CACHE_LINE = 64
# Of Linux on x86-64 and most other machines. What lies on few pages is found faster.
LARGE_PAGE = 1 << 21
# Bytes that to ask for takes far longer than to fill.
ALWAYS_THERE = 4096
# Where Linux tells the limit of the container that a process is in (cgroups, version 2 and 1).
CONTAINER_LIMITS = (
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
)


def memory_limit() -> float:
    """Give the bytes of memory of the machine or the container; infinity where neither tells."""
    limits = [math.inf]
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        limits.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for path in CONTAINER_LIMITS:
        try:
            with open(path, encoding="ascii") as file:
                limits.append(int(file.read()))
        except (OSError, ValueError):
            # There is none, or it is "max".
            continue
    return min(limits)


def check_memory(n_bytes: int, what: str, remedy: str) -> None:
    """Raise MemoryError if there is less memory than n_bytes."""
    if n_bytes <= ALWAYS_THERE:
        return
    memory = memory_limit()
    if n_bytes > memory:
        raise MemoryError(
            f"{what} needs {n_bytes:,} bytes; this machine has {memory:,}. Use {remedy}"
        )


def aligned_zeros(shape: tuple[int, ...], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Zeros that begin on a cache line, so that no record of up to 64 bytes lies on two.

    Many begin on a large page, so that they lie on as few as they can.

    Raises
    ------
    MemoryError
        Before anything is allocated, where there is less memory than that.
    """
    n_bytes = math.prod(shape) * dtype.itemsize
    check_memory(
        n_bytes,
        f"the state of {' x '.join(map(str, shape))} numbers",
        "fewer features or classes, or dtype='float32'",
    )
    alignment = LARGE_PAGE if n_bytes >= LARGE_PAGE else CACHE_LINE
    raw = np.zeros(n_bytes + alignment, dtype=np.uint8)
    start = -raw.ctypes.data % alignment
    return raw[start : start + n_bytes].view(dtype).reshape(shape)


def fill_rows(array: npt.NDArray[Any], row: npt.NDArray[Any]) -> None:
    """Make each row of a contiguous array that one; of narrow rows some are copied at once."""
    n_rows = max(1, ALWAYS_THERE // max(1, row.nbytes))
    whole = len(array) // n_rows * n_rows
    array[:whole].reshape(-1, n_rows * len(row))[:] = np.tile(row, n_rows)
    array[whole:] = row
