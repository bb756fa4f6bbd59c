"""What the user says about a file, None being left to be guessed; and what all formats make of it.

A table says the same as CSV, JSON Lines or Parquet: its columns are found, and its labels named, in
one way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

# A longer line is a bad row, and never held in memory as a whole.
LONGEST_LINE = 1 << 26
# Of the labels of fastText's format.
LABEL_PREFIX = "__label__"

TEXT_NAMES = ("text", "content", "body", "document", "message", "review", "sentence", "comment",
              "description", "question", "title")  # fmt: skip
LABEL_NAMES = ("label", "class", "category", "target", "sentiment", "topic", "intent", "y")


class ReadOptions(NamedTuple):
    """How to read a file.

    Attributes
    ----------
    format : str or None
        One of fastada.formats.FORMATS.
    text_column, label_column : str or None
        Name, or number from 1.
    header : bool or None
        Whether the first row of a table names its columns.
    quoting : bool or None
        Whether fields may stand in double quotes; None: in CSV, not in TSV.
    labelled : bool
        Whether labels are wanted: rows without one are bad rows.
    n_features : int
        Columns of vectors.
    longest_text : int
        Rows of longer texts, in bytes or characters, are bad rows.
    """

    format: str | None = None
    text_column: str | None = None
    label_column: str | None = None
    header: bool | None = None
    quoting: bool | None = None
    labelled: bool = True
    n_features: int = 1 << 20
    longest_text: int = LONGEST_LINE


def is_number(asked: str) -> bool:
    """Whether a column is asked for by its number."""
    return asked.isascii() and asked.isdigit() and len(asked) < 10


def column_of(names: Sequence[str], asked: str | None, usual: tuple[str, ...]) -> int | None:
    """Give the place of the column asked for, by name or number from 1, or else of a usual name.

    A name as it is written comes before one of another case.
    """
    folded = [name.strip().lower() for name in names]
    for name in usual if asked is None else (asked,):
        if name in names:
            return names.index(name)
        if name.strip().lower() in folded:
            return folded.index(name.strip().lower())
    if asked is not None and is_number(asked) and 1 <= int(asked) <= len(names):
        return int(asked) - 1
    return None


def label_of(value: Any) -> str:
    """Give the label that a value of a table stands for; empty if it stands for none."""
    if value is None or isinstance(value, list | dict | bytes) or value != value:
        return ""
    return str(value).strip()
