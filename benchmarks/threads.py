"""Threads beside one thread: python -m benchmarks.threads [--quick].

Two processors of a virtual machine may be one core's for some minutes. What two threads of zlib
gain, which share no memory, is told before each series: more cannot be had in that minute.

Times are medians of single epochs that alternate, wall clock and CPU; "fit" is all epochs with what
goes before. CPU seconds beyond those of one thread are what replicas cost; wall clock also has what
else the machine does. Columns are relabelled in fits of many epochs, and stay as they are in those
of few. Log-loss is that of held-out rows after five epochs.
"""

import argparse
import statistics
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from sklearn.metrics import log_loss

from benchmarks.data import labels_of, real_text, synthetic, zipf_rows
from fastada import AdaGradClassifier

N_EPOCHS = 5
REPEATS = ((N_EPOCHS, 7), (25, 5))
QUALITY = ((1, 1), (2, 1), (2, 4), (4, 1), (4, 4), (8, 1), (8, 4), (8, 16))


class Clocks(AdaGradClassifier):
    """A classifier that notes how long each epoch takes."""

    def _learn(self, *args):
        wall, cpu = time.perf_counter(), time.process_time()
        loss = super()._learn(*args)
        self.epochs_.append((time.perf_counter() - wall, time.process_time() - cpu))
        return loss


def fit(X, y, n_jobs, n_syncs=1, n_epochs=N_EPOCHS, **parameters):
    """Wall and CPU seconds of each epoch but the first, and wall seconds of fit."""
    model = Clocks(
        n_jobs=n_jobs, n_syncs=n_syncs, max_iter=n_epochs, tol=None, random_state=0, **parameters
    )
    model.epochs_ = []
    start = time.perf_counter()
    model.fit(X, y)
    return model, model.epochs_[1:], time.perf_counter() - start


def gain_of_zlib(n_repeats=15):
    """How many times as fast as one thread two are that have nothing in common."""
    text = np.random.default_rng(0).integers(0, 64, 1 << 20, np.uint8).tobytes()
    gains = []
    with ThreadPoolExecutor(2) as pool:
        for _ in range(n_repeats):
            times = []
            for n_threads in (1, 2):
                start = time.perf_counter()
                list(pool.map(zlib.compress, [text] * n_threads))
                times.append(time.perf_counter() - start)
            gains.append(2 * times[0] / times[1])
    return statistics.median(gains)


def speed(name, X, y, n_repeats, n_epochs):
    """Print the times of one thread and of two."""
    print(f"two threads of zlib: {gain_of_zlib():.2f}x", flush=True)
    variants = [(1, 1), (2, 1), (2, 4)]
    parameters = {"n_epochs": n_epochs, "learning_rate": 1.0}
    epochs = {variant: [] for variant in variants}
    fits = {variant: [] for variant in variants}
    for _ in range(n_repeats):
        for variant in variants:
            _, each, whole = fit(X, y, *variant, **parameters)
            epochs[variant] += each
            fits[variant].append(whole)
    one = None
    for variant in variants:
        wall, cpu = (statistics.median(times) for times in zip(*epochs[variant], strict=True))
        whole = statistics.median(fits[variant])
        one = one or (wall, whole, cpu)
        print(
            f"{name:<9} {n_epochs:2} epochs, {variant[0]} threads, {variant[1]} syncs: "
            f"epoch {1000 * wall:6.1f} ms "
            f"({one[0] / wall:.2f}x), CPU {1000 * cpu:6.1f} ms "
            f"({variant[0] * one[2] / cpu:.2f}x at best), fit {1000 * whole:6.0f} ms "
            f"({one[1] / whole:.2f}x)",
            flush=True,
        )


def quality(name, X_train, X_test, y_train, y_test):
    """Print log-losses over that of one thread."""
    one = None
    for n_jobs, n_syncs in QUALITY:
        model, _, _ = fit(X_train, y_train, n_jobs, n_syncs)
        loss = log_loss(y_test, model.predict_proba(X_test), labels=model.classes_)
        one = one or loss
        print(
            f"{name:<12} {n_jobs} threads, {n_syncs:2} syncs: log-loss {loss:.4f} "
            f"({100 * (loss / one - 1):+.1f} %)",
            flush=True,
        )


def main():
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="few made-up rows, to see that it runs"
    )
    quick = parser.parse_args().quick
    n_rows = 10_000 if quick else 100_000
    X = zipf_rows(n_rows, 2**20)
    for n_epochs, n_repeats in ((N_EPOCHS, 1),) if quick else REPEATS:
        speed("Zipf 2^20", X, labels_of(X), n_repeats, n_epochs)
    quality("Zipf 2^16", *synthetic(n_rows, 2**16))
    if not quick:
        try:
            data = real_text("imdb")
        except NotImplementedError as error:
            print(error)
            return
        for n_epochs, n_repeats in REPEATS:
            speed("imdb", data[0], data[2], n_repeats, n_epochs)
        quality("imdb", *data)


if __name__ == "__main__":
    main()
