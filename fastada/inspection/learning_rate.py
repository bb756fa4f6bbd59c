"""LearningRateDisplay."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.utils.validation import check_is_fitted

from fastada.inspection.axes import figure_and_axes


class LearningRateDisplay:
    """AdaGrad's learning rate of every feature against the number of rows that have the feature.

    Rare features keep large steps, frequent ones have spent theirs. Use :meth:`from_estimator`.

    Parameters
    ----------
    document_frequency : array-like of int, shape (n,)
        Of features that occur at least once.
    learning_rate : array-like of shape (n,)
        eta / H of the same features.
    largest_rate : float, optional
        That of a feature not yet seen.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    hexagons_ : matplotlib PolyCollection
        The features.
    line_ : matplotlib Line2D
        Their medians.
    """

    ax_: Any
    figure_: Any
    hexagons_: Any
    line_: Any

    def __init__(
        self,
        document_frequency: npt.ArrayLike,
        learning_rate: npt.ArrayLike,
        largest_rate: float | None = None,
    ) -> None:
        self.document_frequency = np.asarray(document_frequency, dtype=np.int64)
        self.learning_rate = np.asarray(learning_rate, dtype=np.float64)
        self.largest_rate = largest_rate

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, *, label: Any = None, ax: Any = None, **kwargs: Any
    ) -> LearningRateDisplay:
        """Draw the rates of a fitted estimator.

        Parameters
        ----------
        estimator : AdaGradClassifier, AdaGradRegressor or TextClassifier
        X : {array-like, sparse matrix} of shape (n_samples, n_features), or texts
            To count in, e.g. the training data; texts for a TextClassifier.
        label : optional
            One of classes_, where there are more than two; by default the first.
        ax : matplotlib Axes, optional
        **kwargs
            Of :meth:`matplotlib.axes.Axes.hexbin`.

        Returns
        -------
        LearningRateDisplay

        Raises
        ------
        ValueError
            If no feature occurs in X, or label is not a class.
        ImportError
            Where matplotlib is not installed.
        """
        check_is_fitted(estimator)
        linear = getattr(estimator, "classifier_", estimator)
        if linear is not estimator:
            X = estimator.vectorizer_.transform(X)
        X = sp.csr_array(X)
        rates = np.atleast_2d(linear.learning_rate_per_feature_)
        if X.shape[1] != rates.shape[1]:
            raise ValueError(f"X has {X.shape[1]} features, but the estimator has {rates.shape[1]}")
        rate = rates[_output(linear, label, len(rates))]
        frequency = np.bincount(X.indices[X.data != 0], minlength=X.shape[1])
        occurs = np.flatnonzero(frequency)
        if not len(occurs):
            raise ValueError("X has no feature that occurs")
        return cls(frequency[occurs], rate[occurs], float(rate.max())).plot(ax, **kwargs)

    def medians(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Give the median rate of the features of 1 row, 2 to 3, 4 to 7, ..., at their mean count.

        Returns
        -------
        (ndarray, ndarray), both of shape (n_octaves,)
            Mean document frequencies, and median rates.
        """
        octave = np.frexp(self.document_frequency)[1]
        there = [octave == k for k in np.unique(octave)]
        return (
            np.array([self.document_frequency[features].mean() for features in there]),
            np.array([np.median(self.learning_rate[features]) for features in there]),
        )

    def plot(self, ax: Any = None, **kwargs: Any) -> LearningRateDisplay:
        """Draw the rates.

        Parameters
        ----------
        ax : matplotlib Axes, optional
        **kwargs
            Of :meth:`matplotlib.axes.Axes.hexbin`.

        Returns
        -------
        LearningRateDisplay
        """
        self.figure_, self.ax_ = figure_and_axes(ax)
        style = {"gridsize": 60, "bins": "log", "mincnt": 1, "cmap": "Greys", "linewidths": 0}
        self.hexagons_ = self.ax_.hexbin(
            self.document_frequency,
            self.learning_rate,
            xscale="log",
            yscale="log",
            **{**style, **kwargs},
        )
        (self.line_,) = self.ax_.plot(*self.medians(), linewidth=2, label="median")
        if self.largest_rate is not None:
            self.ax_.axhline(
                self.largest_rate, linestyle=":", color="black", label="a feature not yet seen"
            )
        self.ax_.set(xlabel="rows with the feature", ylabel="learning rate, η / H")
        self.ax_.yaxis.set_major_formatter("{x:g}")
        self.ax_.yaxis.set_minor_formatter("{x:g}")
        self.ax_.legend(loc="lower left")
        return self


def _output(linear: Any, label: Any, n_outputs: int) -> int:
    if label is None:
        return 0
    classes = np.asarray(getattr(linear, "classes_", []))
    found = np.flatnonzero(classes == label)
    if len(found) != 1:
        raise ValueError(f"label must be one of {classes.tolist()}; got {label!r}")
    return int(found[0]) if n_outputs > 1 else 0
