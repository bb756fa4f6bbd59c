"""Where things are in a table."""

from __future__ import annotations

import csv
from typing import Any, NamedTuple

from fastada.formats.options import (
    LABEL_NAMES,
    LONGEST_LINE,
    TEXT_NAMES,
    ReadOptions,
    column_of,
    is_number,
)
from fastada.formats.problems import FormatError

NAMES = frozenset(TEXT_NAMES + LABEL_NAMES)


class Layout(NamedTuple):
    """Where things are in a table; columns count from 0."""

    delimiter: str
    quoting: bool
    header: bool
    n_columns: int
    text: int
    label: int | None

    def __str__(self) -> str:
        parts = [f"text in column {self.text + 1}"]
        parts.append("no label" if self.label is None else f"label in column {self.label + 1}")
        parts.append("a header" if self.header else "no header")
        return ", ".join(parts)


def guess_layout(sample: list[str], delimiter: str, options: ReadOptions, name: str) -> Layout:
    """Find the columns by their names, or else by what is in the first lines.

    Raises
    ------
    FormatError
        If a column that was asked for is not there.
    """
    quoting = options.quoting if options.quoting is not None else delimiter == ","
    csv.field_size_limit(2 * LONGEST_LINE)
    mode: Any = csv.QUOTE_MINIMAL if quoting else csv.QUOTE_NONE
    # Before Python 3.11 csv refuses a NUL, and always a carriage return inside a line; rows that
    # hold one are reported when they are read.
    readable = [line.replace("\0", "").replace("\r", " ") + "\n" for line in sample]
    rows = list(csv.reader(readable, delimiter=delimiter, quoting=mode))
    rows = [row for row in rows if row] or [[""]]
    first = [field.strip().lower() for field in rows[0]]
    wanted = [c.lower() for c in (options.text_column, options.label_column) if c]
    header = options.header
    if header is None:
        header = bool(NAMES & set(first)) or any(c in first for c in wanted if not is_number(c))
    body = rows[1:] or rows if header else rows
    n_columns = len(rows[0])
    names = rows[0] if header else [""] * n_columns

    def find(asked: str | None, usual: tuple[str, ...]) -> int | None:
        found = column_of(names, asked, usual)
        if asked is not None and found is None:
            known = f"; its columns are {', '.join(rows[0])}" if header else ""
            raise FormatError(f"{name} has {n_columns} columns and none called {asked!r}{known}")
        return found

    def column(position: int) -> list[str]:
        return [row[position] for row in body if position < len(row)]

    label = find(options.label_column, LABEL_NAMES)
    text = find(options.text_column, TEXT_NAMES)
    if text is None:
        others = [i for i in range(n_columns) if i != label] or [0]
        text = max(others, key=lambda i: sum(map(len, column(i))))
    if label is None and n_columns > 1:
        others = [i for i in range(n_columns) if i != text]
        label = min(others, key=lambda i: len(set(column(i))))
    return Layout(delimiter, quoting, header, n_columns, text, label)
