"""``fastada report``."""

from __future__ import annotations

import argparse
import sys
import time

from fastada import __version__
from fastada.cli.files import check_output, score_labelled
from fastada.persistence.atomic import replace_file
from fastada.report.gather import Gathered
from fastada.report.page import render
from fastada.settings import UPDATES
from fastada.stream import model_files

UPDATE_NAMES = {number: name for name, number in UPDATES.items()}


def run(args: argparse.Namespace) -> None:
    """Write a page about a model and a file of labelled rows."""
    start = time.perf_counter()
    check_output(args.output, [args.model, args.file])
    trained = model_files.load(args.model)
    model = trained.model()
    loaded = time.perf_counter()
    gathered = Gathered(model)
    file, _ = score_labelled(args, model, "reading", gathered.gather)
    seconds = time.perf_counter() - loaded
    facts = {
        "model": args.model,
        "data": file.describe(),
        **{name: str(value) for name, value in model.features.as_dict().items()},
        "update": UPDATE_NAMES[trained.linear.settings["update"]],
        "learning rate": f"{trained.linear.settings['rate']:g}",
        "L1, L2": f"{trained.linear.settings['l1']:g}, {trained.linear.settings['l2']:g}",
        "epochs": f"{trained.linear.state.n_epochs or len(trained.loss_curve):,}",
        "steps": f"{trained.linear.state.n_steps:,}",
        "loading the model": f"{loaded - start:.3f} s",
        "reading and scoring": f"{seconds:.3f} s, {gathered.n_rows / seconds:,.0f} rows/s",
        "fastada": __version__,
    }
    page = render(gathered, facts, trained.loss_curve)
    replace_file(args.output, [page.encode()])
    if not args.quiet:
        print(f"saved {args.output}", file=sys.stderr)
