"""Log-loss of fits on local clusters beside one machine's: python -m benchmarks.cluster [--help].

Real text, hashed; 5 epochs. Workers are processes of one thread that read their partitions from
files. Each log-loss is the mean over several random states, which deal the rows out and put them in
order, since one order alone may change it by several percent; the error printed is the standard
error of the mean difference. In the last column one of two workers is killed in mid-fit, with the
first state.
"""

import argparse
import contextlib
import logging
import os
import signal
import tempfile
import threading

import dask
import numpy as np
import scipy.sparse as sp
from distributed import Client, LocalCluster
from sklearn.metrics import log_loss

import fastada
from benchmarks.data import real_text
from fastada.dask import AdaGradClassifier
from fastada.dask.checkpoint import Checkpoint

SETS = ("sms_spam", "r8", "trec_qc_fine", "imdb", "20news", "enron_spam")
N_PARTITIONS = 8


def partitions_in(folder, X, y, state):
    """Write partitions to files; give them as delayed reads, which can be repeated anywhere."""
    xs, ys = [], []
    dealt = np.random.default_rng(state).permutation(len(y))
    for k in range(N_PARTITIONS):
        rows, labels = os.path.join(folder, f"{k}.npz"), os.path.join(folder, f"{k}.npy")
        sp.save_npz(rows, X[dealt[k::N_PARTITIONS]], compressed=False)
        np.save(labels, y[dealt[k::N_PARTITIONS]])
        xs.append(dask.delayed(sp.load_npz)(rows))
        ys.append(dask.delayed(np.load)(labels))
    return xs, ys


@contextlib.contextmanager
def killing(client):
    """Kill a worker while it learns the third round."""
    pid = max(client.run(os.getpid).values())
    write, rounds = Checkpoint.write, []

    def and_kill(checkpoint, *args):
        write(checkpoint, *args)
        rounds.append(args)
        if len(rounds) == 2:
            threading.Timer(0.02, os.kill, (pid, signal.SIGKILL)).start()

    Checkpoint.write = and_kill
    try:
        yield
    finally:
        Checkpoint.write = write
    if pid in client.run(os.getpid).values():
        raise AssertionError("the worker has not been killed")


def local_cluster(stack, n_workers):
    """Give a client of worker processes that end with the stack."""
    cluster = LocalCluster(
        n_workers=n_workers,
        threads_per_worker=1,
        dashboard_address=":0",
        silence_logs=logging.CRITICAL,
    )
    return stack.enter_context(Client(stack.enter_context(cluster)))


def compare(name, clients, parameters, n_states):
    """Print a line of the table."""
    X, X_test, y, y_test = real_text(name)
    losses = {column: [] for column in ("one", *clients)}
    models = {}

    def fit(column, kind, state, *args, **also):
        models[column] = kind(**parameters, random_state=state).fit(*args, **also)
        probabilities = models[column].predict_proba(X_test)
        return log_loss(y_test, probabilities, labels=models[column].classes_)

    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        for state in reversed(range(n_states)):
            parts = partitions_in(folder, X, y, state)
            losses["one"].append(fit("one", fastada.AdaGradClassifier, state, X, y))
            for n_workers, client in clients.items():
                with client.as_current():
                    losses[n_workers].append(fit(n_workers, AdaGradClassifier, state, *parts))
        # A cluster of its own: the worker takes its time to come back.
        client = local_cluster(stack, 2)
        with client.as_current(), killing(client):
            path = os.path.join(folder, "checkpoint.safetensors")
            killed = fit("killed", AdaGradClassifier, state, *parts, checkpoint=path)
    one = np.array(losses.pop("one"))
    cells = [f"{one.mean():.4f}"]
    for found in losses.values():
        differences = 100 * (np.array(found) - one) / one.mean()
        error = differences.std(ddof=1) / np.sqrt(n_states) if n_states > 1 else np.nan
        cells.append(f"{differences.mean():+.1f} ± {error:.1f} %")
    same = np.array_equal(models["killed"].coef_, models[2].coef_)
    cells.append("same bits" if same else f"{100 * (killed / losses[2][-1] - 1):+.2g} %")
    line = f"| {name} | {parameters['learning_rate']} | {' | '.join(cells)} |"
    print(line.replace("-", "−"), flush=True)


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", default=SETS)
    parser.add_argument("--states", type=int, default=5, help="random states (default: 5)")
    parser.add_argument(
        "--syncs", type=int, help="synchronisations an epoch (default: the estimator's)"
    )
    arguments = parser.parse_args()
    logging.getLogger("distributed").setLevel(logging.ERROR)
    print("| set | learning rate | one machine | 2 workers | 4 workers | one of 2 killed |")
    print("|---|---|---:|---:|---:|---:|")
    with contextlib.ExitStack() as stack:
        clients = {n_workers: local_cluster(stack, n_workers) for n_workers in (2, 4)}
        for name in arguments.sets:
            for learning_rate in ("auto", 1):
                parameters = {"max_iter": 5, "tol": None, "n_syncs": arguments.syncs}
                parameters["learning_rate"] = learning_rate
                compare(name, clients, parameters, arguments.states)


if __name__ == "__main__":
    main()
