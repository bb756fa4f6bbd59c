"""What an estimator is to learn, and the rows that it only scores, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastada.rows import Rows
from fastada.targets import Targets


class Problem(NamedTuple):
    """What an estimator is to learn, checked.

    `labels` are attributes that tell what the outputs stand for.
    """

    rows: Rows
    targets: Targets
    weight: npt.NDArray[np.float64]
    labels: dict[str, Any]
    class_weight: npt.NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Validation:
    """Rows that are scored after each epoch and not learned."""

    rows: Rows
    targets: Targets
    weight: npt.NDArray[np.float64]
    order: npt.NDArray[np.int64]

    @classmethod
    def of(
        cls, rows: Rows, targets: Targets, weight: npt.NDArray[np.float64], problem: Problem
    ) -> Validation:
        """Score all rows that have a weight; ValueError if they do not fit those of the problem."""
        n_features = problem.rows.n_features
        if rows.n_features != n_features:
            raise ValueError(f"X_val has {rows.n_features} features, but X has {n_features}")
        if (targets.indicator is None) != (problem.targets.indicator is None):
            raise ValueError("y_val must be labels or an indicator matrix, whichever y is")
        if not weight.any():
            raise ValueError("all of sample_weight_val is zero: there is nothing to score")
        return cls(rows, targets, weight, np.flatnonzero(weight).astype(np.int64))


def check_no_orphans(X_val: Any, y_val: Any, sample_weight_val: Any) -> None:
    """Raise ValueError for half a validation set."""
    if X_val is None and (y_val is not None or sample_weight_val is not None):
        raise ValueError("y_val and sample_weight_val need X_val")
    if X_val is not None and y_val is None:
        raise ValueError("X_val needs y_val")
