"""Cost per entry as a stream grows, and as the records do: python -m benchmarks.growth.

One model learns a stream of made-up rows by partial_fit, as they come, a million entries a call,
and no row comes twice. Checking the rows is part of the cost, making them is not. Two curves:
entries from 10^6 to 10^9 at 2^20 columns, and columns from 2^14 to 2^24 at 10^7 entries, beside
what one call's traffic through memory costs by itself.

A stream of so many entries is made quickly where ranks come by the inverse of a continuous power
law: u uniform gives (1 - u (1 - n^-0.1))^-10, of exponent 1.1.
"""

import argparse
import statistics

import numpy as np
import scipy.sparse as sp

from benchmarks.data import COLUMN_BITS, FULL, TOKENS_PER_ROW
from benchmarks.epochs import alternate, seconds
from benchmarks.memory_only import Replay
from fastada import AdaGradClassifier

ENTRIES_PER_CALL = 1_000_000
ENTRIES_PER_ROW = 57
N_REPEATS = 5  # of streams of up to MOST_REPEATED entries
MOST_REPEATED = 10_000_000
COLUMNS_LEARNED = tuple(range(14, 26, 2))


def chunk(n_entries, n_columns, generator):
    """Some n_entries in rows of unit norm, Zipf's law over the columns, and the rows' classes."""
    n_rows = max(1, n_entries // ENTRIES_PER_ROW)
    n_tokens = n_rows * TOKENS_PER_ROW
    base = 1 - generator.random(n_tokens) * (1 - n_columns**-0.1)
    square = base * base
    rank = (1 / (square**4 * square)).astype(np.int64)
    # An odd factor deals the columns out and leaves no two ranks the same.
    column = (rank * 0x9E3779B1) & (n_columns - 1)
    row = generator.integers(0, n_rows, n_tokens)
    cell = np.sort((row << 24) | column)
    first = np.flatnonzero(np.concatenate([[True], cell[1:] != cell[:-1]]))
    count = np.diff(first, append=n_tokens)
    cell = cell[first]
    data = np.log1p(count).astype(np.float32)
    indptr = np.searchsorted(cell >> 24, np.arange(n_rows + 1))
    indices = (cell & (n_columns - 1)).astype(np.int32)
    X = sp.csr_array((data, indices, indptr), shape=(n_rows, n_columns))
    norm = np.sqrt(X.multiply(X).sum(axis=1)).astype(np.float32)
    X.data /= np.repeat(np.maximum(norm, 1), np.diff(indptr))
    # A column's part in the class is what its number says.
    margin = X @ np.sin(np.arange(n_columns, dtype=np.float32))
    return X, margin + 0.3 * generator.standard_normal(n_rows) > 0


def stream(n_entries, n_columns, seed=0):
    """Chunks until there are n_entries."""
    generator = np.random.default_rng(seed)
    made = 0
    while made < n_entries:
        X, y = chunk(min(ENTRIES_PER_CALL, n_entries - made), n_columns, generator)
        made += X.nnz
        yield X, y


def costs(marks, n_columns, seed=0):
    """Nanoseconds per entry from the start of a stream to each of the marks, counts of entries."""
    model = AdaGradClassifier(learning_rate=1.0)
    # A state is made, and its records come into memory, once.
    model.partial_fit(*chunk(1_000, n_columns, np.random.default_rng(seed + 1)), [False, True])
    found, done, spent = [], 0, 0.0
    for X, y in stream(marks[-1], n_columns, seed):
        spent += seconds(lambda X=X, y=y: model.partial_fit(X, y))
        done += X.nnz
        if done >= 0.99 * marks[len(found)]:
            found.append(1e9 * spent / done)
            if len(found) == len(marks):
                return found
    return [*found, 1e9 * spent / done]


def typical_costs(marks, n_columns):
    """The same, medians of several streams up to the marks that are soon reached."""
    few = [mark for mark in marks if mark <= MOST_REPEATED]
    repeated = [costs(few, n_columns, 10 * k) for k in range(N_REPEATS)] if few else []
    rest = costs(marks, n_columns, 1)[len(few) :] if len(few) < len(marks) else []
    return [statistics.median(of_mark) for of_mark in zip(*repeated, strict=True)] + rest


class Growth:
    """Nanoseconds per entry by partial_fit."""

    params = (
        (10**5, 10**6, 10**7, 10**8) if FULL else (10**5,),
        COLUMN_BITS,
    )
    param_names = ("entries", "column_bits")
    timeout = 600
    unit = "ns"

    def track_ns_per_entry(self, entries, column_bits):
        return typical_costs([entries], 2**column_bits)[0]

    track_ns_per_entry.unit = "ns"


def print_entries(most):
    marks = [mark for mark in (10**k for k in range(6, 10)) if mark <= most] or [most]
    found = typical_costs(marks, 2**20)
    print("| entries, 2^20 columns | ns per entry | times the first |\n|---:|---:|---:|")
    for mark, ns in zip(marks, found, strict=True):
        print(f"| {mark:,} | {ns:.2f} | {ns / found[0]:.2f} |")


def print_columns(n_entries):
    print("\n| columns | ns per entry | of them memory alone |\n|---:|---:|---:|")
    for bits in COLUMNS_LEARNED:
        ns = typical_costs([n_entries], 2**bits)[0]
        X, _ = chunk(min(n_entries, ENTRIES_PER_CALL), 2**bits, np.random.default_rng(0))
        replay = Replay(X, 2)
        alone = 1e9 * statistics.median(alternate([replay.run], N_REPEATS)[:, 0]) / X.nnz
        print(f"| 2^{bits} | {ns:.2f} | {alone:.2f} |")


def main():
    """Measure both curves."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--entries", type=int, default=10**9, help="of the longest stream")
    parser.add_argument("--skip", choices=("entries", "columns"), help="one of the curves")
    args = parser.parse_args()
    if args.skip != "entries":
        print_entries(args.entries)
    if args.skip != "columns":
        print_columns(min(args.entries, MOST_REPEATED))


if __name__ == "__main__":
    main()
