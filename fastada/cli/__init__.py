"""The command line.

This module and `parser` load nothing but argparse: ``--help`` answers at once, and a command loads
what it uses.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

from fastada.cli.parser import make_parser

# Exit codes: 0 done, 1 failed, 2 wrong usage (argparse's), 130 Ctrl-C, 141 reader went away.
FAILED, INTERRUPTED, PIPE_CLOSED = 1, 130, 141


class CommandError(Exception):
    """What stops a command, in words for the user."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; by default those of the process.
    """
    args = make_parser().parse_args(argv)
    try:
        importlib.import_module(f"fastada.cli.{args.command}").run(args)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _fail("interrupted", INTERRUPTED)
    except BrokenPipeError:
        # Python flushes stdout once more at exit; let that go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except (CommandError, OSError, ValueError, ArithmeticError, ImportError, MemoryError) as error:
        return _fail(_in_one_line(error), FAILED)
    return 0


def _in_one_line(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        name = f"{error.filename}: " if error.filename is not None else ""
        return f"{name}{error.strerror}"
    return " ".join(str(error).split()) or type(error).__name__


def _fail(message: str, code: int) -> int:
    print(f"fastada: error: {message}", file=sys.stderr)
    return code
