"""What the commands that read a file have in common."""

from __future__ import annotations

import argparse
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fastada.cli import CommandError
from fastada.cli.ahead import read_options
from fastada.cli.progress import ProgressReport
from fastada.formats import DELIMITERS, VECTORS, DataFile, Problems
from fastada.stream.options import Features
from fastada.workers import effective_n_jobs

if TYPE_CHECKING:
    from fastada.stream.model import Model
    from fastada.stream.score import ScoredChunk


TABLES = (*DELIMITERS, "jsonl", "parquet")
# Formats that a flag says something about.
APPLY = {
    "text_column": TABLES,
    "label_column": TABLES,
    "header": tuple(DELIMITERS),
    "quoting": tuple(DELIMITERS),
}


def open_file(args: argparse.Namespace, features: Features, labelled: bool) -> DataFile:
    """Look at the file, and say how it will be read."""
    file = DataFile(
        args.file,
        read_options(args)._replace(
            labelled=labelled,
            n_features=features.n_features,
            longest_text=features.longest_text,
        ),
        args.begun,
    )
    for name, formats in APPLY.items():
        if getattr(args, name) is not None and file.format not in formats:
            raise CommandError(
                f"--{name.replace('_', '-')} is for {', '.join(formats)}, and {file.source.name} "
                f"is read as {file.format}; see --format"
            )
    if not args.quiet:
        print(file.describe(), file=sys.stderr)
    return file


def check_output(path: str, inputs: Iterable[str]) -> None:
    """Refuse a file that cannot be written, or would replace what is read, before it is."""
    folder = os.path.dirname(os.path.realpath(path))
    if not os.path.isdir(folder):
        raise CommandError(f"{path}: cannot be written: there is no folder {folder}")
    # A device or a pipe is written to as it is.
    whole = os.path.isfile(path) or not os.path.exists(path)
    if not os.access(folder if whole else path, os.W_OK) or os.path.isdir(path):
        raise CommandError(f"{path}: cannot be written")
    for name in inputs:
        if _same_file(path, name):
            raise CommandError(f"{path}: is read, and would be overwritten: give another name")


def _same_file(path: str, other: str) -> bool:
    try:
        one, two = os.stat(path), os.stat(other)
    except OSError:
        return False
    return stat.S_ISREG(one.st_mode) and os.path.samestat(one, two)


def kind_of(file: DataFile) -> str:
    """Give the kind of the features that a file brings."""
    return file.format if file.format in VECTORS else "text"


def check_kind(features: Features, file: DataFile) -> None:
    """Refuse a file whose columns are not those of the model."""
    if kind_of(file) != features.kind:
        raise CommandError(
            f"the model has learned {features.kind}, and {file.source.name} is read as "
            f"{file.format}; see --format"
        )


def open_problems(args: argparse.Namespace, file: DataFile, report: ProgressReport) -> Problems:
    """Bad rows go to stderr."""
    return Problems(file.source.name, args.bad_rows == "skip", report.note)


def threads(args: argparse.Namespace) -> int:
    """Threads asked for, or one a core."""
    if args.threads is None:
        return effective_n_jobs(-1)
    if args.threads < 1:
        raise CommandError(f"--threads must be at least 1; got {args.threads}")
    return int(args.threads)


def scored(
    file: DataFile, model: Model, problems: Problems, n_threads: int
) -> Iterator[ScoredChunk]:
    """Read a file and give its rows' margins, in order."""
    from fastada.stream.score import ChunkScorer
    from fastada.stream.vectorise import ahead
    from fastada.workers import in_order

    return in_order(ChunkScorer(model), ahead(file.chunks(problems)), n_threads)


def score_labelled(
    args: argparse.Namespace,
    model: Model,
    task: str,
    take: Callable[[ScoredChunk, NDArray[np.int64]], object],
) -> tuple[DataFile, Problems]:
    """Read a file of labelled rows and hand over their margins.

    `take` gets the places of the rows' labels among the classes, too: -1, a bad row, for others.
    """
    file = open_file(args, model.features, labelled=True)
    check_kind(model.features, file)
    position = {label: i for i, label in enumerate(model.classes)}
    n_rows = n_bytes = 0
    with ProgressReport(file.source, args.quiet) as report:
        problems = open_problems(args, file, report)
        for found in scored(file, model, problems, threads(args)):
            labels = found.chunk.labels or []
            truth = np.array([position.get(label, -1) for label in labels], np.int64)
            for i in np.flatnonzero(truth < 0).tolist():
                problems.bad_row(int(found.chunk.numbers[i]), "unknown label", labels[i])
            take(found, truth)
            n_rows += int(np.count_nonzero(truth >= 0))
            n_bytes += found.chunk.n_bytes
            report.read(task, n_rows, n_bytes, None)
    if problems.counts:
        print(problems.summary(), file=sys.stderr)
    if not n_rows:
        raise CommandError(f"{file.source.name} has no rows to compare")
    return file, problems
