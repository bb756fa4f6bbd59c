"""A file read in pieces, by a thread of its own while a process is still loading what it needs.

This module loads no NumPy, to be there before it.
"""

from __future__ import annotations

import mmap
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
# What is read at once by who reads ahead.
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


def pieces_of_slabs(file: BinaryIO) -> Iterator[memoryview]:
    """Read a file to its end, in pieces like those of `pieces`, but many of them at once.

    A thread that reads has to wait for the interpreter after each time that it does.
    """
    rest = memoryview(b"")
    while True:
        slab, filled = _memory(), len(rest)
        slab[:filled] = rest
        while filled < SLAB and (n_read := file.readinto(slab[filled:])):  # type: ignore[attr-defined]
            filled += n_read
        begin = 0
        while filled - begin >= PIECE:
            piece = slab[begin : begin + PIECE]
            whole = last_break(piece) + 1
            # Unless a long line does not end there.
            size = whole if whole > max(0, PIECE - WINDOW) else PIECE
            begin += size
            yield piece[:size]
        rest = slab[begin:filled]
        if filled < SLAB:
            if rest:
                yield rest
            return


def last_break(piece: Piece) -> int:
    """Give the place of the last line feed, or -1."""
    window = max(0, len(piece) - WINDOW)
    found = bytes(piece[window:]).rfind(b"\n")
    return window + found if found >= 0 else bytes(piece).rfind(b"\n")


def _memory() -> memoryview:
    """Memory for a slab, which is not written before what is read."""
    if not hasattr(mmap, "MAP_PRIVATE"):
        return memoryview(bytearray(SLAB))
    # On pages of the usual size: a virtual machine that gives large ones back to its host once they
    # are free waits long for each.
    return memoryview(mmap.mmap(-1, SLAB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))


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
                for number, piece in enumerate(pieces_of_slabs(file)):
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
