"""``fastada train``."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any

from fastada.cli import CommandError
from fastada.cli.files import (
    check_kind,
    check_output,
    kind_of,
    open_file,
    open_problems,
    threads,
)
from fastada.cli.progress import ProgressReport
from fastada.frozen import FrozenState
from fastada.stream import model_files
from fastada.stream.checkpoint import SUFFIX as CHECKPOINT
from fastada.stream.checkpoint import Checkpoints
from fastada.stream.options import Features, Learning
from fastada.stream.train import train
from fastada.stream.trained import Trained

# Flags that say what the columns are, by the parameter that each gives.
FEATURES = {
    "--bits": "bits",
    "--analyzer": "analyzer",
    "--ngrams": "ngrams",
    "--keep-case": "lowercase",
    "--counts": "sublinear_tf",
    "--no-idf": "use_idf",
}


def run(args: argparse.Namespace) -> None:
    """Train and save."""
    start = time.perf_counter()
    with_checkpoints = args.resume or args.checkpoint_every is not None
    check_output(args.model, [args.file])
    if with_checkpoints:
        check_output(
            args.model + CHECKPOINT, [args.file, *([args.previous] if args.previous else [])]
        )
    if args.memory < 1:
        raise CommandError(f"--memory must be at least 1, of 2**20 bytes; got {args.memory}")
    given = _given(args)
    previous = None if args.previous is None else _previous(args.previous, given)
    features = Features(**given).checked() if previous is None else previous.features
    learning = _learning(args, previous)
    file = open_file(args, features, labelled=True)
    if previous is None:
        features = features._replace(kind=kind_of(file))
    else:
        check_kind(features, file)
    if features.kind != "text" and (given.keys() - {"bits"}):
        flag = next(flag for flag, name in FEATURES.items() if name in given.keys() - {"bits"})
        raise CommandError(
            f"{flag} is for texts, and {file.source.name} is read as {file.format}, whose features "
            "are learned as they are"
        )
    checkpoints = None
    if with_checkpoints:
        every = args.checkpoint_every
        if every is not None and every < 1:
            raise CommandError(f"--checkpoint-every must be at least 1; got {every}")
        checkpoints = Checkpoints(args.model, every, file, features, learning)
        if not args.resume:
            checkpoints.remove()
    with ProgressReport(file.source, args.quiet) as report:
        problems = open_problems(args, file, report)
        trained = train(
            file,
            features,
            learning,
            problems,
            report,
            previous=previous,
            checkpoints=checkpoints,
            resume=args.resume,
        )
    model_files.save(
        trained, args.model, serving=args.save != "training", float16="16" in args.save
    )
    if checkpoints is not None:
        checkpoints.remove()
    if problems.counts:
        print(problems.summary(), file=sys.stderr)
    seconds = time.perf_counter() - start
    if args.json:
        summary = {
            "model": args.model,
            "classes": trained.classes,
            "learning_rate": trained.learning_rate,
            "progressive_loss": trained.progressive_loss,
            "loss_curve": trained.loss_curve,
            "skipped": dict(problems.counts),
            "seconds": round(seconds, 3),
        }
        print(json.dumps(summary))
    elif not args.quiet:
        print(
            f"saved {args.model}: {len(trained.classes)} classes, {seconds:.2f} s", file=sys.stderr
        )


def _given(args: argparse.Namespace) -> dict[str, Any]:
    """Give what flags say of the features, and nothing where they are silent."""
    given = {
        "bits": args.bits,
        "analyzer": args.analyzer,
        "ngrams": None if args.ngrams is None else tuple(args.ngrams),
        "lowercase": False if args.keep_case else None,
        "sublinear_tf": False if args.counts else None,
        "use_idf": False if args.no_idf else None,
    }
    return {name: value for name, value in given.items() if value is not None}


def _learning(args: argparse.Namespace, previous: Trained | None) -> Learning:
    """Say how to learn: the penalty, unless it is given, as before."""
    before = Learning() if previous is None else previous.learning or Learning()
    return Learning(
        epochs=args.epochs,
        learning_rate=args.learning_rate,
        alpha=before.alpha if args.alpha is None else args.alpha,
        l1_ratio=before.l1_ratio if args.l1_ratio is None else args.l1_ratio,
        shuffle=not args.no_shuffle,
        seed=args.seed,
        memory=args.memory << 20,
        threads=threads(args),
        learners=args.threads or 1,
    ).checked()


def _previous(path: str, given: dict[str, Any]) -> Trained:
    """Read the model to go on from, whose features the flags do not contradict."""
    previous = model_files.load(path)
    if isinstance(previous.linear.state, FrozenState):
        raise CommandError(f"{path} was saved for serving: training cannot go on from it")
    for flag, name in FEATURES.items():
        value = getattr(previous.features, name)
        if given.get(name, value) != value:
            raise CommandError(f"{flag}: {path} was trained with {name}={value!r}")
    return previous
