import numpy as np
import numpy.typing as npt

def shuffle(numbers: npt.NDArray[np.int64], seed: int) -> None: ...
