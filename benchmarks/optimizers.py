"""The cost of the optimizers on sparse gradients, per stored entry.

asv runs the class; `python benchmarks/optimizers.py` prints the cost of each, its ratio to
AdaGrad's in alternating passes of one process, and the same without what `update` checks, by
calling the kernel on gradients that were checked before. The gradients are those of minibatches of
text: rows of 57 entries whose columns, of 2^20, follow Zipf's law.
"""

import argparse
import pickle
import statistics
import time

import numpy as np
import scipy.sparse as sp

from fastada import _optim
from fastada.optim import SGD, AdaDelta, AdaGrad, Adam, Momentum, RMSProp
from fastada.validation import canonical_rows

N_COLUMNS = 2**20
ENTRIES_PER_ROW = 57
N_STEPS = 200

OPTIMIZERS = {
    "AdaGrad": AdaGrad(0.01),
    "AdaGrad, L1": AdaGrad(0.01, l1=1e-6, initial_accumulator=0.1),
    "AdaGrad, elastic net": AdaGrad(0.01, l1=1e-6, l2=1e-6, initial_accumulator=0.1),
    "SGD": SGD(0.01),
    "Momentum": Momentum(0.01),
    "Nesterov": Momentum(0.01, nesterov=True),
    "RMSProp": RMSProp(0.01),
    "AdaDelta": AdaDelta(),
    "Adam": Adam(0.001),
}


def zipf_gradients(dtype, rows_per_step):
    rng = np.random.default_rng(0)
    relabelled = rng.permutation(N_COLUMNS).astype(np.int32)
    gradients = []
    for _ in range(N_STEPS):
        ranks = N_COLUMNS ** rng.random(rows_per_step * ENTRIES_PER_ROW)
        columns = np.unique(relabelled[ranks.astype(np.int64) - 1])
        values = (0.1 * rng.standard_normal(len(columns))).astype(dtype)
        parts = (values, columns, np.array([0, len(columns)], np.int32))
        gradients.append({"w": sp.csr_array(parts, shape=(1, N_COLUMNS))})
    return gradients


class Run:
    """An optimizer past the steps at which weights are new to it."""

    def __init__(self, name, gradients, dtype):
        self.optimizer = pickle.loads(pickle.dumps(OPTIMIZERS[name]))
        self.params = {"w": np.zeros(N_COLUMNS, dtype)}
        self.gradients = gradients
        self.rows = [canonical_rows(g["w"], dtype) for g in gradients]
        self.n_entries = sum(g["w"].nnz for g in gradients)
        for _ in range(2):
            self.update()

    def update(self):
        for gradient in self.gradients:
            self.optimizer.update(self.params, gradient)

    def kernel(self):
        record = self.optimizer._records["w"]
        state = (self.params["w"], record.slots.reshape(-1), record.last_step)
        for rows in self.rows:
            record.step += 1
            parts = (rows.indptr, rows.indices, rows.data, N_COLUMNS)
            _optim.step_csr(self.optimizer._settings, record.step, *state, *parts)

    def nanoseconds(self, method):
        start = time.thread_time()
        getattr(self, method)()
        return (time.thread_time() - start) / self.n_entries * 1e9


class Optimizers:
    """One pass over minibatch gradients of 256 rows."""

    params = (list(OPTIMIZERS), ["float32", "float64"])
    param_names = ("optimizer", "dtype")

    def setup(self, name, dtype):
        self.run = Run(name, zipf_gradients(dtype, 256), dtype)

    def track_nanoseconds_per_entry(self, name, dtype):
        return statistics.median(self.run.nanoseconds("update") for _ in range(5))

    track_nanoseconds_per_entry.unit = "ns"


def compare(dtype, rows_per_step, n_passes):
    gradients = zipf_gradients(dtype, rows_per_step)
    runs = {name: Run(name, gradients, dtype) for name in OPTIMIZERS}
    print(f"{dtype}, {rows_per_step} rows a step, {runs['SGD'].n_entries // N_STEPS:,} entries")
    print(f"{'':22}{'update':>10}{'ratio':>8}{'kernel':>10}{'ratio':>8}")
    costs = {}
    for method in ("update", "kernel"):
        passes = [{k: run.nanoseconds(method) for k, run in runs.items()} for _ in range(n_passes)]
        for name in runs:
            cost = statistics.median(p[name] for p in passes)
            ratio = statistics.median(p[name] / p["AdaGrad"] for p in passes)
            costs[name, method] = f"{cost:7.1f} ns{ratio:8.2f}"
    for name in runs:
        print(f"{name:22}{costs[name, 'update']}{costs[name, 'kernel']}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Cost of the optimizers per stored entry.")
    parser.add_argument("--passes", type=int, default=11)
    arguments = parser.parse_args()
    for rows_per_step in (1, 256, 1024):
        for dtype in ("float32", "float64"):
            compare(dtype, rows_per_step, arguments.passes)
