"""What regularisation costs, and what laziness saves.

`python -m benchmarks.regularised` prints both as tables; asv tracks the same ratios. All figures
are medians of alternating passes in one process, float32.

Cost: an epoch of each rule over that of COMID without penalty, on rows of some 57 entries in 2^20
columns by Zipf's law.

Laziness: elastic-net COMID on the shape of Lipton and Elkan (2015, "Efficient elastic net
regularization for sparse linear models"), 260,941 features and 88 stored entries a row: the time
per step of compiled dense sweeps (benchmarks/dense.py) over that of our epoch, the final flush of
all columns included.
"""

import argparse
import statistics

import numpy as np

from benchmarks.data import FULL, N_ROWS, labels_of, zipf_rows
from benchmarks.dense import WAYS, DenseEpoch
from benchmarks.epochs import PENALTY, RULES, Epoch, alternate, median_ratios
from benchmarks.memory_only import Replay

LIPTON_ELKAN_COLUMNS = 260_941
LIPTON_ELKAN_TOKENS = 130  # for 88 distinct ones


class Cost:
    """Epochs of every rule, in turns."""

    def __init__(self, n_rows, n_columns=2**20):
        self.X = zipf_rows(n_rows, n_columns)
        y = labels_of(self.X)
        self.epochs = {rule: Epoch(self.X, y, **RULES[rule]) for rule in RULES}

    def times(self, n_rounds):
        """Seconds, shape (n_rounds, n_rules)."""
        return alternate([epoch.run for epoch in self.epochs.values()], n_rounds)


class Laziness:
    """The lazy epoch over all rows, dense epochs over a few of them."""

    def __init__(self, n_rows, n_dense_steps):
        self.X = zipf_rows(n_rows, LIPTON_ELKAN_COLUMNS, tokens_per_row=LIPTON_ELKAN_TOKENS)
        self.y = labels_of(self.X)
        self.n_dense_steps = n_dense_steps
        parameters = {"alpha": PENALTY, "l1_ratio": 0.5, "fit_intercept": False}
        scale = {"learning_rate": 1.0, "initial_accumulator": 0.05}
        few, few_y = self.X[:n_dense_steps], self.y[:n_dense_steps]
        self.lazy = Epoch(self.X, self.y, **parameters, **scale)
        self.same_rows = Epoch(few, few_y, **parameters, **scale)
        self.dense = {
            way: DenseEpoch(
                way,
                few,
                2.0 * few_y - 1,
                rate=1.0,
                epsilon=1e-7,
                l1=PENALTY / 2,
                l2=PENALTY / 2,
                initial_accumulator=0.05,
            )
            for way in WAYS
        }
        self._check()

    def _check(self):
        """Lazy and dense weights are the same after the first epoch."""
        expected = self.same_rows.flush()[:, 0]
        for epoch in self.dense.values():
            epoch.run()
            np.testing.assert_allclose(epoch.w, expected, atol=1e-4 * np.abs(expected).max())

    def _lazy_epoch(self):
        self.lazy.run()
        self.lazy.flush()

    def times_per_step(self, n_rounds):
        """Seconds, shape (n_rounds, 1 + n_ways), lazy first."""
        times = alternate(
            [self._lazy_epoch, *(epoch.run for epoch in self.dense.values())], n_rounds
        )
        return times / [self.X.shape[0], *([self.n_dense_steps] * len(self.dense))]


class CostOfPenalty:
    """Ratio to the epoch of COMID without penalty."""

    params = (list(RULES)[1:],)
    param_names = ("rule",)
    unit = "times"

    def setup_cache(self):
        times = Cost(N_ROWS).times(11)
        return dict(zip(RULES, median_ratios(times), strict=True))

    def track_ratio(self, ratios, rule):
        return ratios[rule]

    track_ratio.unit = "times"


class LazyAgainstDense:
    """Time per step of a dense sweep over that of the lazy epoch."""

    params = (list(WAYS),)
    param_names = ("dense",)

    def setup_cache(self):
        n_rows, n_steps = (100_000, 300) if FULL else (20_000, 20)
        ratios = median_ratios(Laziness(n_rows, n_steps).times_per_step(7))
        return dict(zip(WAYS, ratios[1:], strict=True))

    def track_ratio(self, ratios, dense):
        return ratios[dense]

    track_ratio.unit = "times"


def print_cost(n_rows, n_rounds):
    cost = Cost(n_rows)
    replay = Replay(cost.X, 2)
    times = cost.times(n_rounds)
    bound = statistics.median(alternate([replay.run], n_rounds)[:, 0])
    ns = 1e9 / cost.X.nnz
    print(
        f"{n_rows:,} rows, {cost.X.nnz / n_rows:.1f} entries a row, {cost.X.shape[1]:,} columns\n"
    )
    print("| rule | ns per entry | times COMID without penalty |\n|---|---:|---:|")
    ratios = median_ratios(times)
    for rule, seconds, ratio in zip(RULES, np.median(times, axis=0), ratios, strict=True):
        print(f"| {rule} | {ns * seconds:.2f} | {ratio:.2f} |")
    print(f"| memory alone, 8 bytes a record | {ns * bound:.2f} | |")


def print_laziness(n_rows, n_dense_steps, n_rounds):
    laziness = Laziness(n_rows, n_dense_steps)
    times = laziness.times_per_step(n_rounds)
    ratios = median_ratios(times)
    print(f"\n{LIPTON_ELKAN_COLUMNS:,} columns, {laziness.X.nnz / n_rows:.1f} entries a row\n")
    print("| elastic-net COMID | µs per step | times the lazy step |\n|---|---:|---:|")
    for way, microseconds, ratio in zip(
        ("lazy, flush included", *(f"dense, {way}" for way in WAYS)),
        1e6 * np.median(times, axis=0),
        ratios,
        strict=True,
    ):
        print(f"| {way} | {microseconds:,.3f} | {ratio:,.0f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--dense-steps", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=11)
    args = parser.parse_args()
    print_cost(args.rows, args.rounds)
    print_laziness(args.rows, args.dense_steps, args.rounds)


if __name__ == "__main__":
    main()
