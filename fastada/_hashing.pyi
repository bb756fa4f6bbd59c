from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from typing_extensions import disjoint_base

_Value = TypeVar("_Value", np.float32, np.float64)
_Index = TypeVar("_Index", np.int32, np.int64)

@disjoint_base
class NgramHasher:
    def __new__(
        cls,
        analyzer: int,
        min_n: int,
        max_n: int,
        lowercase: bool,
        alternate_sign: bool,
        binary: bool,
        n_features: int,
    ) -> Self: ...
    @property
    def address(self) -> int: ...
    def rows(
        self,
        addresses: NDArray[np.uint64],
        sizes: NDArray[np.int64],
        prepared: NDArray[np.uint8],
        packed: NDArray[np.uint64],
        tf: NDArray[_Value],
        idf: NDArray[_Value],
        norm: int,
        columns: NDArray[np.int32],
        values: NDArray[_Value],
        row_sizes: NDArray[np.int64],
    ) -> tuple[int, int, int, int, int]: ...

def weight_rows(
    row_sizes: NDArray[np.int64],
    columns: NDArray[np.int32],
    tf: NDArray[_Value],
    idf: NDArray[_Value],
    norm: int,
    values: NDArray[_Value],
) -> None: ...
def count_documents(columns: NDArray[np.int32], document_frequency: NDArray[_Index]) -> None: ...
def spread(
    value_of_count: NDArray[_Value], counts: NDArray[_Index], values: NDArray[_Value]
) -> None: ...
