"""``fastada demo``."""

from __future__ import annotations

import argparse

from fastada.cli import CommandError


def run(args: argparse.Namespace) -> None:
    """Run the demo."""
    from fastada import demo

    try:
        demo.run(args.dataset)
    except demo.NotAvailableError as error:
        raise CommandError(str(error)) from None
