"""``fastada predict``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator

import numpy as np

from fastada.cli.files import check_kind, open_file, open_problems, scored, threads
from fastada.cli.progress import ProgressReport
from fastada.stream import model_files
from fastada.stream.model import Model, best_classes
from fastada.stream.score import ScoredChunk

# A label takes one line, whatever is in it.
BREAKS = str.maketrans({"\n": "\\n", "\r": "\\r", "\t": "\\t"})


def run(args: argparse.Namespace) -> None:
    """Print a line for each row."""
    model = model_files.load(args.model).model()
    file = open_file(args, model.features, labelled=False)
    check_kind(model.features, file)
    with ProgressReport(file.source, args.quiet) as report:
        problems = open_problems(args, file, report)
        rows = n_bytes = 0
        for found in scored(file, model, problems, threads(args)):
            lines = _lines(model, found, args)
            sys.stdout.writelines(f"{line}\n" for line in _with_bad_rows(found, lines, args.json))
            rows += len(found.chunk)
            n_bytes += found.chunk.n_bytes
            report.read("predicting", rows, n_bytes, None)
    if problems.counts:
        print(problems.summary(), file=sys.stderr)


def _lines(model: Model, found: ScoredChunk, args: argparse.Namespace) -> list[str]:
    margins = found.margins
    best = best_classes(margins).tolist()
    shown = model.classes if args.json else [label.translate(BREAKS) for label in model.classes]
    labels = [shown[i] for i in best]
    if args.json:
        return [
            json.dumps(
                {
                    "label": label,
                    "probabilities": dict(zip(model.classes, map(_short, row), strict=True)),
                }
            )
            for label, row in zip(labels, model.probabilities(margins).tolist(), strict=True)
        ]
    if args.proba:
        chosen = model.probabilities(margins)[np.arange(len(best)), best].tolist()
        return [f"{label}\t{value:.6f}" for label, value in zip(labels, chosen, strict=True)]
    return labels


def _short(value: float) -> float:
    return float(f"{value:.6g}")


def _with_bad_rows(found: ScoredChunk, lines: list[str], as_json: bool) -> Iterator[str]:
    """Put an empty line where a row was skipped, so that lines stand beside their rows."""
    if not found.chunk.faults:
        yield from lines
        return
    numbered = list(zip(found.chunk.numbers.tolist(), lines, strict=True))
    numbered += [(fault.line, "null" if as_json else "") for fault in found.chunk.faults]
    yield from (line for _, line in sorted(numbered))
