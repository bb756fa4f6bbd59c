from collections.abc import Mapping
from typing import Any, TypedDict

import numpy as np
import numpy.typing as npt

class _Progress(TypedDict):
    n_rows: int
    n_steps: int
    loss: float
    weight: float

def learn(
    state: npt.NDArray[Any],
    intercept: npt.NDArray[np.float64],
    clock: npt.NDArray[np.int64],
    settings: Mapping[str, Any],
    indptr: npt.NDArray[np.int64],
    indices: npt.NDArray[Any],
    data: npt.NDArray[Any],
    target: npt.NDArray[np.float64],
    sample_weight: npt.NDArray[np.float64],
    order: npt.NDArray[np.int64],
    row_loss: npt.NDArray[np.float64] | None = None,
) -> _Progress: ...
