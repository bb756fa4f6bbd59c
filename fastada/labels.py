"""From labels to the numbers that the kernels learn, and to the weights of the classes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.utils import assert_all_finite
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d

from fastada.targets import Targets


def check_labels(y: Any, multi_class: str) -> npt.NDArray[Any]:
    """Give labels (n_rows,) or an indicator matrix (n_rows, n_labels) of uint8.

    Raises
    ------
    ValueError
        If y is neither.
    """
    if y is None:
        raise ValueError("AdaGradClassifier requires y to be passed, but the target y is None.")
    if not sp.issparse(y):
        _check_sortable(np.asarray(y))
        assert_all_finite(np.asarray(y), input_name="y")
    check_classification_targets(y)
    if type_of_target(y) != "multilabel-indicator":
        return np.asarray(column_or_1d(y, warn=True))
    if multi_class == "multinomial":
        raise ValueError("an indicator matrix needs multi_class='ovr'")
    dense = y.toarray() if hasattr(y, "toarray") else np.asarray(y)
    if not np.isin(dense, (0, 1)).all():
        raise ValueError("an indicator matrix y must hold 0 and 1 only")
    return np.ascontiguousarray(dense, dtype=np.uint8)


def _check_sortable(y: npt.NDArray[Any]) -> None:
    if y.dtype != object:
        return
    n_strings = sum(isinstance(label, str) for label in y.flat)
    if 0 < n_strings < y.size:
        other = next(label for label in y.flat if not isinstance(label, str))
        raise ValueError(f"y must hold labels of one kind; got strings, and {other!r} among them")


def classes_of(y: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Give the labels that occur, sorted; the columns of an indicator matrix."""
    return np.unique(y) if y.ndim == 1 else np.arange(y.shape[1])


def encode(y: npt.NDArray[Any], classes: npt.NDArray[Any], *, multinomial: bool) -> Targets:
    """Give what the kernels are to learn.

    Parameters
    ----------
    y : ndarray
        As check_labels gives it.
    classes : ndarray of shape (n_classes,)
        Sorted.
    multinomial : bool
        With more than two classes: softmax instead of one problem per class.

    Raises
    ------
    ValueError
        If there is but one class, or y holds others than `classes`.
    """
    if y.ndim == 2:
        if y.shape[1] != len(classes):
            raise ValueError(f"y has {y.shape[1]} labels, expected {len(classes)}")
        return Targets(indicator=y, n_outputs=len(classes))
    if len(classes) < 2:
        raise ValueError(
            f"The number of classes has to be greater than one; got {len(classes)} class"
        )
    label = np.searchsorted(classes, y).clip(max=len(classes) - 1)
    unknown = np.unique(y[classes[label] != y])
    if len(unknown):
        raise ValueError(
            f"y contains classes that are not among those known: {unknown[:10].tolist()}"
        )
    if len(classes) == 2:
        return Targets(value=np.where(label == 1, 1.0, -1.0))
    return Targets(label=label.astype(np.int64), n_outputs=len(classes), multinomial=multinomial)


def class_numbers(targets: Targets) -> npt.NDArray[np.int64] | None:
    """Give each row's class as its place among the classes; None of several labels a row."""
    if targets.value is not None:
        return (targets.value > 0).astype(np.int64)
    return targets.label


def meaning(classes: npt.NDArray[Any], *, multilabel: bool, multinomial: bool) -> dict[str, Any]:
    """Give the attributes of a classifier that tell what its outputs stand for."""
    return {
        "classes_": classes,
        "_multilabel": multilabel,
        "_multinomial": multinomial,
        "temperature_": 1.0,
        "offset_": 0.0,
    }


def class_weights(
    class_weight: dict[Any, float] | str | None,
    classes: npt.NDArray[Any],
    n_rows_of: npt.NDArray[np.int64] | None,
) -> npt.NDArray[np.float64] | None:
    """Give the weight of each class, shape (n_classes,), or None where all are 1.

    Parameters
    ----------
    class_weight : dict, "balanced" or None
    classes : ndarray of shape (n_classes,)
    n_rows_of : ndarray of int64, shape (n_classes,), or None
        How many rows each class has; None where a row has several labels.

    Raises
    ------
    ValueError
        If a row has several labels, a weight is not finite or negative, or "balanced" is asked for
        and a class has no row.
    """
    if class_weight is None:
        return None
    if n_rows_of is None:
        raise ValueError("class_weight needs one label a row, not an indicator matrix")
    if class_weight == "balanced":
        if not n_rows_of.all():
            missing = classes[n_rows_of == 0].tolist()
            raise ValueError(f"class_weight='balanced', but y has no {missing[0]!r}")
        return np.asarray(n_rows_of.sum() / (len(classes) * n_rows_of))
    of_class = np.asarray(compute_class_weight(class_weight, classes=classes, y=classes), float)
    if not (np.isfinite(of_class).all() and (of_class >= 0).all()):
        raise ValueError("class_weight must be finite and not negative")
    return of_class
