"""What the displays share: axes to draw on."""

from __future__ import annotations

from typing import Any


def figure_and_axes(ax: Any, figsize: tuple[float, float] = (6.4, 4.4)) -> tuple[Any, Any]:
    """Give the figure and axes to draw on, new ones where `ax` is None.

    Raises
    ------
    ImportError
        Where matplotlib is not installed.
    """
    try:
        from matplotlib import pyplot
    except ImportError:
        raise ImportError('the displays need matplotlib: pip install "fastada[plot]"') from None
    if ax is not None:
        return ax.figure, ax
    figure, axes = pyplot.subplots(figsize=figsize, layout="constrained")
    return figure, axes
