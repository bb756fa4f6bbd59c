"""``fastada train``."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

from fastada.cli import CommandError
from fastada.cli.files import kind_of, open_file, open_problems, threads
from fastada.cli.progress import ProgressReport
from fastada.persistence import streamed
from fastada.stream.options import Features, Learning
from fastada.stream.train import train


def run(args: argparse.Namespace) -> None:
    """Train and save."""
    start = time.perf_counter()
    features = Features(
        bits=args.bits,
        analyzer=args.analyzer,
        ngrams=tuple(args.ngrams),
        lowercase=not args.keep_case,
        sublinear_tf=not args.counts,
        use_idf=not args.no_idf,
    )
    learning = Learning(
        epochs=args.epochs,
        learning_rate=args.learning_rate,
        alpha=args.alpha,
        l1_ratio=args.l1_ratio,
        shuffle=not args.no_shuffle,
        seed=args.seed,
        memory=args.memory << 20,
        threads=threads(args),
        learners=args.threads or 1,
    )
    folder = Path(args.model).parent
    if not os.access(folder, os.W_OK) or Path(args.model).is_dir():
        raise CommandError(f"{args.model}: cannot be written")
    file = open_file(args, features, labelled=True)
    features = replace(features, kind=kind_of(file))
    with ProgressReport(file.source, args.quiet) as report:
        problems = open_problems(args, file, report)
        trained = train(file, features, learning, problems, report)
    streamed.save(trained, args.model, serving=args.save != "training", float16="16" in args.save)
    if problems.counts:
        print(problems.summary(), file=sys.stderr)
    seconds = time.perf_counter() - start
    if args.json:
        summary = {
            "model": args.model,
            "classes": trained.classes,
            "loss_curve": trained.loss_curve,
            "skipped": dict(problems.counts),
            "seconds": round(seconds, 3),
        }
        print(json.dumps(summary))
    elif not args.quiet:
        print(
            f"saved {args.model}: {len(trained.classes)} classes, {seconds:.2f} s", file=sys.stderr
        )
