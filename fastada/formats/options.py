"""What the user says about a file; None is left to be guessed."""

from __future__ import annotations

from typing import NamedTuple


class ReadOptions(NamedTuple):
    """How to read a file.

    Attributes
    ----------
    format : str or None
        A key of fastada.formats.READERS.
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
    """

    format: str | None = None
    text_column: str | None = None
    label_column: str | None = None
    header: bool | None = None
    quoting: bool | None = None
    labelled: bool = True
    n_features: int = 1 << 20
