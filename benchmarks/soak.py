"""Long streams: memory stays flat, and the end is bit for bit that of a fresh reference.

    python -m benchmarks.soak stream --entries 1e9    chunks of random rows, over and over
    python -m benchmarks.soak rows --calls 1e6        partial_fit of one row at a time

prints a line every tenth of the way: entries or calls, resident memory, seconds of CPU. Ends with
an error if memory has grown by more than LARGEST_GROWTH after the first tenth, or if a bit of the
model differs from that of a reference that gets the same rows another way: the stream in larger
chunks, the rows in chunks of 1,000.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from fastada import AdaGradClassifier

LARGEST_GROWTH = 4 << 20
N_FEATURES = 1 << 18
FIXED = {"learning_rate": 0.5, "initial_accumulator": 0.01, "alpha": 1e-6, "l1_ratio": 0.5}


def resident():
    """Bytes of resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def rows_of(seed, n_rows, n_entries):
    """Rows of Zipf-distributed columns, float32, and their labels."""
    rng = np.random.default_rng(seed)
    columns = (N_FEATURES ** rng.random(n_rows * n_entries, dtype=np.float32)).astype(np.int32)
    indptr = np.arange(n_rows + 1, dtype=np.int64) * n_entries
    values = np.full(len(columns), n_entries**-0.5, np.float32)
    X = sp.csr_array((values, columns % N_FEATURES, indptr), shape=(n_rows, N_FEATURES))
    X.sum_duplicates()
    return X, rng.integers(2, size=n_rows)


class Watch:
    """Prints memory on the way, and raises when it grows."""

    def __init__(self, total):
        self.total, self.reported, self.first = total, 0, None

    def __call__(self, done):
        if done * 10 // self.total == self.reported:
            return
        self.reported = done * 10 // self.total
        now = resident()
        self.first = self.first or now
        print(f"{done:>15,}  {now / 2**20:8.1f} MB  {time.process_time():8.1f} s", flush=True)
        if now > self.first + LARGEST_GROWTH:
            sys.exit(f"memory has grown by {(now - self.first) / 2**20:.1f} MB")


def check_equal(model, reference):
    """End with an error unless the models agree in every bit."""
    for name in ("coef_", "intercept_", "sum_sq_grad_"):
        if getattr(model, name).tobytes() != getattr(reference, name).tobytes():
            sys.exit(f"{name} differs from the reference's")
    if not np.isfinite(model.coef_).all():
        sys.exit("weights are not finite")
    print(f"{model.t_:,} steps: every bit is the reference's", flush=True)


def stream(n_entries):
    """Train on fixed blocks over and over; the reference goes through them joined."""
    blocks = [rows_of(seed, 20_000, 100) for seed in range(4)]
    size = sum(X.nnz for X, _ in blocks)
    n_rounds = -(-n_entries // size)
    watch, model = Watch(n_rounds * size), AdaGradClassifier(**FIXED)
    for k in range(n_rounds):
        for X, y in blocks:
            model.partial_fit(X, y, classes=[0, 1])
        watch((k + 1) * size)
    reference = AdaGradClassifier(**FIXED)
    X, y = sp.vstack([X for X, _ in blocks], format="csr"), np.concatenate([y for _, y in blocks])
    for _ in range(n_rounds):
        reference.partial_fit(X, y, classes=[0, 1])
    check_equal(model, reference)


def rows(n_calls):
    """Train row by row; the reference gets 1,000 rows a call."""
    X, y = rows_of(0, 10_000, 20)
    single = [(X[i : i + 1], y[i : i + 1]) for i in range(len(y))]
    watch, model = Watch(n_calls), AdaGradClassifier(**FIXED)
    for call in range(n_calls):
        row, label = single[call % len(single)]
        model.partial_fit(row, label, classes=[0, 1])
        watch(call + 1)
    reference = AdaGradClassifier(**FIXED)
    for begin in range(0, n_calls, 1000):
        n = min(1000, n_calls - begin)
        at = np.arange(begin, begin + n) % len(y)
        reference.partial_fit(X[at], y[at], classes=[0, 1])
    check_equal(model, reference)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("stream").add_argument("--entries", type=float, default=1e9)
    commands.add_parser("rows").add_argument("--calls", type=float, default=1e6)
    args = parser.parse_args()
    if args.command == "stream":
        stream(int(args.entries))
    else:
        rows(int(args.calls))
