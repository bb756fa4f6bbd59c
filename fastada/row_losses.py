"""The loss of each row at given margins."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fastada import _evaluation
from fastada.targets import Targets


class RowLosses(NamedTuple):
    """What the margins of rows are worth.

    `losses` are those that training descends, summed over outputs, `shown` those of normalised
    probabilities where there are such, both of shape (n_rows,); `slopes`, (n_rows, n_outputs), are
    the derivatives of `losses` by the margins.
    """

    losses: npt.NDArray[np.float64]
    shown: npt.NDArray[np.float64]
    slopes: npt.NDArray[np.float64]


def row_losses(
    margins: npt.NDArray[np.floating], targets: Targets, kind: int, delta: float
) -> RowLosses:
    """Compare margins with targets.

    Parameters
    ----------
    margins : ndarray, shape (n_rows, n_outputs)
    targets : Targets
        Of the same rows.
    kind, delta : int, float
        The loss: "loss" and "delta" of the settings.
    """
    slopes = np.array(margins, dtype=np.float64, order="C")
    losses, shown = np.empty((2, len(slopes)))
    _evaluation.losses_at(
        slopes,
        kind,
        delta,
        targets.multinomial,
        targets.value,
        targets.label,
        targets.indicator,
        losses,
        shown,
    )
    return RowLosses(losses, shown, slopes)
