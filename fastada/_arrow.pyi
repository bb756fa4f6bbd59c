from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

_Buffers: TypeAlias = tuple[NDArray[np.uint64], NDArray[np.int64], object]

STRING_FORMATS: tuple[str, ...]

def read_stream(capsule: Any) -> list[_Buffers] | None: ...
def read_array(schema_capsule: Any, array_capsule: Any) -> list[_Buffers] | None: ...
def inspect(
    addresses: NDArray[np.uint64], sizes: NDArray[np.int64], kinds: NDArray[np.uint8]
) -> None: ...
def strings(addresses: NDArray[np.uint64], sizes: NDArray[np.int64], errors: str) -> list[str]: ...
def replace(
    addresses: NDArray[np.uint64],
    sizes: NDArray[np.int64],
    chosen: NDArray[np.uint8],
    function: Callable[[str], bytes],
    errors: str,
) -> list[bytes]: ...
