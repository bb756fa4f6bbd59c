"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO

SUFFIX = ".tmp"


def replace_file(path: str | os.PathLike[str], parts: Iterable[Any]) -> None:
    """Write parts one after the other in the place of a file, which stays as it was until then.

    They go to a new file beside it, which takes its name once all of it is on the disk. Owner and
    permissions are those that opening the file for writing would give. A device or a pipe is
    written to as it is.

    Parameters
    ----------
    path : str or path-like
    parts : iterable of bytes-like
        Contiguous.

    Raises
    ------
    OSError
        With the file's name; nothing is left beside it.
    """
    # A link stays a link, to a new file.
    target = os.path.realpath(path)
    with _named(target):
        try:
            old = os.stat(target)
        except FileNotFoundError:
            mode = None
        else:
            if not stat.S_ISREG(old.st_mode):
                with open(target, "wb") as file:
                    _write(file, parts)
                return
            if not os.access(target, os.W_OK):
                raise PermissionError(13, "Permission denied")
            mode = stat.S_IMODE(old.st_mode)
        _replace(target, parts, mode)


def remove_leftovers(path: str | os.PathLike[str]) -> None:
    """Remove what writers of this file that were killed have left beside it."""
    target = os.path.realpath(path)
    folder = os.path.dirname(target)
    with suppress(OSError):
        for name in os.listdir(folder):
            if re.fullmatch(f"{re.escape(_prefix(target))}[0-9a-f]{{12}}{re.escape(SUFFIX)}", name):
                os.unlink(os.path.join(folder, name))


def _prefix(target: str) -> str:
    # Names have 255 bytes at most.
    return f".{os.path.basename(target)[:50]}."


def _replace(target: str, parts: Iterable[Any], mode: int | None) -> None:
    folder = os.path.dirname(target)
    new = os.path.join(folder, f"{_prefix(target)}{os.urandom(6).hex()}{SUFFIX}")
    # Made anew, with the permissions of umask and default ACLs.
    file = open(new, "xb")  # noqa: SIM115
    try:
        with file:
            _write(file, parts)
        if mode is not None:
            os.chmod(new, mode)
        os.replace(new, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(new)
        raise
    # The name is on the disk once the folder is. Where folders cannot be opened, it has to do
    # without.
    with suppress(OSError):
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def _write(file: BinaryIO, parts: Iterable[Any]) -> None:
    for part in parts:
        file.write(part)
    file.flush()
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        os.fsync(file.fileno())


@contextmanager
def _named(target: str) -> Iterator[None]:
    """Have errors name the file that was asked for, not the one beside it."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, os.strerror(error.errno), target) from None
