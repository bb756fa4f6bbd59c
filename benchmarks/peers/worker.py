"""One system on one set, in a process of the peer's own Python.

    python -m benchmarks.peers.worker FOLDER SYSTEM OUTPUT

FOLDER holds the rows; a line of JSON is written to OUTPUT.
"""

import importlib
import json
import os
import sys
import time
import warnings
from pathlib import Path

import numpy as np

from benchmarks.peers.rows import load
from benchmarks.peers.systems import systems_for, with_variants

# A first fit quicker than this is done again: the first call of anything takes longer.
WARM_UP = 3.0


def scores(probability, y):
    """Accuracy and log-loss."""
    probability = np.asarray(probability, np.float64)
    probability = probability / probability.sum(axis=1, keepdims=True)
    # scikit-learn clips at the resolution of the type; float32 is what most peers give.
    of_truth = probability[np.arange(len(y)), y].clip(np.finfo(np.float32).eps)
    return {
        "accuracy": float(np.mean(probability.argmax(axis=1) == y)),
        "log_loss": float(-np.log(of_truth).mean()),
    }


def peak_bytes(start=False):
    """The most memory of the process since the last call with `start`; None but on Linux."""
    try:
        if start:
            Path("/proc/self/clear_refs").write_text("5")
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def seconds_of(peer, system, point):
    start = time.perf_counter()
    told = peer.fit(system.threads, **system.settings, **point)
    return time.perf_counter() - start if told is None else told


def run(folder, system):
    """The points of a trajectory: what they are, seconds, entries visited, accuracy, log-loss."""
    adapter = importlib.import_module(f"benchmarks.peers.adapters.{system.peer}")
    train = load(folder, "train")
    indptr = train.X.indptr
    peer = adapter.Peer(train, folder)
    del train
    points, peaks = [], []
    for point in system.points:
        peak_bytes(start=True)
        seconds = seconds_of(peer, system, point)
        if not points and seconds < WARM_UP:
            seconds = seconds_of(peer, system, point)
        peaks.append(peak_bytes())
        test = load(folder, "test")
        points.append(
            {
                "point": point,
                "seconds": seconds,
                "entries": int(indptr[point.get("rows", len(indptr) - 1)]) * point.get("epochs", 1),
                **scores(peer.predict_proba(test), test.y),
            }
        )
        del test
    return {"points": points, "peak": max(filter(None, peaks), default=None)}


def main(folder, name, output):
    n_classes = load(Path(folder), "test").n_classes
    systems = with_variants(systems_for(n_classes))
    system = next(system for system in systems if system.name == name)
    warnings.simplefilter("ignore")  # of convergence: epochs are part of the setting
    result = run(Path(folder), system)
    Path(output).write_text(json.dumps(result))
    # Some peers crash when they are taken down.
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
