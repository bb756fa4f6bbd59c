"""LossCurveDisplay."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import check_is_fitted

from fastada.inspection.axes import figure_and_axes


class LossCurveDisplay:
    """Mean loss of each epoch.

    Use :meth:`from_estimator`.

    Parameters
    ----------
    loss : array-like of shape (n_epochs,)
        Progressive: each example's loss before it is learned.
    validation_loss : array-like of shape (n_epochs,), optional

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    lines_ : list of matplotlib Line2D
        Of the training, and of the validation where there is one.

    Examples
    --------
    >>> from fastada import TextClassifier
    >>> from fastada.inspection import LossCurveDisplay
    >>> model = TextClassifier(random_state=0).fit(["so good", "so bad"], ["pos", "neg"])
    >>> display = LossCurveDisplay.from_estimator(model)
    """

    ax_: Any
    figure_: Any
    lines_: list[Any]

    def __init__(self, loss: npt.ArrayLike, validation_loss: npt.ArrayLike | None = None) -> None:
        self.loss = np.asarray(loss, dtype=np.float64)
        self.validation_loss = None
        if validation_loss is not None and len(np.asarray(validation_loss)):
            self.validation_loss = np.asarray(validation_loss, dtype=np.float64)

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None, **kwargs: Any) -> LossCurveDisplay:
        """Draw the curve of a fitted estimator.

        Parameters
        ----------
        estimator : AdaGradClassifier, AdaGradRegressor or TextClassifier
        ax : matplotlib Axes, optional
        **kwargs
            Of :meth:`matplotlib.axes.Axes.plot`.

        Returns
        -------
        LossCurveDisplay

        Raises
        ------
        NotFittedError
            If the estimator has not been fitted.
        ImportError
            Where matplotlib is not installed.
        """
        check_is_fitted(estimator)
        linear = getattr(estimator, "classifier_", estimator)
        return cls(linear.loss_curve_, linear.validation_loss_curve_).plot(ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> LossCurveDisplay:
        """Draw the curve.

        Parameters
        ----------
        ax : matplotlib Axes, optional
        **kwargs
            Of :meth:`matplotlib.axes.Axes.plot`.

        Returns
        -------
        LossCurveDisplay
        """
        self.figure_, self.ax_ = figure_and_axes(ax)
        self.lines_ = []
        for label, loss in (("training", self.loss), ("validation", self.validation_loss)):
            if loss is not None:
                style = {"marker": "o", "markersize": 4, "label": label, **kwargs}
                self.lines_ += self.ax_.plot(np.arange(1, len(loss) + 1), loss, **style)
        self.ax_.set(xlabel="epoch", ylabel="mean loss")
        self.ax_.xaxis.get_major_locator().set_params(integer=True)
        if self.validation_loss is not None:
            self.ax_.legend()
        return self
