from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from fastada._single import _Progress

def learn(
    state: npt.NDArray[Any],
    intercept: npt.NDArray[np.float64],
    clock: npt.NDArray[np.int64],
    settings: Mapping[str, Any],
    multinomial: bool,
    indptr: npt.NDArray[np.int64],
    indices: npt.NDArray[Any],
    data: npt.NDArray[Any],
    value: npt.NDArray[np.float64] | None,
    label: npt.NDArray[np.int64] | None,
    indicator: npt.NDArray[np.uint8] | None,
    sample_weight: npt.NDArray[np.float64],
    order: npt.NDArray[np.int64],
    row_loss: npt.NDArray[np.float64] | None = None,
    own: npt.NDArray[Any] | None = None,
    intercept_rate: npt.NDArray[np.float64] | None = None,
    loss_sum: npt.NDArray[np.float64] | None = None,
    diverged: npt.NDArray[np.uint8] | None = None,
) -> _Progress: ...
