"""Training by one of fastada.optim's optimizers in the place of the estimators' own AdaGrad.

A step is a batch of rows: its mean gradient, a CSR row with the columns that occur in the batch,
goes through the optimizer's update. Before that, the weights of these columns are brought current,
so that margins and gradients are those of the dense algorithm.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from fastada import _scoring
from fastada.optim import AdaGrad
from fastada.optim.optimizer import Optimizer
from fastada.row_losses import RowLosses, row_losses
from fastada.rows import Rows
from fastada.scale import Scale
from fastada.settings import Settings
from fastada.state import State
from fastada.targets import Targets

# What belongs to the estimators' own AdaGrad, and where an optimizer has it instead.
OWN = {
    "update": "the optimizer is the update rule",
    "learning_rate": "the optimizer has one",
    "epsilon": "the optimizer has one, where its rule needs it",
    "initial_accumulator": "optim.AdaGrad has one, the others need none",
    "beta": "it belongs to update='ftrl'",
    "decay": "optim.RMSProp has one, called rho",
    "alpha": "optim.AdaGrad has penalties l1 and l2, the others have none",
    "l1_ratio": "optim.AdaGrad has penalties l1 and l2, the others have none",
    "n_jobs": "an optimizer trains on one thread",
    "n_syncs": "it belongs to n_jobs",
}


def check_optimizer(estimator: Any) -> None:
    """Raise TypeError or ValueError unless it has an optimizer and leaves all in OWN as it is."""
    optimizer = estimator.optimizer
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            "optimizer must be None or one of fastada.optim, such as optim.Adam(0.01); "
            f"got {optimizer!r}"
        )
    parameters = inspect.signature(type(estimator)).parameters
    for name, why in OWN.items():
        value, default = getattr(estimator, name), parameters[name].default
        if value != default:
            raise ValueError(
                f"{name}={value!r} has no effect with optimizer={optimizer!r}: {why}. "
                f"Leave it at {default!r}"
            )


class OptimizedState(State):
    """What training remembers: weights, intercepts, and what the optimizer knows of them.

    Parameters
    ----------
    n_features, n_outputs : int
    dtype : float32 or float64
        Of the weights; intercepts are float64.
    optimizer : Optimizer
        Gives its rule and hyperparameters; it takes no step itself.
    """

    def __init__(
        self, n_features: int, n_outputs: int, dtype: np.dtype[Any], optimizer: Optimizer
    ) -> None:
        self.n_outputs = n_outputs
        self.n_epochs = 0
        self.clock = np.zeros(2, np.int64)
        # Flat, a feature's weights for all outputs side by side.
        self._weights: dict[str, npt.NDArray[Any]] = {
            "weights": np.zeros(n_features * n_outputs, dtype)
        }
        self._intercepts = {"intercepts": np.zeros(n_outputs)}
        self._set_optimizer(optimizer)
        self._read = None

    @property
    def n_features(self) -> int:
        """Number of features."""
        return len(self._weights["weights"]) // self.n_outputs

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the weights."""
        return self._weights["weights"].dtype

    def _set_optimizer(self, optimizer: Optimizer) -> None:
        self.optimizer = replace(optimizer)
        unpenalised = {"l1": 0.0, "l2": 0.0} if isinstance(optimizer, AdaGrad) else {}
        self._of_intercepts = replace(optimizer, **unpenalised)

    def weights(self, settings: Settings) -> npt.NDArray[Any]:
        """Give the weights as of now, shape (n_features, n_outputs), read-only.

        Looking at a model does not change a bit of what it learns next.
        """
        with self.lock:
            if self._read is None or self._read[0] != self.n_steps:
                flushed = copy.deepcopy((self.optimizer, self._weights))
                weights = flushed[0].flush(flushed[1])["weights"].reshape(-1, self.n_outputs)
                weights.flags.writeable = False
                self._read = self.n_steps, weights
            return self._read[1]

    def intercepts(self, settings: Settings) -> npt.NDArray[np.float64]:
        """Give the intercepts, shape (n_outputs,)."""
        return self._intercepts["intercepts"].copy()

    def penalty(self, settings: Settings) -> float:
        """Give l1 |W|_1 + (l2 / 2) |W|_2^2."""
        weights = self.weights(settings).astype(np.float64).ravel()
        l1, l2 = settings["l1"], settings["l2"]
        return float(l1 * np.abs(weights).sum() + l2 / 2 * np.square(weights).sum())

    @property
    def accumulators(self) -> npt.NDArray[Any]:
        """AdaGrad's sums of squared gradients, shape (n_features, n_outputs)."""
        if not isinstance(self.optimizer, AdaGrad):
            raise AttributeError(
                f"optimizer={type(self.optimizer).__name__}(...) keeps no sum of squared gradients"
            )
        record = self.optimizer.state_dict()["parameters"].get("weights")
        sums = (
            np.full(len(self._weights["weights"]), self.optimizer.initial_accumulator, self.dtype)
            if record is None
            else record["sum_of_squares"]
        )
        return np.asarray(sums.reshape(-1, self.n_outputs))

    def copy(self) -> OptimizedState:
        """Give a copy that shares nothing."""
        return copy.deepcopy(self)

    def under(self, optimizer: Optimizer) -> OptimizedState:
        """Give the state that goes on under an optimizer, itself if all hyperparameters agree.

        Raises
        ------
        ValueError
            If they differ by more than the learning rate.
        """
        ours, theirs = asdict(self.optimizer), asdict(optimizer)
        same_kind = type(optimizer) is type(self.optimizer)
        if same_kind and ours == theirs:
            return self
        rates = {"learning_rate": None}
        if not same_kind or ours | rates != theirs | rates:
            raise ValueError(
                f"a model trained by {self.optimizer!r} cannot go on under {optimizer!r}, only "
                "under another learning rate: fit it anew"
            )
        changed = self.copy()
        changed.optimizer.flush(changed._weights)
        changed._of_intercepts.flush(changed._intercepts)
        before = changed.optimizer.state_dict(), changed._of_intercepts.state_dict()
        changed._set_optimizer(optimizer)
        changed.optimizer.load_state_dict(before[0])
        changed._of_intercepts.load_state_dict(before[1])
        return changed

    def learn(
        self,
        settings: Settings,
        rows: Rows,
        targets: Targets,
        sample_weight: npt.NDArray[np.float64],
        order: npt.NDArray[np.int64],
        row_loss: npt.NDArray[np.float64] | None = None,
    ) -> float:
        """Learn the rows in the given order, as `fastada.epoch.learn` does.

        Returns
        -------
        float
            Sum of s_i loss_i over the visits, each before it is learned, over the sum of s_i.

        Raises
        ------
        FloatingPointError
            Before a batch that has a row whose loss or gradient is not finite or too large.
        """
        total = 0.0
        batch_size = settings["batch_size"]
        for begin in range(0, len(order), batch_size):
            batch = order[begin : begin + batch_size]
            weights = sample_weight[batch]
            with self.lock:
                losses, normalised = self._step(settings, rows, targets, weights, batch)
            total += float((weights * losses).sum())
            if row_loss is not None:
                row_loss[begin : begin + batch_size, 0] = normalised
        weight = float(sample_weight[order].sum())
        return total / weight if weight else 0.0

    def _step(
        self,
        settings: Settings,
        rows: Rows,
        targets: Targets,
        weight: npt.NDArray[np.float64],
        batch: npt.NDArray[np.int64],
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Take the step of a batch; give its losses before it, and those of probabilities."""
        entries, n_entries = _entries_of(rows, batch)
        columns, occurrence = np.unique(rows.indices[entries], return_inverse=True)
        outputs = np.arange(self.n_outputs)
        places = (columns.astype(np.int64)[:, None] * self.n_outputs + outputs).ravel()
        self.optimizer.flush(self._weights, {"weights": places})

        losses, shown, slopes = self._row_losses(settings, rows, targets, batch)
        slopes *= weight[:, None]
        largest = np.abs(slopes).max(axis=1) * max(rows.largest_value, 1)
        bad = np.flatnonzero(~(np.isfinite(losses) & (largest <= settings["largest_gradient"])))
        if len(bad):
            raise FloatingPointError(f"at row {batch[bad[0]]}")

        of_entry = rows.data[entries, None] * np.repeat(slopes, n_entries, axis=0)
        gradient = np.bincount(
            (occurrence[:, None] * self.n_outputs + outputs).ravel(),
            weights=of_entry.ravel() / len(batch),
            minlength=len(places),
        )
        row = sp.csr_array(
            (gradient.astype(self.dtype), places, np.array([0, len(places)])),
            shape=(1, len(self._weights["weights"])),
        )
        self.optimizer.update(self._weights, {"weights": row})
        if settings["fit_intercept"]:
            mean = {"intercepts": slopes.sum(axis=0) / len(batch)}
            self._of_intercepts.update(self._intercepts, mean)
        self.clock[0] += 1
        return losses, shown

    def _row_losses(
        self, settings: Settings, rows: Rows, targets: Targets, batch: npt.NDArray[np.int64]
    ) -> RowLosses:
        margins = np.empty((len(batch), self.n_outputs), self.dtype)
        weights = self._weights["weights"].reshape(-1, self.n_outputs)
        intercepts = self._intercepts["intercepts"]
        _scoring.margins(weights, intercepts, rows.indptr, rows.indices, rows.data, batch, margins)
        return row_losses(margins, targets.take(batch), settings["loss"], settings["delta"])


def _entries_of(
    rows: Rows, batch: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Give the places of all stored entries of some rows, and how many each of them has."""
    begins = rows.indptr[batch]
    lengths = rows.indptr[batch + 1] - begins
    ends = lengths.cumsum()
    shift = np.repeat(begins - (ends - lengths), lengths)
    return np.arange(len(shift)) + shift, lengths


def start(
    optimizer: Any,
    state: State | None,
    rows: Rows,
    n_outputs: int,
    make_settings: Callable[[Rows, Scale], Settings],
) -> tuple[OptimizedState, Settings, Scale]:
    """Give what training by an optimizer starts from: zero weights, or those of a state.

    Parameters
    ----------
    optimizer : Optimizer or None
    state : State or None
    rows : Rows
    n_outputs : int
    make_settings : callable

    Raises
    ------
    ValueError
        If the state has begun otherwise.
    """
    if state is None:
        state = OptimizedState(rows.n_features, n_outputs, rows.data.dtype, optimizer)
    elif not isinstance(state, OptimizedState) or optimizer is None:
        raise ValueError(
            "a model cannot go on with an optimizer if it has begun without, nor without if it "
            "has begun with one: fit it anew"
        )
    else:
        state = state.under(optimizer)
    rate = float(optimizer.learning_rate)
    # Accumulators are the optimizer's affair.
    scale = Scale(rate, 0.0, rate, 0.0)
    settings = make_settings(rows, scale)
    settings["epsilon"] = getattr(optimizer, "epsilon", 0.0)
    settings["l1"] = getattr(optimizer, "l1", 0.0)
    settings["l2"] = getattr(optimizer, "l2", 0.0)
    return state, settings, scale
