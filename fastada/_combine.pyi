from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy.typing as npt

_Array: TypeAlias = npt.NDArray[Any]

def extract(
    base: _Array,
    own: _Array,
    settings: Mapping[str, Any],
    start: float,
    n_steps: float,
    pace: float,
    columns: _Array,
    change: _Array,
    squares: _Array,
    share: _Array,
) -> None: ...
def apply(
    base: _Array,
    settings: Mapping[str, Any],
    start: float,
    n_steps: float,
    columns: _Array,
    change: _Array,
    squares: _Array,
    share: _Array,
) -> None: ...
def add(
    columns: _Array,
    change: _Array,
    squares: _Array,
    share: _Array,
    more: _Array,
    more_change: _Array,
    more_squares: _Array,
    more_share: _Array,
    out: _Array,
    out_change: _Array,
    out_squares: _Array,
    out_share: _Array,
) -> int: ...
def copy_records(source: _Array, target: _Array, columns: _Array) -> None: ...
