"""Rows that cannot be used: reported by file and line, counted, and skipped or refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

# Of each kind this many are told one by one, all are counted.
TOLD = 5


class FormatError(ValueError):
    """A file cannot be read as asked for."""


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
        """Take note of a row; `kind` is what is counted together.

        Raises
        ------
        FormatError
            Unless bad rows are to be skipped.
        """
        message = f"{self.name}:{line}: {kind}" + (f": {detail}" if detail else "")
        if not self.skip:
            raise FormatError(message)
        self.counts[kind] += 1
        if self.counts[kind] <= TOLD:
            self.tell(f"{message}; row skipped")

    def replay(self, held: list[tuple[int, str, str]]) -> None:
        """Take note of rows that HeldProblems has gathered."""
        for row in held:
            self.bad_row(*row)

    def summary(self) -> str:
        """Say in a line what was skipped; empty if nothing was."""
        if not self.counts:
            return ""
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in self.counts.most_common())
        return f"{self.name}: skipped {self.counts.total():,} rows: {kinds}"


class HeldProblems(Problems):
    """Problems of rows that are not to be told yet: others before them may still be found."""

    def __init__(self, name: str) -> None:
        super().__init__(name, True, lambda line: None)
        self.held: list[tuple[int, str, str]] = []

    def bad_row(self, line: int, kind: str, detail: str = "") -> None:  # noqa: D102
        self.held.append((line, kind, detail))

    def take(self) -> list[tuple[int, str, str]]:
        """Give what has been held, and forget it."""
        held, self.held = self.held, []
        return held
