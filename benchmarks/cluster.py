"""Log-loss of fits on local clusters beside one machine's: python -m benchmarks.cluster [SET ...].

Real text, hashed; 5 epochs of 4 rounds each. Workers are processes of one thread that read their
partitions from files; in the last column one of two is killed in mid-fit. All have the same
learning rate: with "auto" each searches for its own, which on small sets changes more than the
number of workers does.
"""

import argparse
import logging
import os
import signal
import tempfile
import threading
import time

import dask
import numpy as np
import scipy.sparse as sp
from distributed import Client, LocalCluster
from sklearn.metrics import log_loss

import fastada
from benchmarks.data import real_text
from fastada.dask import AdaGradClassifier

SETS = ("imdb", "20news", "enron_spam", "sms_spam", "r8", "trec_qc_fine")
PARAMETERS = {"max_iter": 5, "tol": None, "random_state": 0, "n_syncs": 4}
N_PARTITIONS = 8


def partitions_in(folder, X, y):
    """Write partitions to files; give them as delayed reads, which can be repeated anywhere."""
    xs, ys = [], []
    for k in range(N_PARTITIONS):
        rows, labels = os.path.join(folder, f"{k}.npz"), os.path.join(folder, f"{k}.npy")
        sp.save_npz(rows, X[k::N_PARTITIONS], compressed=False)
        np.save(labels, y[k::N_PARTITIONS])
        xs.append(dask.delayed(sp.load_npz)(rows))
        ys.append(dask.delayed(np.load)(labels))
    return xs, ys


def kill_in_a_while(client, checkpoint):
    """Kill a worker after the second round."""
    pid = max(client.run(os.getpid).values())
    before = time.time()

    def kill():
        rounds = set()
        while len(rounds) < 2:
            time.sleep(0.002)
            if os.path.exists(checkpoint):
                changed = os.stat(checkpoint).st_mtime_ns
                if changed > before * 1e9:
                    rounds.add(changed)
        os.kill(pid, signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    return thread


def main():
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", default=SETS)
    parser.add_argument(
        "--learning-rate", default=1.0, type=lambda v: v if v == "auto" else float(v)
    )
    arguments = parser.parse_args()
    parameters = {**PARAMETERS, "learning_rate": arguments.learning_rate}
    logging.getLogger("distributed").setLevel(logging.ERROR)
    print(
        f"{'set':>14} {'one machine':>12} {'2 workers':>16} {'4 workers':>16} {'1 of 2 killed':>16}"
    )
    for name in arguments.sets:
        X, X_test, y, y_test = real_text(name)
        one = fastada.AdaGradClassifier(**parameters).fit(X, y)
        losses = [log_loss(y_test, one.predict_proba(X_test), labels=one.classes_)]
        with tempfile.TemporaryDirectory() as folder:
            parts = partitions_in(folder, X, y)
            checkpoint = os.path.join(folder, "checkpoint.safetensors")
            for n_workers, kill in ((2, False), (4, False), (2, True)):
                with (
                    LocalCluster(
                        n_workers=n_workers,
                        threads_per_worker=1,
                        dashboard_address=":0",
                        silence_logs=logging.CRITICAL,
                    ) as cluster,
                    Client(cluster) as client,
                ):
                    thread = kill_in_a_while(client, checkpoint) if kill else None
                    model = AdaGradClassifier(**parameters)
                    model.fit(*parts, checkpoint=checkpoint if kill else None)
                    if thread is not None:
                        thread.join()
                        assert client.run_on_scheduler(
                            lambda dask_scheduler: any(
                                event["action"] == "remove-worker"
                                for _, event in dask_scheduler.get_events("all")
                            )
                        )
                losses.append(log_loss(y_test, model.predict_proba(X_test), labels=one.classes_))
        others = "".join(
            f"{loss:9.4f} {100 * (loss / losses[0] - 1):+5.1f}%" for loss in losses[1:]
        )
        print(f"{name:>14} {losses[0]:12.4f} {others}", flush=True)


if __name__ == "__main__":
    main()
