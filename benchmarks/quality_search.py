"""What finding the learning rate costs and misses: the defaults beside fits with rates given."""

import statistics
import time

import numpy as np
from sklearn.metrics import log_loss

from benchmarks import quality_sets
from fastada import AdaGradClassifier

LOSSES = ("log_loss", "squared_hinge", "hinge")
N_SEEDS = 3
# Around what the search finds.
OCTAVES = np.arange(-2.0, 2.5, 0.5)


def fitted(split, **parameters):
    """Give the model and the seconds of CPU that its fit took."""
    model = AdaGradClassifier(**parameters)
    start = time.thread_time()
    model.fit(split.X_train, split.y_train)
    return model, time.thread_time() - start


def costs(split, loss):
    """Seconds at the defaults, and times those of fits with what was chosen given: medians."""
    seconds, times = [], []
    for seed in range(N_SEEDS):
        model, of_auto = fitted(split, loss=loss, random_state=seed)
        chosen = {
            "learning_rate": model.learning_rate_,
            "initial_accumulator": model._scale.accumulator,
        }
        _, of_given = fitted(split, loss=loss, random_state=seed, **chosen)
        _, plain = fitted(split, loss=loss, random_state=seed, calibrate=False)
        seconds.append(of_auto)
        times.append((of_auto / of_given, of_auto / plain))
    return statistics.median(seconds), *np.median(times, axis=0)


def missed(split, **parameters):
    """Test log-loss over that of the best of the fixed rates, in percent, and that rate's octave.

    Means of the same orders of rows; each rate is given with all else at its default.
    """
    losses = np.zeros(1 + len(OCTAVES))
    for seed in range(N_SEEDS):
        auto, _ = fitted(split, random_state=seed, **parameters)
        found = auto.learning_rate_search_
        rate = auto.learning_rate_ if found is None else found.learning_rate
        rates = rate * 2.0**OCTAVES
        models = [auto] + [
            fitted(split, random_state=seed, learning_rate=r, **parameters)[0] for r in rates
        ]
        for k, model in enumerate(models):
            probability = np.asarray(model.predict_proba(split.X_test), dtype=np.float64)
            probability /= probability.sum(axis=1, keepdims=True)
            losses[k] += log_loss(split.y_test, probability, labels=model.classes_) / N_SEEDS
    best = int(np.argmin(losses[1:]))
    return 100 * (losses[0] / losses[1 + best] - 1), OCTAVES[best]


def compare_costs(names, results):
    """Print the seconds of fits at the defaults over those of fits with the choice given."""
    of_loss = " | ".join(f"{loss}: s | times given | calibrate=False" for loss in LOSSES)
    print(f"| set | rows | {of_loss} |\n|---|---:|{'---:|' * 3 * len(LOSSES)}")
    for name in names:
        split = quality_sets.vectors_of(name, results.cache)
        cells = [f"{s:.2f} | {a:.2f} | {b:.2f}" for s, a, b in (costs(split, x) for x in LOSSES)]
        print(f"| {name} | {split.X_train.shape[0]:,} | {' | '.join(cells)} |", flush=True)


def compare_grids(names, results):
    """Print how far the defaults' log-loss is above that of the best of a grid of fixed rates."""
    print("| set | defaults | best at octave | calibrate=False | best at octave |")
    print("|---|---:|---:|---:|---:|")
    for name in names:
        split = quality_sets.vectors_of(name, results.cache)
        cells = []
        for parameters in ({}, {"calibrate": False}):
            percent, octave = missed(split, **parameters)
            cells.append(f"{percent:+.1f} % | {octave:+.1f}")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
