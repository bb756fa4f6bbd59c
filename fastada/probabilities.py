"""From margins to probabilities of classes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit, softmax


def gives_probabilities(estimator: Any) -> bool:
    """Raise AttributeError, as scikit-learn's available_if wants it, where there are none."""
    loss, calibrate = estimator.loss, getattr(estimator, "calibrate", False)
    if loss in ("log_loss", "modified_huber") or (calibrate and calibrate != "auto"):
        return True
    raise AttributeError(
        f"probability estimates are not available for loss={loss!r} without calibrate=True"
    )


def probabilities(
    margins: npt.NDArray[np.float64],
    loss: str,
    *,
    multinomial: bool,
    multilabel: bool,
    offset: float = 0.0,
) -> npt.NDArray[np.float64]:
    """Give the probabilities of the classes.

    Parameters
    ----------
    margins : ndarray of float64, shape (n_rows,) with two classes, else (n_rows, n_outputs)
    loss : str
        Of "modified_huber" (clip(margin, -1, 1) + 1) / 2 (Zhang 2002), of hinge losses with more
        than two classes what fastada/platt.py has, else the logistic function.
    multinomial : bool
        Softmax.
    multilabel : bool
        Each label stands for itself; else the classes of a row are made to sum to 1.
    offset : float
        Of those of hinge losses.

    Returns
    -------
    ndarray of float64, shape (n_rows, n_classes)
    """
    if multinomial:
        return np.asarray(softmax(margins, axis=1))
    if loss == "modified_huber":
        each = (np.clip(margins, -1, 1) + 1) / 2
    elif loss != "log_loss" and margins.ndim == 2 and not multilabel:
        each = np.logaddexp(0, margins + offset)
    else:
        each = expit(margins)
    if margins.ndim == 1:
        both = np.empty((len(margins), 2))
        both[:, 1] = each
        np.subtract(1, each, out=both[:, 0])
        return both
    if multilabel:
        return np.asarray(each)
    total = each.sum(axis=1, keepdims=True)
    # Where every class is out of the question, all are equally so.
    each[total[:, 0] == 0] = 1.0
    total[total == 0] = each.shape[1]
    return np.asarray(each / total)
