"""Files of labelled rows in any of the usual formats.

file = DataFile(path, options)           guesses what options leave open
for chunk in file.chunks(problems): ...  from the beginning

What reads rows comes, and NumPy with it, when rows are read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from fastada.formats.layout import Layout, guess_layout
from fastada.formats.options import LABEL_PREFIX, ReadOptions
from fastada.formats.problems import FormatError, Problems
from fastada.formats.source import BYTE_ORDER_MARK, Source, TruncatedError
from fastada.read_ahead import Piece, ReadAhead

if TYPE_CHECKING:
    from fastada.formats.chunk import Chunk

__all__ = [
    "DELIMITERS",
    "FORMATS",
    "VECTORS",
    "DataFile",
    "FormatError",
    "Problems",
    "ReadOptions",
]

DELIMITERS = {"csv": ",", "tsv": "\t"}
FORMATS = (*DELIMITERS, "jsonl", "fasttext", "text", "svmlight", "vw", "parquet")
VECTORS = ("svmlight", "vw")

_SUFFIXES = {
    ".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl",
    ".parquet": "parquet", ".svm": "svmlight", ".svmlight": "svmlight", ".libsvm": "svmlight",
    ".vw": "vw", ".ft": "fasttext", ".fasttext": "fasttext",
}  # fmt: skip
_COMPRESSED = (".gz", ".xz", ".bz2", ".zst")
_SVMLIGHT = re.compile(r"[^\s|:]+(\s+\d+:[-+.\deE]+)+\s*(#.*)?$")
_VOWPAL = re.compile(r"(-?[\d.]+\s+){0,3}('?\S*)?\|\w*(:[\d.]+)?(\s|$)")

# Of the beginning of a file, what is looked at to guess.
SAMPLE_LINES, SAMPLE_BYTES = 100, 1 << 16


class DataFile:
    """A file that has been looked at.

    Parameters
    ----------
    path : str
        "-" is standard input, which can be read once.
    options : ReadOptions
    begun : ReadAhead, optional
        What has begun to read it.

    Attributes
    ----------
    format : str
        One of FORMATS.
    source : Source

    Raises
    ------
    FormatError
        If it is empty, or a column that was asked for is not there.
    OSError
        If it cannot be opened.
    """

    def __init__(self, path: str, options: ReadOptions, begun: ReadAhead | None = None) -> None:
        self.source = Source(path, begun)
        self._begun: Iterator[Piece] | None = self.source.pieces()
        try:
            self._first = next(self._begun, b"")
            # A pipe gives what has been written so far.
            while 0 < len(self._first) < SAMPLE_BYTES and b"\n" not in bytes(self._first):
                more = next(self._begun, b"")
                if not more:
                    break
                self._first = b"".join([self._first, more])
        except TruncatedError as error:
            raise FormatError(f"{self.source.name}: {error}") from None
        if not self._first:
            raise FormatError(f"{self.source.name} is empty")
        self.format, self.layout = look_at(self._first, path, options, self.source.name)
        if options.labelled and self.layout is not None and self.layout.label is None:
            raise FormatError(f"{self.source.name} has one column: there are no labels")
        if options.labelled and self.format == "text":
            raise FormatError(f"{self.source.name} is plain text, without labels; see --format")
        self.options = options._replace(format=self.format)

    def describe(self) -> str:
        """Say how the file is read."""
        parts = [self.format]
        if self.source.compression:
            parts.append(self.source.compression)
        if self.layout is not None:
            parts.append(str(self.layout))
        return f"{self.source.name}: read as {', '.join(parts)}"

    def chunks(self, problems: Problems) -> Iterator[Chunk]:
        """Read the file from its beginning.

        Raises
        ------
        FormatError
            At the first bad row, unless those are to be skipped.
        """
        from fastada.formats.chunk import without_long_texts

        for chunk in self._chunks():
            if chunk.texts is not None:
                chunk = without_long_texts(chunk, self.options.longest_text)
            chunk.faults.sort()
            problems.bad_rows(chunk.faults)
            yield chunk

    def _chunks(self) -> Iterator[Chunk]:
        if self.format == "parquet":
            from fastada.formats import parquet

            self.source.position = 0
            return parquet.read(self.source, self.options)
        if self._begun is not None:
            begun, self._begun = self._begun, None
            pieces: Iterator[Piece] = chain([self._first], begun)
        else:
            pieces = self.source.pieces()
        if self.layout is not None:
            from fastada.formats import delimited

            layout = self.layout
            if not self.options.labelled:
                layout = layout._replace(label=None)
            return delimited.read(pieces, layout)
        from fastada.formats import simple, sparse
        from fastada.formats.lines import read_lines

        readers: dict[str, Callable[..., Iterator[Chunk]]] = {
            "jsonl": simple.read_jsonl,
            "fasttext": simple.read_fasttext,
            "text": simple.read_plain,
            "svmlight": sparse.read_svmlight,
            "vw": sparse.read_vowpal,
        }
        return readers[self.format](read_lines(pieces), self.options)


def look_at(first: Piece, path: str, options: ReadOptions, name: str) -> tuple[str, Layout | None]:
    """Say by a file's first bytes which format it has, and how it is laid out, if it is a table.

    Raises
    ------
    FormatError
        If a column that was asked for is not there.
    """
    head = bytes(first[:SAMPLE_BYTES]).removeprefix(BYTE_ORDER_MARK)
    *lines, rest = head.decode("utf-8", "replace").split("\n")
    # The last line may be cut in two.
    lines = [line.rstrip("\r") for line in lines[:SAMPLE_LINES] or [rest]]
    sample = [line for line in lines if line.strip()]
    found = options.format or guess_format(path, sample)
    if found in DELIMITERS:
        return found, guess_layout(sample, DELIMITERS[found], options, name)
    return found, None


def guess_format(path: str, sample: list[str]) -> str:
    """Guess by the name, or else by the first lines."""
    stem, suffix = os.path.splitext(path.lower())
    if suffix in _COMPRESSED:
        suffix = os.path.splitext(stem)[1]
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    if not sample:
        return "text"
    tests: dict[str, Callable[[str], Any]] = {
        "parquet": lambda line: line.startswith("PAR1"),
        "jsonl": lambda line: line.lstrip().startswith("{"),
        "fasttext": lambda line: line.startswith(LABEL_PREFIX),
        "svmlight": _SVMLIGHT.match,
        "tsv": lambda line: "\t" in line,
        "vw": _VOWPAL.match,
    }
    return next((name for name, fits in tests.items() if all(map(fits, sample[:10]))), "text")
