"""TopFeaturesDisplay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from fastada.inspection.axes import figure_and_axes

LARGEST_DEFAULT = 6


class TopFeaturesDisplay:
    """The n-grams that speak most for each class, as bars.

    Use :meth:`from_estimator`.

    Parameters
    ----------
    top_features : dict of label to list of (str, float)
        N-grams and weights of each class, the largest weight first.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes
        One for each class.
    ax_ : matplotlib Axes
        The first of them.
    figure_ : matplotlib Figure
    """

    ax_: Any
    axes_: Any
    figure_: Any

    def __init__(self, top_features: dict[Any, list[tuple[str, float]]]) -> None:
        self.top_features = top_features

    @classmethod
    def from_estimator(
        cls, estimator: Any, texts: Any, *, labels: Sequence[Any] | None = None, k: int = 12,
        ax: Any = None, **kwargs: Any,
    ) -> TopFeaturesDisplay:  # fmt: skip
        """Draw the n-grams of a fitted TextClassifier.

        Parameters
        ----------
        estimator : TextClassifier
        texts : iterable of str or bytes, or column of strings
            Where to look for the names of n-grams, e.g. the training texts.
        labels : sequence of labels, optional
            By default all classes, or the first six.
        k : int, default=12
            N-grams of each class.
        ax : matplotlib Axes, optional
            For a single label.
        **kwargs
            Of :meth:`matplotlib.axes.Axes.barh`.

        Returns
        -------
        TopFeaturesDisplay

        Raises
        ------
        ValueError
            If one of the labels is not a class, or there is one axes for several.
        ImportError
            Where matplotlib is not installed.
        """
        check_is_fitted(estimator)
        if labels is None:
            labels = estimator.classes_[:LARGEST_DEFAULT].tolist()
        texts = texts if hasattr(texts, "__len__") else list(texts)
        found = {label: estimator.top_features(label, k, texts) for label in labels}
        return cls(found).plot(ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> TopFeaturesDisplay:
        """Draw the bars.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            For a single label.
        **kwargs
            Of :meth:`matplotlib.axes.Axes.barh`.

        Returns
        -------
        TopFeaturesDisplay
        """
        n = len(self.top_features)
        if ax is not None and n != 1:
            raise ValueError(f"one ax takes one label; there are {n}")
        across = min(3, n)
        down = -(-n // across)
        longest = max(map(len, self.top_features.values()))
        size = (3.2 * across, down * (0.9 + 0.22 * longest))
        self.figure_, self.ax_ = figure_and_axes(ax, size)
        if n == 1:
            self.axes_ = np.array([self.ax_])
        else:
            self.ax_.remove()
            grid = self.figure_.subplots(down, across, squeeze=False).ravel()
            for unused in grid[n:]:
                unused.remove()
            self.axes_ = grid[:n]
            self.ax_ = self.axes_[0]
        for axes, (label, features) in zip(self.axes_, self.top_features.items(), strict=True):
            names = [_plain(ngram) for ngram, _ in features]
            axes.barh(np.arange(len(names)), [weight for _, weight in features], **kwargs)
            axes.set_yticks(np.arange(len(names)), names)
            axes.invert_yaxis()
            axes.set(title=_plain(str(label)), xlabel="weight")
        return self


def _plain(text: str) -> str:
    """Keep matplotlib from reading formulas into a text."""
    return text.replace("$", r"\$")
