from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

def collect(
    iterator: Iterator[object],
    prepare: Callable[[object], bytes],
    lowercase: bool,
    bytes_are_utf8: bool,
    only_ascii: bool,
    max_bytes: int,
    addresses: NDArray[np.uint64],
    sizes: NDArray[np.int64],
    prepared: NDArray[np.uint8],
) -> tuple[int, list[object]]: ...
