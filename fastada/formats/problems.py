"""Rows that cannot be used: reported by file and line, counted, and skipped or refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple

# Of each kind this many are told one by one, all are counted.
TOLD = 5


class FormatError(ValueError):
    """A file cannot be read as asked for."""


class BadRowError(Exception):
    """A row cannot be used: the kind of fault, and a detail."""

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(kind)
        self.kind = kind
        self.detail = detail


class Fault(NamedTuple):
    """What is wrong with a row; `kind` is what is counted together."""

    line: int
    kind: str
    detail: str = ""


class Problems:
    """What is wrong with the rows of one file.

    Parameters
    ----------
    name : str
        Of the file.
    skip : bool
        Leave bad rows out; otherwise the first one raises FormatError.
    tell : callable
        Takes a line for the user.
    """

    def __init__(self, name: str, skip: bool, tell: Callable[[str], None]) -> None:
        self.name = name
        self.skip = skip
        self.tell = tell
        self.counts: Counter[str] = Counter()

    def bad_row(self, line: int, kind: str, detail: str = "") -> None:
        """Take note of a row.

        Raises
        ------
        FormatError
            Unless bad rows are to be skipped.
        """
        self.bad_rows([Fault(line, kind, detail)])

    def bad_rows(self, faults: Iterable[Fault]) -> None:
        """Take note of rows, in the order given; raises as `bad_row` does."""
        for line, kind, detail in faults:
            if self.skip and self.counts[kind] >= TOLD:
                self.counts[kind] += 1
                continue
            message = f"{self.name}:{line}: {kind}" + (f": {detail}" if detail else "")
            if not self.skip:
                raise FormatError(message)
            self.counts[kind] += 1
            self.tell(f"{message}; row skipped")

    def summary(self) -> str:
        """Say in a line what was skipped; empty if nothing was."""
        if not self.counts:
            return ""
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in self.counts.most_common())
        return f"{self.name}: skipped {self.counts.total():,} rows: {kinds}"
