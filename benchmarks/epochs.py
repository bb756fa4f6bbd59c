"""One epoch over rows that have been checked, timed by itself and beside others."""

import statistics
import time

import numpy as np

from benchmarks.data import FULL
from fastada import AdaGradClassifier
from fastada.epoch import learn
from fastada.validation import canonical_rows

# lambda in the range that text wants: some weights become zero, most do not.
PENALTY = 1e-6
# FTRL's alpha stands beside the sum of the losses of all steps, not their mean.
FTRL_PENALTY = 0.1

RULES = {
    "COMID": {},
    "COMID, L1": {"alpha": PENALTY, "l1_ratio": 1.0},
    "COMID, L2": {"alpha": PENALTY, "l1_ratio": 0.0},
    "COMID, elastic net": {"alpha": PENALTY, "l1_ratio": 0.5},
    "RDA": {"update": "rda", "alpha": PENALTY, "l1_ratio": 0.5},
    "FTRL": {"update": "ftrl", "alpha": FTRL_PENALTY, "l1_ratio": 0.5},
}

# Those that asv runs: all of them, or without FASTADA_BENCH_FULL the two furthest apart.
ASV_RULES = tuple(RULES) if FULL else ("COMID", "COMID, elastic net")


class Epoch:
    """The kernel's pass over the rows as they come, from weights that a first epoch has left."""

    def __init__(self, X, y, **parameters):
        self.model = AdaGradClassifier(max_iter=1, tol=None, shuffle=False, **parameters).fit(X, y)
        self.rows = canonical_rows(X, self.model.dtype)
        self.targets = self.model._encode(y, self.model.classes_)
        self.weight = np.ones(self.rows.n_rows)
        self.order = self.rows.in_order()

    def run(self):
        learn(
            self.model._state,
            self.model._settings,
            self.rows,
            self.targets,
            self.weight,
            self.order,
        )

    def flush(self):
        """Bring all weights up to date."""
        return self.model._state.weights(self.model._settings)


def seconds(function):
    """CPU seconds of this thread: what else runs on the machine takes none of them."""
    start = time.thread_time()
    function()
    return time.thread_time() - start


def alternate(functions, n_rounds):
    """Seconds of each of several functions, shape (n_rounds, n_functions), taken in turns."""
    return np.array([[seconds(function) for function in functions] for _ in range(n_rounds)])


def median_ratios(times):
    """Median over the rounds of each function's time over the first one's."""
    return [statistics.median(column) for column in (times / times[:, :1]).T]
