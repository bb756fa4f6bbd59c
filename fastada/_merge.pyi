from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

_Array = npt.NDArray[Any]

def merge(
    base: _Array,
    replicas: list[_Array],
    has: list[npt.NDArray[np.uint8] | None],
    paces: list[float],
    settings: Mapping[str, Any],
    start: float,
    n_steps: float,
    n_outputs: int,
    begin: int,
    end: int,
) -> None: ...
