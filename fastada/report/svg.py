"""Small drawings as inline SVG; colours are the page's classes, so that they follow its theme."""

from __future__ import annotations

from collections.abc import Sequence

WIDTH, HEIGHT = 460, 280
LEFT, RIGHT, TOP, BOTTOM = 66, 14, 14, 42


def _place(x: float, y: float) -> tuple[float, float]:
    """Put a point of the unit square, y upwards, into the frame."""
    return (
        round(LEFT + x * (WIDTH - LEFT - RIGHT), 1),
        round(TOP + (1 - y) * (HEIGHT - TOP - BOTTOM), 1),
    )


def _chart(
    title: str,
    body: str,
    x_ticks: Sequence[tuple[float, str]],
    y_ticks: Sequence[tuple[float, str]],
    x_label: str,
    y_label: str,
) -> str:
    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}">']
    for at, text in y_ticks:
        (x0, y), (x1, _) = _place(0, at), _place(1, at)
        parts.append(f'<line class="grid" x1="{x0}" y1="{y}" x2="{x1}" y2="{y}"/>')
        parts.append(f'<text x="{x0 - 6}" y="{y + 4}" text-anchor="end">{text}</text>')
    for at, text in x_ticks:
        x, y = _place(at, 0)
        parts.append(f'<text x="{x}" y="{y + 16}" text-anchor="middle">{text}</text>')
    middle, bottom = _place(0.5, 0)
    parts.append(f'<text x="{middle}" y="{bottom + 34}" text-anchor="middle">{x_label}</text>')
    parts.append(
        f'<text transform="translate(11 {HEIGHT / 2 - 14}) rotate(-90)" text-anchor="middle">'
        f"{y_label}</text>"
    )
    return "".join([*parts, body, "</svg>"])


def _line(points: Sequence[tuple[float, float]]) -> str:
    placed = [_place(x, y) for x, y in points]
    path = " ".join(f"{x},{y}" for x, y in placed)
    dots = "".join(f'<circle class="dot" cx="{x}" cy="{y}" r="3"/>' for x, y in placed[:50])
    return f'<polyline class="line" points="{path}"/>{dots}'


def loss_curve(losses: Sequence[float]) -> str:
    """Draw the mean loss of each epoch."""
    top = max(losses) * 1.05 or 1.0
    last = max(1, len(losses) - 1)
    step = -(-len(losses) // 10)
    return _chart(
        "Loss of each epoch",
        _line([(i / last, loss / top) for i, loss in enumerate(losses)]),
        [(i / last, str(i + 1)) for i in range(0, len(losses), step)],
        [(i / 4, f"{top * i / 4:.2g}") for i in range(5)],
        "epoch",
        "mean training loss",
    )


def reliability(bins: Sequence[Sequence[float]]) -> str:
    """Draw how often predictions are right against their probability, over its distribution."""
    rows, confidence, hits = bins
    most = max(*rows, 1)
    width = 1 / len(rows)
    bars = []
    for i, n in enumerate(rows):
        (x0, y0), (x1, y1) = _place(i * width, 0.25 * n / most), _place((i + 1) * width, 0)
        bars.append(
            f'<rect class="bar" x="{x0 + 1}" y="{y0}" width="{x1 - x0 - 2:.1f}" '
            f'height="{y1 - y0:.1f}"><title>{int(n):,} rows</title></rect>'
        )
    (x0, y0), (x1, y1) = _place(0, 0), _place(1, 1)
    diagonal = f'<line class="ideal" x1="{x0}" y1="{y0}" x2="{x1}" y2="{y1}"/>'
    points = [(c / n, h / n) for n, c, h in zip(rows, confidence, hits, strict=True) if n]
    ticks = [(i / 5, f"{i / 5:g}") for i in range(6)]
    return _chart(
        "Reliability diagram",
        "".join(bars) + diagonal + _line(points),
        ticks,
        ticks,
        "probability of the predicted class",
        "share predicted right",
    )
