"""CSV and TSV.

Blocks without quotes are cut by NumPy, and no Python object is made of a text; records with quotes
go through the csv module.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Generator, Iterable, Iterator
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastada._tables import find_cells, has_byte, number_cells
from fastada.formats.chunk import Chunk, CodedLabels, Strings, sound
from fastada.formats.layout import Layout
from fastada.formats.lines import Lines, cut_again, left_out, read_lines, without_blank
from fastada.formats.options import LONGEST_LINE
from fastada.formats.problems import Fault
from fastada.read_ahead import Piece

QUOTE = ord('"')
# Bytes: a longer text is taken not to be of white space alone.
LONGEST_BLANK = 32


def read(pieces: Iterable[Piece], layout: Layout) -> Iterator[Chunk]:
    """Read a table; its cells are those of `layout`."""
    blocks = read_lines(pieces, blank_is_bad=not layout.quoting)
    if layout.quoting:
        blocks = without_blank(_whole_records(blocks))
    return (_chunk(lines, layout) for lines in _without_header(blocks, layout))


def _without_header(blocks: Iterable[Lines], layout: Layout) -> Iterator[Lines]:
    header = layout.header
    for lines in blocks:
        if header and len(lines):
            bad = np.zeros(len(lines), bool)
            bad[0], header = True, False
            yield lines.without(bad)
        else:
            yield lines


def _chunk(lines: Lines, layout: Layout) -> Chunk:
    n_bytes, faults = len(lines.data), list(lines.faults)
    lines = sound(lines, faults)
    of_lines = _quoted_chunk if layout.quoting and has_byte(lines.data, QUOTE) else _plain_chunk
    chunk = of_lines(lines, layout, faults)
    chunk.n_bytes = n_bytes
    return chunk


def _plain_chunk(lines: Lines, layout: Layout, faults: list[Fault]) -> Chunk:
    data = lines.data
    wanted = [layout.text] if layout.label is None else [layout.text, layout.label]
    starts = np.empty((len(wanted), len(lines)), np.int64)
    ends, n_found = np.empty_like(starts), np.empty(len(lines), np.int64)
    find_cells(
        data, lines.starts, lines.ends, ord(layout.delimiter),
        np.array(wanted, np.int64), starts, ends, n_found,
    )  # fmt: skip
    wrong = n_found != layout.n_columns
    if wrong.any():
        for i in np.flatnonzero(wrong).tolist():
            faults.append(_wrong_number(int(lines.numbers[i]), int(n_found[i]), layout))
        lines = lines.without(wrong)
        starts, ends = starts[:, ~wrong].copy(), ends[:, ~wrong].copy()
    labels = None if layout.label is None else _labels(data, starts[1], ends[1])
    text_starts, text_ends = starts[0], ends[0]
    chunk = Chunk(lines.numbers, labels, _strings(lines, text_starts, text_ends), faults=faults)
    return _checked(chunk, _empty(data, text_starts, text_ends).tolist())


def _wrong_number(line: int, n_found: int, layout: Layout) -> Fault:
    return Fault(line, "wrong number of columns", f"{n_found}, not {layout.n_columns}")


def _labels(data: Piece, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> CodedLabels:
    codes, firsts = np.empty(len(starts), np.int64), np.empty(len(starts), np.int64)
    n_different = number_cells(data, starts, ends, codes, firsts)
    if n_different >= 0:
        firsts = firsts[:n_different]
        starts, ends = starts[firsts], ends[firsts]
    # Python's dictionaries hash by a secret.
    places: dict[str, int] = {}
    found = [
        places.setdefault(str(data[start:end], "utf-8").strip(), len(places))
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
    ]
    numbers = np.array(found, np.int64)
    return CodedLabels(list(places), numbers if n_different < 0 else numbers[codes])


def _quoted_chunk(lines: Lines, layout: Layout, faults: list[Fault]) -> Chunk:
    csv.field_size_limit(2 * LONGEST_LINE)
    numbers: list[int] = []
    labels: list[str] = []
    texts: list[str] = []
    for number, line in lines:
        try:
            rows = list(
                csv.reader(
                    io.StringIO(line.decode(), newline=""), delimiter=layout.delimiter, strict=True
                )
            )
        except csv.Error as error:
            faults.append(Fault(number, "bad quoting", str(error)))
            continue
        row = rows[0] if rows else []
        if len(row) != layout.n_columns:
            faults.append(_wrong_number(number, len(row), layout))
            continue
        numbers.append(number)
        texts.append(row[layout.text])
        labels.append("" if layout.label is None else row[layout.label].strip())
    chunk = Chunk(
        np.array(numbers, np.int64), None if layout.label is None else labels, texts, faults=faults
    )
    return _checked(chunk, [i for i, text in enumerate(texts) if not text.strip()])


def _strings(lines: Lines, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Strings:
    """Strings inside lines, not copied."""
    base = np.frombuffer(lines.data, np.uint8).ctypes.data
    return Strings((starts + base).astype(np.uint64), ends - starts, lines.data, lines.kinds)


def _empty(data: Piece, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[Any]:
    """Positions of texts of white space alone."""
    suspects = np.flatnonzero(ends - starts < LONGEST_BLANK).tolist()
    return np.array([i for i in suspects if not bytes(data[starts[i] : ends[i]]).strip()], np.int64)


def _checked(chunk: Chunk, empty: list[int]) -> Chunk:
    """Leave out rows without a text or without a label."""
    kinds = dict.fromkeys(empty, "empty text")
    labels = chunk.labels
    if labels is not None and "" in (labels.names if isinstance(labels, CodedLabels) else labels):
        kinds |= {i: "empty label" for i, label in enumerate(labels) if not label}
    if not kinds:
        return chunk
    chunk.faults += [Fault(int(chunk.numbers[i]), kind) for i, kind in kinds.items()]
    return chunk.only(np.delete(np.arange(len(chunk)), list(kinds)))


def _whole_records(blocks: Iterable[Lines]) -> Iterator[Lines]:
    """Join lines that a quoted line break cuts in two; a record has an even number of quotes.

    A quote that is open at the end, or where a line is left out, or for too long, costs its line.
    """
    waiting = iter(blocks)
    # Of a record whose quote is open.
    carried: list[Piece] = []
    first = 0
    while (lines := next(waiting, None)) is not None or carried:
        if lines is not None and not carried and (lines.faults or not has_byte(lines.data, QUOTE)):
            yield lines
            continue
        if lines is not None and not lines.faults:
            if carried and not _may_close(lines.data):
                carried.append(lines.data)
            else:
                number = first if carried else int(lines.numbers[0])
                rest, first = yield from _records(b"".join([*carried, lines.data]), number)
                carried = [rest] if rest else []
            if sum(map(len, carried)) <= LONGEST_LINE:
                continue
            lines = None
        yield left_out([Fault(first, "bad quoting", "a quote is never closed")])
        data = b"".join(carried)
        carried = []
        if lines is not None:
            waiting = chain([lines], waiting)
        end = data.find(b"\n") + 1
        if end:
            waiting = chain(cut_again(data[end:], first + 1), waiting)


def _may_close(data: Piece) -> bool:
    """Whether a quote that was open before is closed at the end of any of the lines."""
    if not has_byte(data, QUOTE):
        return False
    _, quotes = _breaks(data)
    return bool((quotes % 2 == 1).any())


def _breaks(data: Piece) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give the ends of lines, and the number of quotes before each."""
    array = np.frombuffer(data, np.uint8)
    breaks = np.flatnonzero(array == ord("\n"))
    if data and data[-1] != ord("\n"):
        breaks = np.append(breaks, len(data))
    return breaks, np.searchsorted(np.flatnonzero(array == ord('"')), breaks)


def _records(data: bytes, first: int) -> Generator[Lines, None, tuple[bytes, int]]:
    """Yield the complete records; return what is left and its line."""
    array = np.frombuffer(data, np.uint8)
    breaks, quotes = _breaks(data)
    whole = quotes % 2 == 0
    ends = breaks[whole]
    starts = np.concatenate(([0], ends[:-1] + 1)) if len(ends) else ends
    line = np.arange(first, first + len(breaks))[whole]
    numbers = np.concatenate(([first], line[:-1] + 1)) if len(ends) else line
    carriage = (ends > starts) & (array[np.maximum(ends - 1, 0)] == ord("\r"))
    ends = ends - carriage
    if len(ends):
        yield Lines(data, starts, ends, numbers)
    if not len(breaks) or whole[-1]:
        return b"", first
    stop = int(breaks[whole][-1]) + 1 if whole.any() else 0
    return data[stop:], int(line[-1]) + 1 if len(line) else first
