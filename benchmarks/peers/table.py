"""The results as a Markdown table."""

from benchmarks.peers.results import seconds_to_accuracy, seconds_to_loss, targets

HEAD = (
    "system",
    "ns per entry and epoch",
    "times fastada",
    "s to log-loss within 5 %",
    "within 1 %",
    "s to accuracy within 0.5 %",
    "best log-loss",
    "best accuracy",
    "peak MB",
)


def markdown(summaries) -> str:
    """One row a system, in the order of the time to 1 % of the best log-loss, then of log-loss."""
    losses, accuracy = targets(summaries)

    def place(summary):
        seconds = seconds_to_loss(summary.curve, losses[-1])
        return (seconds is None, seconds or summary.log_loss)

    rows = [HEAD, ("---", *("---:" for _ in HEAD[1:]))]
    for s in sorted(summaries, key=place):
        rows.append(
            (
                f"**{s.name}**" if s.name.startswith("fastada") else s.name,
                _number(s.ns, ".3g"),
                _number(s.ratio, ".1f"),
                *(_number(seconds_to_loss(s.curve, loss), ".2f") for loss in losses),
                _number(seconds_to_accuracy(s.curve, accuracy), ".2f"),
                f"{s.log_loss:.4f}",
                f"{s.accuracy:.4f}",
                _number(s.peak and s.peak / 1e6, ".0f"),
            )
        )
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _number(value, form):
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 1000 else format(value, form)
