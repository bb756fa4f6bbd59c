"""``fastada explain``."""

from __future__ import annotations

import argparse
import json
import sys

from fastada.cli import CommandError
from fastada.stream import model_files
from fastada.stream.explain import explain


def run(args: argparse.Namespace) -> None:
    """Print n-grams by the strength of what they add."""
    model = model_files.load(args.model).model()
    if model.features.kind != "text":
        raise CommandError("only models of text can be explained: hashed features have no names")
    if args.label is not None and args.label not in model.classes:
        raise CommandError(f"--label must be one of {', '.join(model.classes)}")
    text = sys.stdin.read() if args.text == "-" else args.text
    found = explain(model, text, args.label)
    top = found.contributions[: max(0, args.top)]
    if args.json:
        print(
            json.dumps(
                {
                    "label": found.label,
                    "probability": found.probability,
                    "intercept": found.intercept,
                    "contributions": [{"ngram": n, "contribution": c} for n, c in top],
                }
            )
        )
        return
    print(f"{found.label}  probability {found.probability:.4f}")
    print(f"{found.intercept:+9.4f}  (intercept)")
    for ngram, contribution in top:
        print(f"{contribution:+9.4f}  {ngram}")
