"""What a fit on a cluster leaves after every round, and goes on from.

The file is one that fastada.load reads: the model as of the last round, and how far the fit was.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from fastada.persistence.container import open_model
from fastada.persistence.estimators import load, save
from fastada.state import State

# They may change between a fit and the one that goes on: they decide when it ends.
FREE = ("max_iter", "tol", "n_iter_no_change", "verbose", "n_jobs")


@dataclass
class Progress:
    """How far a fit is.

    Attributes
    ----------
    n_rounds : int
    n_epochs : int
        Whole ones.
    first_epoch : int
        Number of the first of them, in which an earlier fit may have ended.
    part : int
        Of the epoch, the next to learn.
    loss, weight : float
        Sums of this epoch so far.
    first_losses : (float, float)
        Sums of losses and weights of the first epoch.
    loss_curve, objective_curve : list of float
    """

    n_rounds: int = 0
    n_epochs: int = 0
    first_epoch: int = 0
    part: int = 0
    loss: float = 0.0
    weight: float = 0.0
    first_losses: tuple[float, float] = (0.0, 0.0)
    loss_curve: list[float] = field(default_factory=list)
    objective_curve: list[float] = field(default_factory=list)

    def end_epoch(self, loss: float, objective: float) -> None:
        """Take note of an epoch's losses."""
        self.loss_curve.append(loss)
        self.objective_curve.append(objective)
        self.n_epochs += 1
        self.loss = self.weight = 0.0


@dataclass
class Checkpoint:
    """A file that is replaced after every round.

    Attributes
    ----------
    path : str or path-like
    resume : bool
        Go on from the file, if there is one.
    model : callable
        Gives the estimator to store as it is now.
    parameters : dict
        Those of the estimator that fits.
    """

    path: str | os.PathLike[str]
    resume: bool
    model: Callable[[], Any]
    parameters: dict[str, Any]

    def __post_init__(self) -> None:
        self.resume = self.resume and os.path.exists(self.path)

    def write(self, progress: Progress, fingerprint: list[Any]) -> None:
        """Write the model and how far the fit is."""
        also = {"cluster": {**asdict(progress), "fingerprint": fingerprint}}
        save(self.model(), self.path, also=also)

    def read(self, fingerprint: list[Any]) -> tuple[State, Progress]:
        """Give what the fit goes on from; ValueError if the file is another fit's."""
        with open_model(self.path) as file:
            found = file.metadata.get("cluster")
        if found is None:
            raise ValueError(f"{os.fspath(self.path)} is a model, but no checkpoint of a cluster's")
        stored = load(self.path)
        changed = [
            name
            for name, value in stored.get_params(deep=False).items()
            if name not in FREE and value != self.parameters[name]
        ]
        if changed:
            raise ValueError(
                f"{os.fspath(self.path)} is of a fit with another {', '.join(changed)}"
            )
        if found.pop("fingerprint") != fingerprint:
            raise ValueError(
                f"{os.fspath(self.path)} is of a fit on other data, or on another number of workers"
            )
        found["first_losses"] = tuple(found["first_losses"])
        return getattr(stored, "classifier_", stored)._state, Progress(**found)
