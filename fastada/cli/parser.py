"""The flags of all commands."""

from __future__ import annotations

import argparse
from typing import TypeAlias


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="fastada", description="Sparse linear text classifiers trained by AdaGrad."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    _add_demo(commands)
    return parser


Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    text: str,
    examples: str,
) -> argparse.ArgumentParser:
    return commands.add_parser(
        name,
        help=text,
        description=text[0].upper() + text[1:] + ".",
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _add_demo(commands: Commands) -> None:
    parser = _command(
        commands,
        "demo",
        "train on real text that is already here, and report",
        "  fastada demo\n  fastada demo --dataset 20newsgroups",
    )
    parser.add_argument(
        "--dataset",
        choices=["docstrings", "20newsgroups"],
        default="docstrings",
        help="the docstrings of the installed libraries (default), or 20 newsgroups, which "
        "scikit-learn fetches once",
    )
