import numpy as np
import numpy.typing as npt

def losses_at(
    margin: npt.NDArray[np.float64],
    kind: int,
    delta: float,
    multinomial: bool,
    value: npt.NDArray[np.float64] | None,
    label: npt.NDArray[np.int64] | None,
    indicator: npt.NDArray[np.uint8] | None,
    out: npt.NDArray[np.float64],
    normalised: npt.NDArray[np.float64] | None = None,
) -> None: ...
def note_first(
    order: npt.NDArray[np.int64],
    loss: npt.NDArray[np.float64],
    first: npt.NDArray[np.float64],
) -> None: ...
