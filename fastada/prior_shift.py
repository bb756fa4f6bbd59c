"""How much of the classes' frequencies to take out of the intercepts, as rows left out tell.

The intercept of a class learns from every row, and the weights of what speaks for the class from
its own rows alone. With few epochs, a lower rate or a larger first accumulator, which hold back
what occurs a few times as a penalty does, the weights of rare classes stay too small for
intercepts that are about right; and a temperature above 1 lowers those further. So rare classes are
predicted too seldom.

Each intercept is moved by the same multiple of the logarithm of its class's frequency (logit
adjustment: Menon et al. 2021), the one with the least log-loss on the rows left out, at its
temperature. It is one number whatever the number of classes, so that few rows tell it. With two
classes, where a threshold is moved for nothing to be compared, it gained on one set of five, and
where giant rows decide about the temperature it is beside the mark.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit, logsumexp

from fastada.targets import Targets

# Two numbers need no more, in rows and in margins.
MOST_ROWS, MOST_MARGINS = 2000, 500_000
# Rows' worth of belief that neither is needed, per squared unit of log(temperature) and multiple.
PRIOR = 10.0
# At -1 the frequencies are out of intercepts that are their logarithms.
BOUNDS = (-2.5, 2.5), (-1.0, 1.0)


def log_frequencies(
    targets: Targets, sample_weight: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Give the logarithms of the classes' weights, shape (n_outputs,), less their mean.

    A class without weight counts as the least of the others.
    """
    weight = np.bincount(targets.array, weights=sample_weight, minlength=targets.n_outputs)
    logs = np.log(np.maximum(weight, weight[weight > 0].min()))
    return np.asarray(logs - logs.mean())


def find_shift(
    margins: npt.NDArray[np.float64],
    targets: Targets,
    sample_weight: npt.NDArray[np.float64],
    logs: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Find what to add to the margins of the log loss, shape (n_outputs,).

    Parameters
    ----------
    margins : ndarray of float64, shape (n_unseen, n_outputs)
    targets : Targets
        Of the same rows: more than two classes.
    sample_weight : ndarray of float64, shape (n_unseen,)
    logs : ndarray of float64, shape (n_outputs,)
        See log_frequencies.
    """
    most = min(MOST_ROWS, MOST_MARGINS // margins.shape[1] + 1, len(margins))
    few = np.linspace(0, len(margins), most, endpoint=False).astype(np.int64)
    margins, targets = margins[few], targets.take(few)
    weight = sample_weight[few] / sample_weight[few].sum()
    prior = PRIOR / 2 / most

    def loss_and_slopes(x: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        temperature = np.exp(x[0])
        moved = margins + x[1] * logs
        losses, slopes = _losses_and_slopes(temperature * moved, targets)
        slopes *= temperature * weight[:, np.newaxis]
        by_both = np.array([(slopes * moved).sum(), (slopes * logs).sum()])
        return float((weight * losses).sum() + prior * (x**2).sum()), by_both + 2 * prior * x

    found = minimize(loss_and_slopes, np.zeros(2), jac=True, method="L-BFGS-B", bounds=BOUNDS)
    return np.asarray(found.x[1] * logs)


def _losses_and_slopes(
    margins: npt.NDArray[np.float64], targets: Targets
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Give minus the logarithms of the classes' normalised probabilities, and their slopes."""
    logs = margins if targets.multinomial else -np.logaddexp(0, -margins)
    total = logsumexp(logs, axis=1, keepdims=True)
    slopes = np.exp(logs - total)
    own = np.arange(len(margins)), targets.array
    losses = total[:, 0] - logs[own]
    slopes[own] -= 1.0
    if not targets.multinomial:
        slopes *= expit(-margins)
    return losses, slopes
