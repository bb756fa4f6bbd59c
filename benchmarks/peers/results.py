"""What was measured, a line of JSON a run, and what it comes to over the rounds."""

import json
import statistics
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

WITHIN_LOSS = (0.05, 0.01)
WITHIN_ACCURACY = 0.005


class Results:
    """The runs of a file, which grows by each as it ends, so that one broken off goes on."""

    def __init__(self, path: Path):
        self.path = path
        lines = path.read_text().splitlines() if path.exists() else []
        self.runs = [json.loads(line) for line in lines]

    def add(self, run: dict[str, Any]):
        self.runs.append(run)
        with open(self.path, "a") as file:
            file.write(json.dumps(run) + "\n")

    def forget(self, systems):
        self.runs = [run for run in self.runs if run["system"] not in systems]
        self.path.write_text("".join(json.dumps(run) + "\n" for run in self.runs))

    def of(self, data, system=None):
        return [run for run in self.runs if run["data"] == data and system in (None, run["system"])]


@dataclass(frozen=True)
class Summary:
    """Of a system on a set, medians over the rounds.

    `curve` has seconds, log-loss and accuracy of each point; `ns` is for an entry and epoch, None
    of what has no epochs; `ratio` is ns over that of fastada just before each run.
    """

    name: str
    curve: list[tuple[float, float, float]]
    ns: float | None
    ratio: float | None
    peak: float | None

    @property
    def log_loss(self):
        return min(loss for _, loss, _ in self.curve)

    @property
    def accuracy(self):
        return max(accuracy for _, _, accuracy in self.curve)


def summary_of(name, runs) -> Summary:
    """Summarise runs of the same points."""
    curve = [
        tuple(
            statistics.median(p[key] for p in points) for key in ("seconds", "log_loss", "accuracy")
        )
        for points in zip(*(run["points"] for run in runs), strict=True)
    ]
    each = [ns_per_entry(run["points"]) for run in runs]
    peaks = [run["peak"] for run in runs if run["peak"]]
    ns = ratio = None
    if None not in each:
        ns = statistics.median(each)
        ratio = statistics.median(
            x / run["reference_ns"] for x, run in zip(each, runs, strict=True)
        )
    return Summary(name, curve, ns, ratio, statistics.median(peaks) if peaks else None)


def joined(summaries) -> Summary:
    """Variants of a system as one: the points of all, the other figures of the first."""
    return replace(summaries[0], curve=[point for s in summaries for point in s.curve])


def ns_per_entry(points):
    """Nanoseconds of an entry in one more epoch: what starting costs is not in it."""
    passes = [point for point in points if "tol" not in point["point"]]
    if not passes:
        return None
    first, last = passes[0], passes[-1]
    if first is last:
        return 1e9 * first["seconds"] / first["entries"]
    return 1e9 * (last["seconds"] - first["seconds"]) / (last["entries"] - first["entries"])


def seconds_to_loss(curve, target):
    """Least seconds of a point whose log-loss is at most the target; None if there is none."""
    return min((seconds for seconds, loss, _ in curve if loss <= target), default=None)


def seconds_to_accuracy(curve, target):
    return min((seconds for seconds, _, accuracy in curve if accuracy >= target), default=None)


def targets(summaries):
    """Log-losses within 5 % and 1 % of the best seen, and the accuracy within 0.5 points of it."""
    best_loss = min(summary.log_loss for summary in summaries)
    best_accuracy = max(summary.accuracy for summary in summaries)
    return [best_loss * (1 + within) for within in WITHIN_LOSS], best_accuracy - WITHIN_ACCURACY
