import numpy as np
from numpy.typing import NDArray
from typing_extensions import Buffer

def line_ends(data: Buffer, ends: NDArray[np.int64]) -> int: ...
def has_byte(data: Buffer, byte: int) -> bool: ...
def find_cells(
    data: Buffer,
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    delimiter: int,
    columns: NDArray[np.int64],
    cell_starts: NDArray[np.int64],
    cell_ends: NDArray[np.int64],
    n_columns: NDArray[np.int64],
) -> None: ...
def number_cells(
    data: Buffer,
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    codes: NDArray[np.int64],
    firsts: NDArray[np.int64],
) -> int: ...
