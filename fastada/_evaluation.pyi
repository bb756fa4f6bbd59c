from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

def losses_at(
    margin: npt.NDArray[np.float64],
    settings: Mapping[str, Any],
    multinomial: bool,
    value: npt.NDArray[np.float64] | None,
    label: npt.NDArray[np.int64] | None,
    indicator: npt.NDArray[np.uint8] | None,
    out: npt.NDArray[np.float64],
    normalised: npt.NDArray[np.float64] | None = None,
) -> None: ...
