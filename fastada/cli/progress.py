"""How far things are: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

from fastada.formats.source import Source

if TYPE_CHECKING:
    from fastada.search import RateSearch

# Seconds between two states of the bar, and between two plain lines.
BAR_EVERY, LINE_EVERY = 0.1, 10.0
BAR_WIDTH = 20


class ProgressReport:
    """Tells on stderr how far a file has been read and what has been learned.

    Parameters
    ----------
    source : Source
    quiet : bool
        Tell nothing but notes.
    """

    def __init__(self, source: Source, quiet: bool) -> None:
        self.source = source
        self.quiet = quiet
        self.bar = sys.stderr.isatty()
        self.task = ""
        self.begun = self.told = time.perf_counter()
        self.shown = False

    def __enter__(self) -> ProgressReport:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._clear()

    def read(self, task: str, rows: int, n_bytes: int, loss: float | None) -> None:
        """Rows have been read; may be called often."""
        if self.quiet:
            return
        now = time.perf_counter()
        if task != self.task:
            self.task, self.begun, self.told = task, now, now
            return
        if now - self.told < (BAR_EVERY if self.bar else LINE_EVERY):
            return
        self.told = now
        seconds = now - self.begun
        line = f"{task}  {rows:,} rows  {n_bytes / 1e6 / seconds:.0f} MB/s"
        if loss is not None:
            line += f"  loss {loss:.4f}"
        if self.source.size:
            # Compressed files tell how far they are by what is stored.
            part = min(1.0, self.source.position / self.source.size)
            if part:
                line += f"  {part:.0%}  ETA {_clock(seconds * (1 - part) / part)}"
            if self.bar:
                done = round(part * BAR_WIDTH)
                line = f"[{'#' * done}{'.' * (BAR_WIDTH - done)}] {line}"
        if self.bar:
            print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
            self.shown = True
        else:
            print(line, file=sys.stderr, flush=True)

    def epoch(self, number: int, of: int, loss: float, seconds: float) -> None:
        """An epoch has been learned."""
        if not self.quiet:
            self.note(f"epoch {number}/{of}  loss {loss:.6f}  {seconds:.2f} s")

    def learned(
        self, learning_rate: float, search: RateSearch | None, progressive_loss: float | None
    ) -> None:
        """All has been learned."""
        if self.quiet:
            return
        self.note(str(search) if search is not None else f"learning rate {learning_rate:.4g}")
        if progressive_loss is not None:
            self.note(f"log-loss of rows before they were learned: {progressive_loss:.4f}")

    def note(self, line: str) -> None:
        """Something worth knowing."""
        self._clear()
        print(line, file=sys.stderr, flush=True)

    def _clear(self) -> None:
        if self.shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
            self.shown = False


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
