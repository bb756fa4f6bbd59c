"""A file read in pieces, by a thread of its own while a process is still loading what it needs.

This module loads no NumPy, to be there before it.
"""

from __future__ import annotations

import mmap
import os
import threading
from collections import deque
from collections.abc import Iterator
from queue import SimpleQueue
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

if TYPE_CHECKING:
    from fastada.hash_ahead import HashAhead

# Bytes of a file.
Piece: TypeAlias = "bytes | memoryview"

PIECE = 1 << 20
# Of the end of a piece, what is looked at for the end of a line.
WINDOW = 1 << 14
# Pieces that have been read and wait.
MOST_WAITING = 40
# What is mapped at once by who reads ahead.
SLAB = 8 * PIECE


def pieces(file: BinaryIO) -> Iterator[bytes]:
    """Read a file to its end, in pieces that end with a line where that is to be had.

    Lines that are not cut in two need not be copied to be put together.
    """
    if not file.seekable():
        while piece := file.read(PIECE):
            yield piece
        return
    position = file.tell()
    window = min(WINDOW, PIECE)
    while True:
        file.seek(position + PIECE - window)
        end = file.read(window)
        # Unless the file ends here, or a long line does not.
        past = window - 1 - end.rfind(b"\n") if len(end) == window and b"\n" in end else 0
        file.seek(position)
        piece = file.read(PIECE - past)
        if not piece:
            return
        position += len(piece)
        yield piece


def mapped_pieces(file: BinaryIO) -> Iterator[Piece]:
    """Read a file from its beginning to its end, in pieces like those of `pieces`.

    They are the system's own copy of the file, and need no memory but that. Who cuts the file short
    meanwhile has the process stopped: fastada._bus_error says why.
    """
    size, position = os.fstat(file.fileno()).st_size, 0
    while position < size:
        before = position % mmap.ALLOCATIONGRANULARITY
        try:
            slab = _mapped(file, position - before, min(SLAB, size - position + before))
        except OSError:
            break
        except ValueError:  # of what is past the end by now
            raise OSError(f"{file.name} was cut short while it was in use") from None
        ends_here = position - before + len(slab) == size
        rest = slab[before:]
        while len(rest) > PIECE or (ends_here and rest):
            piece = rest[:PIECE]
            # Unless the file ends here, or a long line does not.
            whole = last_break(piece) + 1 if len(rest) > PIECE else len(piece)
            piece = piece[:whole] if whole > max(0, PIECE - WINDOW) else piece
            rest, position = rest[len(piece) :], position + len(piece)
            yield piece
    # Of what cannot be mapped, or has no size as it is on no disk, and of what is longer by now.
    file.seek(position)
    yield from pieces(file)


def _mapped(file: BinaryIO, begin: int, size: int) -> memoryview:
    """Part of a file, which the system begins to read."""
    found = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ, offset=begin)
    if hasattr(mmap, "MADV_WILLNEED"):
        found.madvise(mmap.MADV_WILLNEED)
    return memoryview(found)


def last_break(piece: Piece) -> int:
    """Give the place of the last line feed, or -1."""
    window = max(0, len(piece) - WINDOW)
    found = bytes(piece[window:]).rfind(b"\n")
    return window + found if found >= 0 else bytes(piece).rfind(b"\n")


class ReadAhead:
    """A file that is being read.

    Parameters
    ----------
    path : str
    hashed : HashAhead, optional
        Hashes what has been read, whenever there is no more to read or no room for it.
    """

    def __init__(self, path: str, hashed: HashAhead | None = None) -> None:
        self._path = path
        self.hashed = hashed
        self._read: SimpleQueue[Piece | Exception | None] = SimpleQueue()
        self._room = threading.Semaphore(MOST_WAITING)
        # Pieces that have been read and not been hashed.
        self._later: deque[Piece] = deque()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        try:
            with open(self._path, "rb", buffering=0) as file:
                for number, piece in enumerate(mapped_pieces(file)):
                    self._read.put(piece)
                    # By the time that more have been read, somebody takes them.
                    if self.hashed is not None and number < MOST_WAITING:
                        self._later.append(piece)
                    while not self._room.acquire(blocking=not self._later):
                        self._hash()
        except Exception as error:  # or the file would seem to end here
            self._read.put(error)
        finally:
            self._read.put(None)
        while self._later:
            self._hash()

    def _hash(self) -> None:
        if self.hashed is None or not self.hashed.goes_on:
            self._later.clear()
        else:
            self.hashed.add(self._later.popleft())

    def wait(self) -> None:
        """Wait until all has been done."""
        self._thread.join()

    def pieces(self) -> Iterator[Piece]:
        """Give the pieces, once."""
        while (piece := self._read.get()) is not None:
            if isinstance(piece, Exception):
                raise piece
            self._room.release()
            yield piece
