"""Rows read from a file: texts or vectors, with labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from fastada._arrow import inspect
from fastada._tables import has_byte
from fastada.formats.lines import Lines
from fastada.formats.problems import BadRowError, Fault

Row = TypeVar("Row")

INVALID_UTF8 = 3
NUL = 0


class Strings(NamedTuple):
    """UTF-8 strings where they lie.

    `owner` keeps them alive; `kinds` is what _arrow.inspect says of them, or of more text around.
    """

    addresses: NDArray[np.uint64]
    sizes: NDArray[np.int64]
    owner: object
    kinds: NDArray[np.uint8] | None = None

    def take(self, rows: NDArray[np.int64]) -> Strings:
        """Some of the strings."""
        kinds = None if self.kinds is None else self.kinds[rows]
        return Strings(self.addresses[rows], self.sizes[rows], self.owner, kinds)


class CodedLabels(Sequence[str]):
    """Labels as numbers of their names.

    Parameters
    ----------
    names : list of str
        Different ones, in the order of their first appearance.
    codes : ndarray of int64, shape (n_rows,)
    """

    def __init__(self, names: list[str], codes: NDArray[np.int64]) -> None:
        self.names = names
        self.codes = codes

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, row: Any) -> Any:
        return self.names[self.codes[row]]

    def __iter__(self) -> Iterator[str]:
        return map(self.names.__getitem__, self.codes.tolist())

    def take(self, rows: NDArray[np.int64]) -> CodedLabels:
        """Those of some rows."""
        left, first, codes = np.unique(self.codes[rows], return_index=True, return_inverse=True)
        place = np.argsort(first)
        rank = np.empty(len(left), np.int64)
        rank[place] = np.arange(len(left))
        return CodedLabels([self.names[code] for code in left[place].tolist()], rank[codes])


class Vectors(NamedTuple):
    """Rows of a CSR matrix."""

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    data: NDArray[np.float32]


class Chunk:
    """Rows that follow each other in a file.

    Attributes
    ----------
    numbers : ndarray of int64, shape (n_rows,)
        Line, or row, of each in the file, from 1.
    labels : sequence of str, or None
        None where the file has none.
    texts : Strings or list of bytes or str, or None
    vectors : Vectors or None
    weights : ndarray of float64, shape (n_rows,), or None
    n_bytes : int
        Size of the rows in the file.
    faults : list of Fault
        Lines, or rows, left out before or among them.
    """

    def __init__(
        self,
        numbers: NDArray[np.int64],
        labels: Sequence[str] | None,
        texts: Any = None,
        vectors: Vectors | None = None,
        weights: NDArray[np.float64] | None = None,
        n_bytes: int = 0,
        faults: list[Fault] | None = None,
    ) -> None:
        self.numbers, self.labels, self.texts = numbers, labels, texts
        self.vectors, self.weights, self.n_bytes = vectors, weights, n_bytes
        self.faults = [] if faults is None else faults

    def __len__(self) -> int:
        return len(self.numbers)

    def only(self, rows: NDArray[np.int64]) -> Chunk:
        """Keep some of the rows, which are texts."""
        texts, labels = self.texts, self.labels
        if isinstance(texts, Strings):
            texts = texts.take(rows)
        elif texts is not None:
            texts = [texts[row] for row in rows.tolist()]
        if isinstance(labels, CodedLabels):
            labels = labels.take(rows)
        elif labels is not None:
            labels = [labels[row] for row in rows.tolist()]
        weights = None if self.weights is None else self.weights[rows]
        return Chunk(self.numbers[rows], labels, texts, None, weights, self.n_bytes, self.faults)


def without_long_texts(chunk: Chunk, longest: int) -> Chunk:
    """Leave out rows of texts that are longer than that."""
    texts = chunk.texts
    sizes = texts.sizes if isinstance(texts, Strings) else np.array([len(text) for text in texts])
    long = np.flatnonzero(sizes > longest)
    if not len(long):
        return chunk
    chunk.faults += [
        Fault(number, "text too long", f"{size:,} bytes, {longest:,} at most with these n-grams")
        for number, size in zip(chunk.numbers[long].tolist(), sizes[long].tolist(), strict=True)
    ]
    return chunk.only(np.delete(np.arange(len(chunk)), long))


def sound(lines: Lines, faults: list[Fault]) -> Lines:
    """Leave out lines with NUL bytes or bad UTF-8, and add them to the faults."""
    bad = np.zeros(len(lines), bool)
    if has_byte(lines.data, NUL):
        for i, (number, line) in enumerate(lines):
            if b"\x00" in line:
                bad[i] = True
                faults.append(Fault(number, "NUL byte"))
    kinds = np.empty(len(lines), np.uint8)
    base = np.frombuffer(lines.data, np.uint8).ctypes.data
    inspect((lines.starts + base).astype(np.uint64), lines.ends - lines.starts, kinds)
    for i in np.flatnonzero((kinds == INVALID_UTF8) & ~bad).tolist():
        bad[i] = True
        faults.append(Fault(int(lines.numbers[i]), "bad UTF-8", _where(lines[i])))
    lines.kinds = kinds
    return lines.without(bad) if bad.any() else lines


def parsed(
    lines: Lines, parse: Callable[[str], Row], faults: list[Fault]
) -> Iterator[tuple[int, Row]]:
    """Number and parse sound lines; those for which `parse` raises BadRowError become faults."""
    for number, line in sound(lines, faults):
        try:
            row = parse(line.decode())
        except BadRowError as error:
            faults.append(Fault(number, error.kind, error.detail))
        else:
            yield number, row


def _where(line: bytes) -> str:
    try:
        line.decode()
    except UnicodeDecodeError as error:
        return f"byte {error.start + 1} of the line: {error.reason}"
    return ""
