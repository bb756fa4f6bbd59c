from collections.abc import Mapping
from typing import Any, TypedDict

import numpy as np
import numpy.typing as npt

class _Norms(TypedDict):
    l1: float
    l2_squared: float
    n_nonzero: int

def weights(
    state: npt.NDArray[Any],
    clock: npt.NDArray[np.int64],
    settings: Mapping[str, Any],
    out: npt.NDArray[Any],
    columns: npt.NDArray[np.int64] | None = None,
) -> None: ...
def norms(
    state: npt.NDArray[Any],
    clock: npt.NDArray[np.int64],
    settings: Mapping[str, Any],
    scratch: npt.NDArray[Any],
) -> _Norms: ...
def restart_stamps(
    state: npt.NDArray[Any],
    clock: npt.NDArray[np.int64],
    settings: Mapping[str, Any],
    weight: npt.NDArray[Any],
) -> None: ...
def set_pulls(state: npt.NDArray[Any], settings: Mapping[str, Any]) -> None: ...
def intercepts(
    intercept: npt.NDArray[np.float64], settings: Mapping[str, Any], out: npt.NDArray[np.float64]
) -> None: ...
def margins(
    weight: npt.NDArray[Any],
    intercept: npt.NDArray[np.float64],
    indptr: npt.NDArray[np.int64],
    indices: npt.NDArray[Any],
    data: npt.NDArray[Any],
    order: npt.NDArray[np.int64],
    out: npt.NDArray[Any],
) -> None: ...
