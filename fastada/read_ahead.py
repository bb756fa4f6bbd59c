"""A file read in pieces, by a thread of its own while a process is still loading what it needs.

This module loads no NumPy, to be there before it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from queue import SimpleQueue
from typing import BinaryIO

PIECE = 1 << 20
# Of the end of a piece, what is looked at for the end of a line.
WINDOW = 1 << 14
# Pieces that have been read and wait.
MOST_WAITING = 40


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


class ReadAhead:
    """A file that is being read.

    Parameters
    ----------
    path : str
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._read: SimpleQueue[bytes | OSError | None] = SimpleQueue()
        self._room = threading.Semaphore(MOST_WAITING)
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        try:
            with open(self._path, "rb", buffering=0) as file:
                for piece in pieces(file):
                    self._read.put(piece)
                    self._room.acquire()
        except OSError as error:
            self._read.put(error)
        self._read.put(None)

    def pieces(self) -> Iterator[bytes]:
        """Give the pieces, once."""
        while (piece := self._read.get()) is not None:
            if isinstance(piece, OSError):
                raise piece
            self._room.release()
            yield piece
