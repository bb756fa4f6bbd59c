"""Test log-loss against seconds of training, one line a system, named where it ends."""

import itertools

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

# Legible on white and on black.
TEXT, OURS = "#808080", "#e8590c"
PEERS = ("#3b8ed0", "#2a9d8f", "#8e7cc3", "#b8860b", "#c2699a", "#5f9e3a", "#a0785a", "#6f8ea3")
# Best log-loss to this multiple of it; what never gets there is left out.
TALLEST = 1.15
LINE_HEIGHT = 0.042


def draw(summaries, path, title):
    """Save the picture; systems of two threads are left to the table."""
    figure = Figure(figsize=(8.8, 5.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    best = min(summary.log_loss for summary in summaries)
    bottom, top = best * 0.99, best * TALLEST
    shown = [s for s in summaries if "threads" not in s.name and s.log_loss < top]
    peers = itertools.cycle(PEERS)
    colors = {s.name: OURS if _is_ours(s) else next(peers) for s in shown}
    for summary in shown:
        ours = _is_ours(summary)
        seconds, losses, _ = zip(*summary.curve, strict=True)
        axes.plot(
            seconds,
            losses,
            "o-",
            color=colors[summary.name],
            linewidth=2.5 if ours else 1.3,
            markersize=5 if ours else 3.5,
            zorder=3 if ours else 2,
        )
    axes.axhline(best * 1.01, color=TEXT, linewidth=0.8, linestyle=":")
    axes.text(
        1,
        best * 1.011,
        "1 % above the best",
        color=TEXT,
        fontsize=8,
        ha="right",
        transform=axes.get_yaxis_transform(),
    )
    axes.set_xscale("log")
    axes.set_ylim(bottom, top)
    left, right = axes.get_xlim()
    _name(axes, shown, colors, bottom, top)
    _style(axes, left, right)
    axes.set_xlabel("seconds of training", color=TEXT)
    axes.set_ylabel("log-loss on the test set", color=TEXT)
    axes.set_title(title, color=TEXT, fontsize=11)
    figure.savefig(path, dpi=130, transparent=True)


def spread(places, distance):
    """Move sorted places up as little as keeps them a distance apart."""
    moved = []
    for place in places:
        moved.append(max(place, moved[-1] + distance) if moved else place)
    return moved


def _is_ours(summary):
    return summary.name.startswith("fastada")


def _name(axes, summaries, colors, bottom, top):
    """Names in a column at the right, at the heights of the lines' ends."""
    ends = sorted(
        ((loss, seconds, s.name) for s in summaries for seconds, loss, _ in s.curve[-1:]),
        key=lambda end: end[0],
    )
    heights = [(min(end[0], top) - bottom) / (top - bottom) for end in ends]
    for height, (loss, seconds, name) in zip(spread(heights, LINE_HEIGHT), ends, strict=True):
        color = colors[name]
        axes.annotate(
            name,
            xy=(seconds, min(loss, top)),
            xytext=(1.02, height),
            textcoords="axes fraction",
            color=color,
            fontweight="bold" if color == OURS else "normal",
            fontsize=10,
            va="center",
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": color,
                "linewidth": 0.7,
                "relpos": (0, 0.5),
                "shrinkA": 1,
            },
        )


def _style(axes, left, right):
    ticks = [t for t in (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300) if left <= t <= right]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.tick_params(colors=TEXT)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(TEXT)
