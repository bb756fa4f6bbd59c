from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Value = TypeVar("Value", np.float32, np.float64)

class NgramHasher:
    def __init__(
        self,
        analyzer: int,
        min_n: int,
        max_n: int,
        lowercase: bool,
        alternate_sign: bool,
        binary: bool,
        n_features: int,
    ) -> None: ...
    @property
    def address(self) -> int: ...
    def rows(
        self,
        addresses: NDArray[np.uint64],
        sizes: NDArray[np.int64],
        prepared: NDArray[np.uint8],
        tf: NDArray[Value],
        idf: NDArray[Value],
        norm: int,
        columns: NDArray[np.int32],
        values: NDArray[Value],
        row_sizes: NDArray[np.int64],
    ) -> tuple[int, int, int, int, int]: ...

def weight_rows(
    row_sizes: NDArray[np.int64],
    columns: NDArray[np.int32],
    tf: NDArray[Value],
    idf: NDArray[Value],
    norm: int,
    values: NDArray[Value],
) -> None: ...
def count_documents(columns: NDArray[np.int32], document_frequency: NDArray[np.int64]) -> None: ...
