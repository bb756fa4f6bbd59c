from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

def extract(
    base: Array,
    own: Array,
    settings: Mapping[str, Any],
    start: float,
    n_steps: float,
    pace: float,
    columns: Array,
    change: Array,
    squares: Array,
    share: Array,
) -> None: ...
def apply(
    base: Array,
    settings: Mapping[str, Any],
    start: float,
    n_steps: float,
    columns: Array,
    change: Array,
    squares: Array,
    share: Array,
) -> None: ...
def merge(
    base: Array,
    replicas: list[Array],
    columns: list[Array],
    index_type: Array,
    paces: list[float],
    settings: Mapping[str, Any],
    start: float,
    n_steps: float,
    n_outputs: int,
    begin: int,
    end: int,
) -> None: ...
def add(
    columns: Array,
    change: Array,
    squares: Array,
    share: Array,
    more: Array,
    more_change: Array,
    more_squares: Array,
    more_share: Array,
    out: Array,
    out_change: Array,
    out_squares: Array,
    out_share: Array,
) -> int: ...
def copy_records(source: Array, target: Array, columns: Array) -> None: ...
def mark(
    indptr: npt.NDArray[np.int64],
    indices: Array,
    order: npt.NDArray[np.int64],
    seen: npt.NDArray[np.uint8],
) -> None: ...
