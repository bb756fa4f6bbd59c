"""One number that makes margins of rows unseen into probabilities.

After few passes over the data the margins are too small for how often they are right; after many,
rows that only they themselves explain have made them too large. Either way the order of the margins
is good, and their size is not, which costs log-loss and no accuracy. So the probabilities are taken
from temperature times margin, where the temperature is the one with the least log-loss on margins
of rows that were left out of training (Platt 1999, with the slope alone; Guo et al. 2017).

Models are trained without those rows for the purpose, with the settings, number of epochs and order
of the one that is kept: its weights are those of all rows.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from fastada import _scoring
from fastada.epoch import Targets, learn
from fastada.row_losses import row_losses
from fastada.rows import Rows
from fastada.scale import Scale
from fastada.settings import LOSSES, Settings
from fastada.state import State
from fastada.visits import Visits

# With fewer rows, luck would decide.
FEWEST_ROWS = 100
# Up to so many rows all of them are left out once, by as many models; of more rows a share is.
MOST_ROWS_FOLDED = 6000
N_FOLDS = 5
LEFT_OUT_SHARE = 10
MOST_LEFT_OUT = 5000
# Rows' worth of belief that the temperature is 1, per squared unit of its logarithm.
PRIOR = 10.0
LARGEST_LOG = 2.5


def temperature_by_leaving_out(
    settings: Settings,
    scale: Scale,
    rows: Rows,
    targets: Targets,
    sample_weight: npt.NDArray[np.float64],
    visits: Visits,
    n_epochs: int,
) -> float:
    """Train without some of the rows as `visits` tells, and calibrate on them.

    1 where there are too few rows, or where training without some of them diverges.
    """
    if np.count_nonzero(sample_weight) < FEWEST_ROWS:
        return 1.0
    parts = left_out_parts(visits)
    try:
        margins = [
            margins_without(part, settings, scale, rows, targets, visits, n_epochs)
            for part in parts
        ]
    except FloatingPointError:
        return 1.0
    order = np.concatenate(parts)
    return best_temperature(np.concatenate(margins), targets, order, sample_weight[order])


def left_out_parts(visits: Visits) -> list[npt.NDArray[np.int64]]:
    """Draw the rows that are left out together: every so many-th of those visited.

    Not by their content: where rows to come repeat rows that were learned, those left out must too.
    """
    first = np.unique(visits.order, return_index=True)[1]
    order = visits.order[np.sort(first)]
    if len(order) <= MOST_ROWS_FOLDED:
        return [order[i::N_FOLDS].copy() for i in range(N_FOLDS)]
    return [order[:: max(LEFT_OUT_SHARE, len(order) // MOST_LEFT_OUT)].copy()]


def margins_without(
    left_out: npt.NDArray[np.int64],
    settings: Settings,
    scale: Scale,
    rows: Rows,
    targets: Targets,
    visits: Visits,
    n_epochs: int,
) -> npt.NDArray[np.float64]:
    """Train without the rows left out; give their margins, shape (n_left_out, n_outputs).

    Raises
    ------
    FloatingPointError
        If training diverges.
    """
    state = State(
        rows.n_features,
        targets.n_outputs,
        rows.data.dtype,
        settings,
        scale.accumulator,
        scale.intercept_accumulator,
    )
    is_learned = np.ones(rows.n_rows, dtype=bool)
    is_learned[left_out] = False
    for epoch in range(n_epochs):
        order = visits.of_epoch(epoch)
        learn(state, settings, rows, targets, visits.sample_weight, order[is_learned[order]])
    margins = np.empty((len(left_out), targets.n_outputs), dtype=state.dtype)
    _scoring.margins(
        state.weights(settings),
        state.intercepts(settings),
        rows.indptr,
        rows.indices,
        rows.data,
        left_out,
        margins,
    )
    return margins.astype(np.float64)


def best_temperature(
    margins: npt.NDArray[np.float64],
    targets: Targets,
    order: npt.NDArray[np.int64],
    sample_weight: npt.NDArray[np.float64],
) -> float:
    """Give the temperature with the least log-loss of the probabilities.

    Parameters
    ----------
    margins : ndarray of float64, shape (n_unseen, n_outputs)
    targets : Targets
        Of all rows.
    order : ndarray of int64, shape (n_unseen,)
        Rows that the margins are of.
    sample_weight : ndarray of float64, shape (n_unseen,)
    """
    prior = PRIOR / 2 / float(sample_weight.sum())
    targets = targets.take(order)

    def loss(log_temperature: float) -> float:
        found = row_losses(np.exp(log_temperature) * margins, targets, LOSSES["log_loss"], 0.0)
        return float(np.average(found.shown, weights=sample_weight)) + prior * log_temperature**2

    found = minimize_scalar(
        loss, bounds=(-LARGEST_LOG, LARGEST_LOG), method="bounded", options={"xatol": 1e-3}
    )
    return float(np.exp(found.x))
