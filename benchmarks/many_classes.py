"""Many classes: python -m benchmarks.many_classes [--quick].

Time per stored entry and class of 20 classes over that of two per entry, on the same rows in turns
(20 newsgroups, words and bigrams), and one epoch of 172 classes over 516,420 titles through the
estimator, with the peak memory of the process. Made-up rows stand in where a set is not at hand.
"""

import argparse
import resource
import time

import numpy as np

from benchmarks.data import REAL_DATA, labels_of, real_text, zipf_rows
from benchmarks.epochs import Epoch, alternate, median_ratios
from fastada import AdaGradClassifier

N_ROUNDS = 5


def newsgroups(quick):
    """Rows and classes of the smaller problem."""
    if not quick and (REAL_DATA / "20news").exists():
        X, _, y, _ = real_text("20news")
        return X, y
    X = zipf_rows(2_000 if quick else 10_000, 2**20)
    return X, labels_of(X, 20)


def titles(quick):
    """Rows and classes of the larger problem, and what is held out."""
    if not quick and (REAL_DATA / "arxiv_titles").exists():
        return real_text("arxiv_titles")
    n_rows = 2_000 if quick else 500_000
    X = zipf_rows(n_rows, 2**20, tokens_per_row=17)
    y = labels_of(X, 172)
    return X[n_rows // 10 :], X[: n_rows // 10], y[n_rows // 10 :], y[: n_rows // 10]


def main():
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few made-up rows: that it runs")
    quick = parser.parse_args().quick

    X, y = newsgroups(quick)
    names, place = np.unique(y, return_inverse=True)
    epochs = [
        Epoch(X, place % 2, learning_rate=1.0),
        Epoch(X, place, learning_rate=1.0),
    ]
    times = alternate([epoch.run for epoch in epochs], N_ROUNDS)
    for n_outputs, seconds in zip((1, len(names)), np.median(times, axis=0), strict=True):
        print(
            f"{X.shape[0]:,} rows, {X.nnz:,} entries, {n_outputs} outputs: "
            f"{1e9 * seconds / X.nnz / n_outputs:.2f} ns per entry and output"
        )
    print(f"an output beside the one of two classes: {median_ratios(times)[1] / len(names):.2f}")
    del epochs, X

    X, X_test, y, y_test = titles(quick)
    for learning_rate in (1.0, "auto"):
        model = AdaGradClassifier(learning_rate=learning_rate, max_iter=1, tol=None, random_state=0)
        start = time.perf_counter()
        model.fit(X, y)
        seconds = time.perf_counter() - start
        print(
            f"{X.shape[0]:,} rows, {X.nnz:,} entries, {len(model.classes_)} classes, "
            f"learning_rate={learning_rate!r}: fit of one epoch {seconds:.1f} s, "
            f"accuracy {model.score(X_test, y_test):.4f}"
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"peak memory of the process, data and both fits: {peak:.2f} GB")


if __name__ == "__main__":
    main()
