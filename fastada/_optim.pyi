from typing import Any

import numpy as np
from numpy.typing import NDArray

ALGORITHMS: dict[str, int]

def step_dense(
    settings: dict[str, float],
    step: int,
    weights: NDArray[Any],
    slots: NDArray[Any],
    last_step: NDArray[np.int64],
    gradient: NDArray[Any],
) -> None: ...
def step_csr(
    settings: dict[str, float],
    step: int,
    weights: NDArray[Any],
    slots: NDArray[Any],
    last_step: NDArray[np.int64],
    indptr: NDArray[np.int64],
    indices: NDArray[Any],
    gradient: NDArray[Any],
    n_columns: int,
) -> None: ...
def catch_up(
    settings: dict[str, float],
    step: int,
    weights: NDArray[Any],
    slots: NDArray[Any],
    last_step: NDArray[np.int64],
    places: NDArray[np.int64] | None,
) -> None: ...
