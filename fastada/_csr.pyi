from typing import Any

import numpy as np
import numpy.typing as npt

def first_bad_row(indptr: npt.NDArray[np.int64], n_entries: int) -> int: ...
def inspect(
    indptr: npt.NDArray[np.int64],
    indices: npt.NDArray[Any],
    data: npt.NDArray[Any],
    n_columns: int,
) -> tuple[int, int, float]: ...
def square_sums(
    indptr: npt.NDArray[np.int64], data: npt.NDArray[Any], sample_weight: npt.NDArray[np.float64]
) -> tuple[float, float, float]: ...
def row_keys(
    indptr: npt.NDArray[np.int64],
    indices: npt.NDArray[Any],
    data: npt.NDArray[Any],
    rows: npt.NDArray[np.int64],
    most: int,
    keys: npt.NDArray[np.uint64],
) -> None: ...
def projections(
    indptr: npt.NDArray[np.int64],
    indices: npt.NDArray[Any],
    data: npt.NDArray[Any],
    rows: npt.NDArray[np.int64],
    projected: npt.NDArray[np.float64],
) -> None: ...
def mark_columns(
    indptr: npt.NDArray[np.int64],
    indices: npt.NDArray[Any],
    rows: npt.NDArray[np.int64],
    occurs: npt.NDArray[np.uint8],
) -> None: ...
def take_rows(
    indptr: npt.NDArray[np.int64],
    indices: npt.NDArray[Any],
    data: npt.NDArray[Any],
    rows: npt.NDArray[np.int64],
    numbers: npt.NDArray[Any],
    taken_indices: npt.NDArray[Any],
    taken_data: npt.NDArray[Any],
) -> int: ...
