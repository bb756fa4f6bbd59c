"""Workers that are killed, clients that go away, fits that go on from a checkpoint."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest
from cluster_data import assert_forgotten, bits, dealt, zipf

import fastada

pytest.importorskip("distributed", reason="the extra [dask] is not installed")
from distributed import Client, LocalCluster
from sklearn.metrics import log_loss

from fastada.dask import AdaGradClassifier, AdaGradRegressor
from fastada.dask.checkpoint import Checkpoint
from fastada.dask.team import Team

PARAMETERS = dict(max_iter=4, n_syncs=2, tol=None, random_state=0, alpha=1e-3, l1_ratio=0.5)


def kill_one(client):
    os.kill(max(client.run(os.getpid).values()), signal.SIGKILL)


@contextlib.contextmanager
def once_submitted(name, count, action):
    """Act when a task of that name has been submitted so many times; give the names of all."""
    submit, done = Team._submit, []

    def and_act(team, worker, function, *args):
        future = submit(team, worker, function, *args)
        done.append(function.__name__)
        if function.__name__ == name and done.count(name) == count:
            action()
        return future

    Team._submit = and_act
    try:
        yield done
    finally:
        Team._submit = submit
    assert done.count(name) >= count


@pytest.mark.parametrize(("name", "count"), [("learn", 6), ("encode", 2)])
def test_a_worker_killed_changes_no_bit(client, name, count):
    X, y = zipf()
    expected = AdaGradClassifier(**PARAMETERS).fit(dealt(X, 4), dealt(y, 4))
    client.wait_for_workers(2, timeout=60)
    with once_submitted(name, count, lambda: kill_one(client)) as done:
        model = AdaGradClassifier(**PARAMETERS).fit(dealt(X, 4), dealt(y, 4))
    assert bits(model) == bits(expected)
    # Of the rounds of eight parts by two, one share of one round was learned again at most.
    assert done.count("learn") <= 2 * 8 + 1
    assert_forgotten(client)


def test_four_workers_one_of_them_killed_do_as_well_as_one_machine():
    X, y = zipf(6000)
    # At the higher rate that a search finds here one order of the rows alone moves the loss by 3 %.
    parameters = dict(max_iter=5, tol=None, learning_rate=1.0, random_state=0)
    rows, labels = dealt(X[:4000], 8), dealt(y[:4000], 8)

    def loss(model):
        return log_loss(y[4000:], model.predict_proba(X[4000:]))

    sequential = fastada.AdaGradClassifier(**parameters).fit(X[:4000], y[:4000])
    with (
        LocalCluster(n_workers=4, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        expected = AdaGradClassifier(**parameters).fit(rows, labels)
        with once_submitted("learn", 10, lambda: kill_one(client)):
            model = AdaGradClassifier(**parameters).fit(rows, labels)
    assert bits(model) == bits(expected)
    assert abs(loss(model) / loss(sequential) - 1) < 0.02


def test_ctrl_c_leaves_nothing_running(client):
    X, y = zipf()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with (
            once_submitted("learn", 10, lambda: os.kill(os.getpid(), signal.SIGINT)),
            pytest.raises(KeyboardInterrupt),
        ):
            AdaGradClassifier(max_iter=10**6, tol=None).fit(dealt(X), dealt(y))
    finally:
        signal.signal(signal.SIGINT, before)
    assert_forgotten(client)


def test_a_client_that_goes_away_leaves_nothing_running(client, tmp_path):
    script = textwrap.dedent(
        """
        import sys
        from distributed import Client
        from cluster_data import dealt, zipf
        from fastada.dask import AdaGradClassifier
        with Client(sys.argv[1]):
            X, y = zipf()
            AdaGradClassifier(max_iter=10**6, tol=None, verbose=1).fit(dealt(X), dealt(y))
        """
    )
    folder = os.path.dirname(__file__)
    root = os.path.dirname(os.path.dirname(folder))
    process = subprocess.Popen(
        [sys.executable, "-c", script, client.scheduler.address],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([folder, root])},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout.readline().startswith("epoch 1/")
        process.kill()
    assert_forgotten(client)
    deadline = time.monotonic() + 10
    while any(client.processing().values()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(client.processing().values())
    running = client.run(lambda dask_worker: list(dask_worker.state.tasks))
    assert all(not tasks for tasks in running.values())


def test_checkpoints_are_models_and_go_on_to_the_same_bits(client, monkeypatch, tmp_path):
    X, y = zipf()
    path = tmp_path / "model.safetensors"
    expected = AdaGradClassifier(**PARAMETERS).fit(dealt(X), dealt(y))
    write, written = Checkpoint.write, []

    def and_stop(checkpoint, *args):
        write(checkpoint, *args)
        written.append(fastada.load(path))
        if len(written) == 5:
            raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoint, "write", and_stop)
    model = AdaGradClassifier(**PARAMETERS)
    with pytest.raises(KeyboardInterrupt):
        model.fit(dealt(X), dealt(y), checkpoint=path)
    assert not hasattr(model, "coef_")
    assert [stored.t_ for stored in written] == [600, 1200, 1800, 2400, 3000]
    assert type(written[-1]) is fastada.AdaGradClassifier
    assert written[-1].score(X, y) > 0.8

    model.fit(dealt(X), dealt(y), checkpoint=path, resume=True)
    assert len(written) == 8
    assert bits(model) == bits(expected) == bits(fastada.load(path))
    model.fit(dealt(X), dealt(y), checkpoint=path, resume=True)
    assert len(written) == 8
    assert bits(model) == bits(expected)

    with pytest.raises(ValueError, match="other data"):
        model.fit(dealt(X[:900]), dealt(y[:900]), checkpoint=path, resume=True)
    with pytest.raises(ValueError, match="another alpha"):
        model.set_params(alpha=0.1).fit(dealt(X), dealt(y), checkpoint=path, resume=True)
    fastada.AdaGradRegressor().fit([[1.0], [2.0]], [1.0, 2.0]).save(path)
    with pytest.raises(ValueError, match="no checkpoint"):
        AdaGradRegressor().fit(dealt(X), dealt((y == "yes") + 0.0), checkpoint=path, resume=True)
    with pytest.raises(ValueError, match="resume needs checkpoint"):
        model.fit(dealt(X), dealt(y), resume=True)


def test_a_share_that_kills_its_workers_is_given_up(client):
    X, y = zipf()
    stop = threading.Event()

    def kill_all():
        while not stop.is_set():
            for process in client.run(os.getpid, on_error="ignore").values():
                os.kill(process, signal.SIGKILL)
            time.sleep(0.1)

    thread = threading.Thread(target=kill_all)
    thread.start()
    try:
        with pytest.raises(RuntimeError, match=r"checkpoint|same share"):
            AdaGradClassifier(max_iter=10**6, tol=None).fit(dealt(X), dealt(y))
    finally:
        stop.set()
        thread.join()
    client.wait_for_workers(2, timeout=60)
