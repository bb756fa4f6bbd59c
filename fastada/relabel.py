"""How the records that threads train lie in memory, each of them learning a share of the rows.

Over many rounds it pays to relabel columns as src/relabel.pyx says: replicas then are combined from
one piece of memory and need no more of it than the columns that occur. Threads train a
CompactState, and the state that it stands for is brought up to date when somebody reads it. Over
few rounds columns stay as they are. The weights are the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastada import _relabel
from fastada.memory import aligned_zeros, memory_limit
from fastada.rows import Rows, index_type
from fastada.state import State

if TYPE_CHECKING:
    from fastada.settings import Settings

# What relabelling takes and saves, in nanoseconds of one thread, measured with 6 and 9 million
# entries in 2^20 columns: copying an entry to fresh memory, numbering a column; and for each round
# and output learning an entry and combining a column.
PER_ENTRY, PER_COLUMN = 4.0, 3.0
SAVED_PER_ENTRY, SAVED_PER_COLUMN = 0.15, 0.5
# With more columns than these, replicas come from memory and not from the cache.
COLUMNS_IN_CACHE, SAVED_IN_MEMORY = 2**21, 3.0
# Of the machine's memory at most so much goes into a second array of column indices.
PART_OF_MEMORY = 1 / 8


@dataclass(frozen=True)
class Layout:
    """Columns by the numbers of their records.

    Attributes
    ----------
    rows : Rows
        With these numbers, in which rows of no share are of no use.
    columns : ndarray of int32 or int64, shape (n_numbers,), or None
        The column of each number; None where all columns are their own number.
    ends : list of int, length n_shares + 1
        Where the numbers of columns end that several shares may have, and those that each share
        alone has.
    has : list of ndarray of uint8, or of None
        Of each share, which of the former it has; None stands for all.
    """

    rows: Rows
    columns: npt.NDArray[Any] | None
    ends: list[int]
    has: list[npt.NDArray[np.uint8] | None]

    def of_base(self, state: State) -> State:
        """Give what is to be trained in place of a state, or the state."""
        return state if self.columns is None else CompactState(state, self.columns)

    def alone(self, share: int) -> tuple[int, int]:
        """Give where the columns begin and end that a share alone has."""
        return self.ends[share], self.ends[share + 1]

    def part_of_shared(self, number: int) -> tuple[int, int]:
        """Give where a share's part of the work on all others begins and ends."""
        n = len(self.has)
        return self.ends[0] * number // n, self.ends[0] * (number + 1) // n


def layout_of(
    rows: Rows,
    shares: Sequence[npt.NDArray[np.int64]],
    in_parallel: Callable[[Callable[[int], None]], object],
    *,
    stamped: bool,
    relabelled: bool,
) -> Layout:
    """Lay out the columns of rows for the shares of some threads.

    Parameters
    ----------
    rows : Rows
    shares : sequence of ndarray of int64
        The rows of each.
    in_parallel : callable
        Calls a function with the number of each share.
    stamped, relabelled : bool
        Whether records are stamped, and whether columns are to be relabelled.
    """
    n, n_features = len(shares), rows.n_features
    has: list[npt.NDArray[np.uint8] | None] = [None] * n
    if not (stamped or relabelled):
        return Layout(rows, None, [n_features] * (n + 1), has)
    counts = np.zeros((n, n_features), np.uint8)
    in_parallel(lambda k: _relabel.count(rows.indptr, rows.indices, shares[k], counts[k]))
    if not relabelled:
        return Layout(rows, None, [n_features] * (n + 1), list(counts))
    numbers = np.empty(n_features, index_type(n_features))
    columns = np.empty_like(numbers)
    ends = _relabel.number(counts, numbers, columns)
    columns = columns[: ends[-1]].copy()
    if n > 2:
        has = [counts[k, columns[: ends[0]]] for k in range(n)]
    indices = np.empty(len(rows.indices), numbers.dtype)

    def relabel(k: int) -> None:
        part = slice(len(indices) * k // n, len(indices) * (k + 1) // n)
        _relabel.relabel(rows.indices[part], numbers, indices[part])

    in_parallel(relabel)
    return Layout(rows._replace(indices=indices, n_features=len(columns)), columns, ends, has)


def relabelling_pays(rows: Rows, n_outputs: int, n_shares: int, n_rounds: int) -> bool:
    """Say whether relabelling saves time over so many rounds, and its memory is at hand."""
    n_entries, n_columns = len(rows.indices), rows.n_features
    if n_bytes_of_relabelling(rows, n_shares) > PART_OF_MEMORY * memory_limit():
        return False
    cost = PER_ENTRY * n_entries + PER_COLUMN * n_columns * n_shares
    saved = SAVED_PER_COLUMN if n_columns * n_outputs <= COLUMNS_IN_CACHE else SAVED_IN_MEMORY
    return cost < n_rounds * n_outputs * (SAVED_PER_ENTRY * n_entries + saved * n_columns)


def n_bytes_of_relabelling(rows: Rows, n_shares: int) -> int:
    """Give the size of the arrays that relabelling makes."""
    number = np.dtype(index_type(rows.n_features)).itemsize
    return number * (len(rows.indices) + 2 * rows.n_features) + n_shares * rows.n_features


class CompactState(State):
    """The records of some columns of a state, trained in its place.

    Steps, intercepts and the lock are the state's own.
    """

    def __init__(self, whole: State, columns: npt.NDArray[Any]) -> None:
        self.__dict__.update(whole.__getstate__())
        self.lock, self.clock, self.intercept = whole.lock, whole.clock, whole.intercept
        self.whole, self.columns = whole, columns
        self.records = aligned_zeros((len(columns), whole.records.shape[1]), whole.dtype)
        self._gather()
        whole.compact = self

    def _gather(self) -> None:
        _relabel.gather(self.whole.records, self.columns, self.records)
        self._n_steps_of_whole = self.n_steps

    def bring_back(self, records: npt.NDArray[Any]) -> None:
        """Bring the records of the state up to date."""
        with self.lock:
            if self._n_steps_of_whole != self.n_steps:
                _relabel.scatter(self.records, self.columns, records)
                self._n_steps_of_whole = self.n_steps

    def end(self) -> None:
        """Leave the state to itself, up to date."""
        self.bring_back(self.whole.records)
        self.whole.compact = None

    def restart_stamps(self, settings: Settings, to_come: Settings | None = None) -> None:
        """Restart those of the state, and take its records over again."""
        with self.lock:
            self.whole.restart_stamps(settings, to_come)
            self._gather()
