"""The command line.

This module and `parser` load nothing but argparse: ``--help`` answers at once, and a command loads
what it uses.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import NoReturn

from fastada._bus_error import tell_of_bus_errors
from fastada.cli.parser import make_parser
from fastada.read_ahead import ReadAhead

# Exit codes: 0 done, 1 failed, 2 wrong usage (argparse's), 130 Ctrl-C, 141 reader went away.
FAILED, INTERRUPTED, PIPE_CLOSED = 1, 130, 141
# Seconds that a thread waits for the interpreter before it asks for it.
SWITCH_INTERVAL = 1e-4


class CommandError(Exception):
    """What stops a command, in words for the user."""


def main(argv: Sequence[str] | None = None, *, read_ahead: bool = False) -> int:
    """Run the command line; return its exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; by default those of the process.
    read_ahead : bool
        Begin to read the file before NumPy is loaded, by a thread that ends with the process.
    """
    argv = sys.argv[1:] if argv is None else argv
    args = make_parser(argv[0] if argv else None).parse_args(argv)
    args.begun = None
    try:
        if read_ahead and os.path.isfile(getattr(args, "file", "")):
            args.begun = _begin(args)
        _load(args.command).run(args)
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


def _begin(args: argparse.Namespace) -> ReadAhead:
    """Begin to read the file, and with threads to hash the texts that a training begins with."""
    hashed = None
    if args.command == "train" and args.threads != 1:
        from fastada.cli.ahead import hash_ahead

        hashed = hash_ahead(args)
    return ReadAhead(args.file, hashed)


def run_process() -> NoReturn:
    """Run the command line as a process of its own.

    A small file is learned in less time than it takes to start and to take down an interpreter
    that has NumPy in it: what of that can be left out is.
    """
    # OpenBLAS's threads keep cores busy while they wait, and no dense matrix is multiplied here.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gc.disable()
    # Files, of data and of models, are mapped.
    tell_of_bus_errors()
    # What reads ahead wants the interpreter for moments, and would wait 5 ms for each.
    sys.setswitchinterval(SWITCH_INTERVAL)
    code = main(read_ahead=True)
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _load(command: str) -> ModuleType:
    found = importlib.import_module(f"fastada.cli.{command}")
    if not gc.isenabled():
        # What was loaded is no garbage and need not be looked through.
        gc.freeze()
        gc.enable()
    return found


def _in_one_line(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        name = f"{error.filename}: " if error.filename is not None else ""
        return f"{name}{error.strerror}"
    return " ".join(str(error).split()) or type(error).__name__


def _fail(message: str, code: int) -> int:
    print(f"fastada: error: {message}", file=sys.stderr)
    return code
