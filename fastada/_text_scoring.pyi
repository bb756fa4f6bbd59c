from typing import Any

import numpy as np
from numpy.typing import NDArray

def document_margins(
    hasher: int,
    addresses: NDArray[np.uint64],
    sizes: NDArray[np.int64],
    prepared: NDArray[np.uint8],
    tf: NDArray[Any],
    idf: NDArray[Any],
    norm: int,
    weight: NDArray[Any],
    intercept: NDArray[np.float64],
    out: NDArray[Any],
) -> tuple[int, int]: ...
