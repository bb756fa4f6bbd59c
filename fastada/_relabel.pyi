from typing import Any

import numpy as np
import numpy.typing as npt

_Array = npt.NDArray[Any]

def count(
    indptr: npt.NDArray[np.int64],
    indices: _Array,
    order: npt.NDArray[np.int64],
    counts: npt.NDArray[np.uint8],
) -> None: ...
def number(counts: npt.NDArray[np.uint8], numbers: _Array, columns: _Array) -> list[int]: ...
def relabel(indices: _Array, numbers: _Array, relabelled: _Array) -> None: ...
def gather(records: _Array, columns: _Array, gathered: _Array) -> None: ...
def scatter(gathered: _Array, columns: _Array, records: _Array) -> None: ...
