"""Data of the tests of this folder."""

import time

import numpy as np
import scipy.sparse as sp


def zipf(n_rows=1200, n_features=300, seed=0):
    """Rows of Zipf-distributed columns and labels drawn from a linear model of them."""
    rng = np.random.default_rng(seed)
    share = 1 / np.arange(1, n_features + 1)
    columns = rng.choice(n_features, (n_rows, 15), p=share / share.sum())
    X = sp.csr_array(
        (np.full(columns.size, 0.25), columns.ravel(), np.arange(0, columns.size + 1, 15)),
        shape=(n_rows, n_features),
    )
    X.sum_duplicates()
    weights = 4 * np.random.default_rng(1).normal(size=n_features)
    y = np.where(X @ weights + 0.3 * rng.logistic(size=n_rows) > 0, "yes", "no")
    return X, y


def dealt(array, n=2):
    """Delayed partitions, dealt out as fastada deals rows out to threads."""
    import dask

    return [dask.delayed(array[k::n].copy()) for k in range(n)]


def assert_forgotten(client):
    """Let the scheduler have a moment to forget all tasks."""
    for _ in range(100):
        n_tasks = client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks))
        if n_tasks == 0:
            return
        time.sleep(0.05)
    raise AssertionError(f"the scheduler still knows {n_tasks} tasks")


def bits(model):
    return model.coef_.tobytes(), model.intercept_.tobytes(), model.loss_curve_, model.t_
