"""Files and standard input as pieces of decompressed bytes."""

from __future__ import annotations

import io
import os
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from itertools import chain
from typing import Any, BinaryIO

from fastada.formats.problems import FormatError
from fastada.read_ahead import PIECE, Piece, ReadAhead, pieces

STDIN = "-"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_MAGIC = {b"\x1f\x8b": "gzip", b"\xfd7zXZ\x00": "xz", b"BZh": "bzip2", b"\x28\xb5\x2f\xfd": "zstd"}


def compression_of(first: Piece) -> str | None:
    """Say by the first bytes of a file how it is compressed."""
    return next((name for magic, name in _MAGIC.items() if first[: len(magic)] == magic), None)


class _Gunzip:
    """zlib behind the interface of bz2's and lzma's decompressors."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=31)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        result = self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)
        self.needs_input = not self._zlib.unconsumed_tail
        return result


class _Pieces(io.RawIOBase):
    """Pieces of bytes as a file."""

    def __init__(self, pieces: Iterator[Piece]) -> None:
        self._pieces = pieces
        self._rest = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        self._rest = self._rest or bytes(next(self._pieces, b""))
        result, self._rest = self._rest[:size], self._rest[size:]
        return result


def _unzstd(pieces: Iterator[Piece]) -> Iterator[bytes]:
    try:
        import pyarrow
    except ImportError:
        raise FormatError(
            "zstd files need pyarrow (pip install pyarrow); or: zstd -dc FILE | fastada ..."
        ) from None
    with pyarrow.CompressedInputStream(pyarrow.PythonFile(_Pieces(pieces), "r"), "zstd") as file:
        while True:
            try:
                piece = file.read(PIECE)
            except OSError as error:
                raise TruncatedError(f"zstd data is damaged or ends early ({error})") from None
            if not piece:
                return
            yield piece


def _decompressor(compression: str) -> tuple[Callable[[], Any], type[Exception]]:
    """What makes a decompressor, and its error; loaded when a file needs it."""
    if compression == "xz":
        from lzma import LZMADecompressor, LZMAError

        return LZMADecompressor, LZMAError
    if compression == "bzip2":
        from bz2 import BZ2Decompressor

        return BZ2Decompressor, OSError
    return _Gunzip, zlib.error


class TruncatedError(Exception):
    """A compressed file ends early, or is damaged."""


class Source:
    """A file, or standard input.

    Parameters
    ----------
    path : str
        "-" is standard input, which can be read once.
    begun : ReadAhead, optional
        What has read it as far as it has been.

    Attributes
    ----------
    name : str
    compression : str or None
        Told by the first bytes; known once reading has begun.
    size : int or None
        Bytes of the file as it is stored.
    position : int
        Stored bytes read so far.
    hashed : HashAhead or None
        What hashes the file's texts while it is read for the first time.
    """

    def __init__(self, path: str, begun: ReadAhead | None = None) -> None:
        self.path = path
        self._begun = begun
        self.hashed = None if begun is None else begun.hashed
        self.is_stdin = path == STDIN
        self.name = "<stdin>" if self.is_stdin else path
        self.size = None if self.is_stdin else os.stat(path).st_size
        self.compression: str | None = None
        self.position = 0

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Open the stored bytes."""
        if self.is_stdin:
            yield sys.stdin.buffer
        else:
            with open(self.path, "rb", buffering=0) as file:
                yield file

    def pieces(self) -> Iterator[Piece]:
        """Yield the decompressed bytes from the beginning.

        Raises
        ------
        TruncatedError
            After all that could be read.
        """
        self.position = 0
        begun, self._begun = self._begun, None
        with self._stored() if begun is None else nullcontext(begun.pieces()) as found:
            stored = self._counted(found)
            first = next(stored, b"")
            self.compression = compression_of(first)
            if self.compression is None:
                if first:
                    yield first
                yield from stored
            elif self.compression == "zstd":
                yield from _unzstd(chain([first], stored))
            else:
                yield from self._decompressed(first, stored, self.compression)

    @contextmanager
    def _stored(self) -> Iterator[Iterator[Piece]]:
        with self.open() as file:
            yield pieces(file)

    def _counted(self, stored: Iterator[Piece]) -> Iterator[Piece]:
        for piece in stored:
            self.position += len(piece)
            yield piece

    def _decompressed(
        self, data: Piece, stored: Iterator[Piece], compression: str
    ) -> Iterator[bytes]:
        make, damage = _decompressor(compression)
        decompressor = make()
        while True:
            try:
                result = decompressor.decompress(data, PIECE)
            except (damage, OSError, EOFError) as error:
                raise TruncatedError(f"{compression} data is damaged ({error})") from None
            if result:
                yield result
            data = b""
            if decompressor.eof:
                # Another member may follow; zeros are padding.
                data = bytes(decompressor.unused_data or next(stored, b"")).lstrip(b"\x00")
                if not data:
                    return
                decompressor = make()
            elif decompressor.needs_input:
                data = next(stored, b"")
                if not data:
                    raise TruncatedError(f"{compression} data ends early")
