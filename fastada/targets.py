"""What rows are to be learned as."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt


class Targets(NamedTuple):
    """What the kernels are to learn, one of them an array over all rows.

    Attributes
    ----------
    value : ndarray of float64, shape (n_rows,)
        With one output: -1 or +1, or a number to regress on.
    label : ndarray of int64, shape (n_rows,)
        With several outputs: the class.
    indicator : ndarray of uint8, shape (n_rows, n_outputs)
        Multilabel.
    n_outputs : int
    multinomial : bool
    """

    value: npt.NDArray[np.float64] | None = None
    label: npt.NDArray[np.int64] | None = None
    indicator: npt.NDArray[np.uint8] | None = None
    n_outputs: int = 1
    multinomial: bool = False

    @property
    def array(self) -> npt.NDArray[Any]:
        """The one that is there."""
        return next(a for a in (self.value, self.label, self.indicator) if a is not None)

    def take(self, order: npt.NDArray[np.int64]) -> Targets:
        """Give those of some rows, in that order."""
        return self._replace(
            value=None if self.value is None else self.value[order],
            label=None if self.label is None else self.label[order],
            indicator=None if self.indicator is None else self.indicator[order],
        )
