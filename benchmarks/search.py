"""learning_rate="auto" against fixed rates, and models side by side against one alone.

`python -m benchmarks.search imdb 20news` prints for each data set what "auto" costs and reaches,
and what an epoch of eight models costs.
"""

import argparse
import statistics

import numpy as np
from sklearn.metrics import log_loss

import fastada
from benchmarks.data import N_ROWS, real_text, synthetic
from benchmarks.epochs import seconds
from fastada import AdaGradClassifier
from fastada.epoch import learn

N_EPOCHS = 5
OCTAVES = np.arange(-3, 4.5, 0.5)
N_RUNS = 5


class Path:
    """An epoch of so many models."""

    params = (1, 8)
    param_names = ("n_models",)

    def setup(self, n_models):
        self.X, _, self.y, _ = synthetic(N_ROWS, 2**16)
        self.rates = 2.0 ** np.linspace(-2, 1, n_models)

    def time_path(self, n_models):
        fastada.path(self.X, self.y, learning_rate=self.rates, random_state=0)


class Auto:
    """Five epochs, the rate found or given."""

    params = ("auto", 1.0)
    param_names = ("learning_rate",)

    def setup(self, learning_rate):
        self.X, _, self.y, _ = synthetic(N_ROWS * 2, 2**16)

    def time_fit(self, learning_rate):
        model(learning_rate).fit(self.X, self.y)


def model(rate):
    return AdaGradClassifier(
        learning_rate=rate, max_iter=N_EPOCHS, tol=None, random_state=0, dtype=np.float32
    )


def ratio(one, other):
    """Median of alternating runs."""
    return statistics.median(seconds(one) / seconds(other) for _ in range(N_RUNS))


def report(name):
    X, X_test, y, y_test = real_text(name)

    def loss(fitted):
        return log_loss(y_test, fitted.predict_proba(X_test), labels=fitted.classes_)

    auto = model("auto").fit(X, y)
    rate = auto.learning_rate_
    formula = (
        AdaGradClassifier()
        ._start(auto._training_rows(X, None), auto._encode(y, auto.classes_), np.ones(len(y)))[2]
        .rate
    )
    losses = [loss(model(formula * 2.0**octave).fit(X, y)) for octave in OCTAVES]
    best = int(np.argmin(losses))
    cost = ratio(lambda: model("auto").fit(X, y), lambda: model(rate).fit(X, y))
    rates = formula * 2.0 ** np.linspace(-2, 1, 8)
    grid = fastada.path(X, y, learning_rate=rates, random_state=0)._models[0][1]
    alone = model(formula).set_params(max_iter=1).fit(X, y)
    rows, targets, weight, _, _ = alone._problem(X, y, None)
    order = np.random.default_rng(0).permutation(rows.n_rows)
    side_by_side = ratio(
        lambda: grid.learn(rows, targets, weight, order),
        lambda: learn(alone._state, alone._settings, rows, targets, weight, order),
    )
    print(
        f"| {name} | {len(y):,} | {rate / formula:.2f} | {loss(auto):.4f} | "
        f"{2.0 ** OCTAVES[best]:.2f} | {losses[best]:.4f} | {losses[list(OCTAVES).index(0)]:.4f} | "
        f"{cost:.2f} | {side_by_side:.2f} |",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("datasets", nargs="+")
    print(
        "| set | rows | auto: rate / formula | log-loss | best of the grid | log-loss "
        "| formula's | cost of auto / rate given | epoch of 8 models / of one |"
    )
    print("|---" + "|---:" * 8 + "|")
    for name in parser.parse_args().datasets:
        report(name)


if __name__ == "__main__":
    main()
