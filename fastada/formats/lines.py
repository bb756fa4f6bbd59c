"""Bytes cut into lines, many at a time and without a Python object for each."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from fastada._tables import has_byte, line_ends
from fastada.formats.options import LONGEST_LINE
from fastada.formats.problems import Fault
from fastada.formats.source import BYTE_ORDER_MARK, TruncatedError
from fastada.read_ahead import PIECE, WINDOW, Piece, last_break

# Lines are gathered up to this size before they are looked at; a piece of a file with all lines
# whole is as large.
BLOCK = PIECE - WINDOW
# Lines are handed on so many at a time: what is wrong with each takes more memory than a short one.
MOST_LINES = 1 << 16

LINE_FEED, RETURN = 10, 13
# Room is made for lines of this size, and for more of them where they are shorter.
SHORT_LINE = 64


class Lines:
    """Lines that follow each other in a file.

    Attributes
    ----------
    data : bytes or memoryview
        All of them.
    starts, ends : ndarray of int64
        Of each line in `data`, without its line break.
    numbers : ndarray of int64
        Of each line in the file, from 1.
    faults : list of Fault
        Of lines left out before or among them.
    kinds : ndarray of uint8, or None
        What _arrow.inspect says of each line, where they have been looked at.
    """

    def __init__(
        self,
        data: bytes | memoryview,
        starts: NDArray[np.int64],
        ends: NDArray[np.int64],
        numbers: NDArray[np.int64],
        faults: Sequence[Fault] = (),
        kinds: NDArray[np.uint8] | None = None,
    ) -> None:
        self.data, self.starts, self.ends, self.numbers = data, starts, ends, numbers
        self.faults, self.kinds = faults, kinds

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, i: int) -> bytes:
        return bytes(self.data[self.starts[i] : self.ends[i]])

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        """Yield number and bytes of each line."""
        data = self.data
        rows = zip(self.numbers.tolist(), self.starts.tolist(), self.ends.tolist(), strict=True)
        for number, start, end in rows:
            yield number, bytes(data[start:end])

    def without(self, bad: NDArray[np.bool_]) -> Lines:
        """Leave out some of the lines."""
        good = ~bad
        return Lines(
            self.data,
            self.starts[good],
            self.ends[good],
            self.numbers[good],
            self.faults,
            None if self.kinds is None else self.kinds[good],
        )


def left_out(faults: Sequence[Fault]) -> Lines:
    """Give no lines, but what is wrong with others."""
    none = np.empty(0, np.int64)
    return Lines(b"", none, none, none, faults)


def read_lines(pieces: Iterable[Piece], *, blank_is_bad: bool = True) -> Iterator[Lines]:
    """Cut pieces of a file into blocks of whole lines.

    Lines that are too long are left out as faults, as are empty lines, if they are bad, unless the
    file ends with them; so is the end of a damaged file.
    """
    blocks = _blocks(pieces)
    return without_blank(blocks) if blank_is_bad else blocks


def without_blank(blocks: Iterable[Lines]) -> Iterator[Lines]:
    """Leave out empty lines, those that others follow as faults.

    What comes in has lines or faults, not both.
    """
    # Those that nothing has followed yet; there may be any number.
    waiting = range(0)
    for lines in blocks:
        empty = lines.ends == lines.starts
        blank, full = lines.numbers[empty], lines.without(empty)
        if len(full) or lines.faults:
            for i in range(0, len(waiting), MOST_LINES):
                yield left_out(_empty(waiting[i : i + MOST_LINES]))
            waiting = range(0)
        if len(full):
            last = np.searchsorted(blank, full.numbers[-1])
            full.faults = _empty(blank[:last].tolist())
            yield full
            blank = blank[last:]
        elif lines.faults:
            yield lines
        if len(blank):
            waiting = range(waiting.start or int(blank[0]), int(blank[-1]) + 1)


def _empty(numbers: Iterable[int]) -> list[Fault]:
    return [Fault(number, "empty row") for number in numbers]


def _blocks(pieces: Iterable[Piece]) -> Iterator[Lines]:
    """Yield blocks of whole lines, empty ones among them; each has lines or faults."""
    number = 1
    pending: list[Piece] = []
    size = 0
    skipping = False
    iterator = iter(pieces)
    begun = False
    damage = ""
    while True:
        try:
            piece = next(iterator, b"")
        except TruncatedError as error:
            piece, damage = b"", str(error)
        if not piece:
            break
        if not begun:
            begun = True
            if piece[: len(BYTE_ORDER_MARK)] == BYTE_ORDER_MARK:
                piece = piece[len(BYTE_ORDER_MARK) :]
        if skipping:
            end = bytes(piece).find(b"\n")
            if end < 0:
                continue
            piece, skipping = piece[end + 1 :], False
        end = last_break(piece) + 1
        if end and size + end >= BLOCK:
            whole = not size and end == len(piece)
            block = piece if whole else b"".join([*pending, memoryview(piece)[:end]])
            number = yield from _cut(block, number)
            pending, size = [piece[end:]], len(piece) - end
            continue
        pending.append(piece)
        size += len(piece)
        if size > LONGEST_LINE:
            joined = b"".join(pending)
            number = yield from _cut(joined[: joined.rfind(b"\n") + 1], number)
            fault = Fault(number, "line too long", f"more than {LONGEST_LINE >> 20} MB")
            yield left_out([fault])
            number += 1
            pending, size, skipping = [], 0, True
    rest = pending[0] if len(pending) == 1 else b"".join(pending)
    if damage:
        number = yield from _cut(rest[: last_break(rest) + 1], number)
        yield left_out([Fault(number, "file cut short", damage)])
    else:
        yield from _cut(rest, number)


def cut_again(data: bytes, first: int) -> Iterator[Lines]:
    """Cut bytes into blocks of whole lines, of which `first` is the number of the first."""
    begin = 0
    while begin < len(data):
        end = data.rfind(b"\n", begin, begin + BLOCK) + 1
        end = end or data.find(b"\n", begin + BLOCK) + 1 or len(data)
        first = yield from _cut(data[begin:end], first)
        begin = end


def _cut(block: Piece, first: int) -> Generator[Lines, None, int]:
    """Yield the lines of a block; return the number of the line after it."""
    ends = np.empty(len(block) // SHORT_LINE + 1, np.int64)
    n_lines = line_ends(block, ends)
    if n_lines > len(ends):
        ends = np.empty(n_lines, np.int64)
        line_ends(block, ends)
    ends = ends[:n_lines]
    if block and block[-1] != LINE_FEED:
        ends = np.append(ends, len(block))
    starts = np.concatenate(([0], ends[:-1] + 1)) if len(ends) else ends
    numbers = np.arange(first, first + len(ends))
    if has_byte(block, RETURN):
        array = np.frombuffer(block, np.uint8)
        returns = (ends > starts) & (array[np.maximum(ends - 1, 0)] == RETURN)
        ends = ends - returns
    if len(ends) <= MOST_LINES:
        if len(ends):
            yield Lines(block, starts, ends, numbers)
        return first + len(ends)
    bounds = [*starts[::MOST_LINES].tolist(), len(block)]
    for i, (begin, end) in enumerate(pairwise(bounds)):
        some = slice(i * MOST_LINES, (i + 1) * MOST_LINES)
        yield Lines(block[begin:end], starts[some] - begin, ends[some] - begin, numbers[some])
    return first + len(ends)
