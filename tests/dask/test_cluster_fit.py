"""Fits on a cluster: what replicas on one machine give, from whatever Dask holds."""

import asyncio
import pickle

import cluster_data
import numpy as np
import pytest
import scipy.sparse as sp
from cluster_data import assert_forgotten, bits, dealt, zipf
from sklearn.metrics import log_loss

import fastada
import fastada.threads

dask = pytest.importorskip("dask", reason="the extra [dask] is not installed")
pytest.importorskip("distributed", reason="the extra [dask] is not installed")
import dask.array as da
from distributed import Client, futures_of, wait

from fastada.dask import AdaGradClassifier, AdaGradRegressor, TextClassifier, training
from fastada.dask.partitions import aligned, places

PENALTY = {"alpha": 1e-3, "l1_ratio": 0.5}


@pytest.fixture
def threads_for_few_rows(monkeypatch):
    monkeypatch.setattr(fastada.threads, "SMALLEST_SHARE", 10)


@pytest.mark.parametrize(
    ("update", "n_syncs", "penalty"),
    [("comid", 1, PENALTY), ("comid", 2, {}), ("rda", 2, PENALTY), ("ftrl", 2, PENALTY)],
)
@pytest.mark.usefixtures("threads_for_few_rows")
def test_two_workers_are_two_threads(client, update, n_syncs, penalty):
    """Rows dealt out to partitions as to threads; to rounding, since sums are grouped otherwise."""
    X, y = zipf()
    parameters = dict(
        update=update, n_syncs=n_syncs, shuffle=False, batch_size=3, max_iter=3, tol=None, **penalty
    )
    parameters["learning_rate"] = 2.0
    weight = np.random.default_rng(0).integers(0, 3, len(y)).astype(float)
    expected = fastada.AdaGradClassifier(n_jobs=2, **parameters).fit(
        X[weight > 0], y[weight > 0], weight[weight > 0]
    )
    kept = np.flatnonzero(weight)
    model = AdaGradClassifier(**parameters).fit(dealt(X[kept]), dealt(y[kept]), dealt(weight[kept]))
    np.testing.assert_allclose(model.coef_, expected.coef_, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(model.intercept_, expected.intercept_, rtol=1e-9)
    np.testing.assert_allclose(model.loss_curve_, expected.loss_curve_, rtol=1e-12)
    np.testing.assert_allclose(model.objective_curve_, expected.objective_curve_, rtol=1e-9)
    assert model.t_ == expected.t_
    assert_forgotten(client)


@pytest.mark.usefixtures("threads_for_few_rows")
def test_many_workers_are_as_many_threads():
    X, y = zipf()
    parameters = dict(learning_rate=1.0, shuffle=False, max_iter=2, tol=None, n_syncs=2)
    expected = fastada.AdaGradClassifier(n_jobs=11, **parameters).fit(X, y)
    with Client(processes=False, n_workers=11, threads_per_worker=1, dashboard_address=":0") as few:
        model = AdaGradClassifier(**parameters).fit(dealt(X, 11), dealt(y, 11))
        assert_forgotten(few)
    np.testing.assert_allclose(model.coef_, expected.coef_, rtol=1e-9, atol=1e-12)
    assert model.t_ == expected.t_


def test_an_asynchronous_client_is_refused(cluster):
    async def fit():
        async with Client(cluster.scheduler_address, asynchronous=True) as client:
            model = AdaGradClassifier()
            model.client = client
            with pytest.raises(TypeError, match="asynchronous=False"):
                model.fit(dealt(zipf(20)[0]), dealt(zipf(20)[1]))

    asyncio.run(fit())


@pytest.mark.usefixtures("threads_for_few_rows")
def test_regressor(client):
    X, _ = zipf()
    y = X @ np.random.default_rng(2).normal(size=X.shape[1])
    parameters = dict(learning_rate=1.0, shuffle=False, max_iter=3, tol=None, n_syncs=1)
    expected = fastada.AdaGradRegressor(n_jobs=2, **parameters).fit(X, y)
    model = AdaGradRegressor(**parameters).fit(dealt(X), dealt(y))
    np.testing.assert_allclose(model.coef_, expected.coef_, rtol=1e-9, atol=1e-12)
    parts = dealt(X), dealt(y), dealt(np.arange(len(y)))
    assert np.isclose(model.score(*parts).compute(), expected.score(X, y, np.arange(len(y))))
    assert model.predict(dealt(X)).dtype == np.float64


def test_several_classes_of_dense_blocks_and_weights_of_classes(client, text_like):
    X, y = text_like
    blocks = da.from_array(X.toarray(), chunks=(100, -1))
    labels = da.from_array(y, chunks=100)
    parameters = dict(
        learning_rate=1.0, multi_class="multinomial", class_weight="balanced", dtype=np.float32,
        max_iter=8, tol=None, random_state=0,
    )  # fmt: skip
    model = AdaGradClassifier(n_jobs=-1, **parameters).fit(blocks, labels)
    one = fastada.AdaGradClassifier(**parameters).fit(X, y)
    np.testing.assert_array_equal(model.classes_, one.classes_)
    assert model.coef_.dtype == np.float32
    assert model._scale._asdict() == pytest.approx(one._scale._asdict())
    assert np.mean(model.predict(X) == one.predict(X)) > 0.95
    assert abs(log_loss(y, model.predict_proba(X)) / log_loss(y, one.predict_proba(X)) - 1) < 0.2
    again = AdaGradClassifier(n_jobs=-1, **parameters).fit(blocks, labels)
    assert bits(again) == bits(model)


def test_the_rate_is_searched_for_on_rows_of_all_shares(client):
    X, y = zipf()
    model = AdaGradClassifier(max_iter=1, random_state=0).fit(dealt(X), dealt(y))
    one = fastada.AdaGradClassifier(max_iter=1, random_state=0).fit(X, y)
    # Of all rows, in the same order, as the same search would on one machine.
    np.testing.assert_allclose(model.learning_rate_, one.learning_rate_ / 2**0.1, rtol=1e-9)
    assert model.learning_rate_search_.learning_rate == model.learning_rate_
    assert model.progressive_loss_ == model.loss_curve_[0]


@pytest.mark.parametrize(
    ("parts_of_work", "rows_of_syncs", "n_syncs"),
    [(0.5, 45_000, 1), (3.5, 45_000, 3), (100, 45_000, 16), (100, 5 * 600, 5), (100, 100, 1)],
)
def test_shares_have_as_many_rounds_as_are_worth_it(
    client, monkeypatch, parts_of_work, rows_of_syncs, n_syncs
):
    X, y = zipf()
    monkeypatch.setattr(training, "WORK_OF_ROUND", int(X.nnz / parts_of_work))
    monkeypatch.setattr(training, "ROWS_OF_SYNCS", rows_of_syncs)
    parameters = dict(learning_rate=1.0, max_iter=1, random_state=0)
    model = AdaGradClassifier(**parameters).fit(dealt(X), dealt(y))
    same = AdaGradClassifier(**parameters, n_syncs=n_syncs).fit(dealt(X), dealt(y))
    assert bits(model) == bits(same)


def test_multilabel(client, text_like):
    X, y = text_like
    indicator = np.column_stack([y == "ham", y != "spam"]).astype(int)
    model = AdaGradClassifier(random_state=0).fit(dealt(X), dealt(indicator))
    predicted = model.predict(dealt(X)).compute()
    assert predicted.shape == indicator.shape
    assert model.score(dealt(X), dealt(indicator)).compute() == model.score(X, indicator) > 0.7


def test_data_stays_where_it_is(client):
    X, y = zipf()
    workers = sorted(client.nthreads())
    placed = [
        client.submit(lambda part: part, X[k::4].copy(), workers=[workers[k == 3]], pure=False)
        for k in range(4)
    ]
    AdaGradClassifier(max_iter=1).fit(placed, dealt(y, 4))
    found = [client.who_has(placed)[future.key] for future in placed]
    assert [sorted(where) for where in found] == [[workers[k == 3]] for k in range(4)]


@pytest.mark.parametrize("kind", ["scaled array", "column of a frame", "delayed", "futures"])
def test_what_is_made_of_persisted_data_is_learned_where_that_is(client, kind):
    X, y = zipf()
    workers = sorted(client.nthreads())
    if kind == "column of a frame":
        frames = pytest.importorskip("dask.dataframe")
        pandas = pytest.importorskip("pandas")
        frame = frames.from_pandas(pandas.DataFrame(X.toarray()[:, :9]), npartitions=3)
        persisted = frame.persist(workers=workers[1:])
        made = persisted[[0, 1, 2]]
    else:
        persisted = da.from_array(X.toarray(), chunks=(400, -1)).persist(workers=workers[1:])
        parts = persisted.to_delayed()[:, 0]
        made = {
            "scaled array": persisted[:, :50] * 2,
            "delayed": [dask.delayed(sp.csr_array)(part) for part in parts],
            "futures": [dask.delayed(sp.csr_array)(part) for part in futures_of(persisted)],
        }[kind]
    wait(persisted)
    labels = [dask.delayed(part) for part in np.split(y, 3)]
    assert places(client, made, aligned(made, labels, None)) == 3 * workers[1:]
    assert AdaGradClassifier(max_iter=1).fit(made, labels).t_ == len(y)


def test_partitions_without_rows(client):
    X, y = zipf()
    none = [dask.delayed(X[:0])], [dask.delayed(y[:0])]
    parameters = dict(learning_rate=1.0, alpha=1e-3, random_state=0, max_iter=2)
    expected = AdaGradClassifier(**parameters).fit(dealt(X, 1), dealt(y, 1))
    # Dealt round, a share gets rows and nothing, the other nothing alone.
    xs = dealt(X, 1) + 2 * none[0]
    ys = dealt(y, 1) + 2 * none[1]
    model = AdaGradClassifier(**parameters).fit(xs, ys)
    assert bits(model) == bits(expected)
    np.testing.assert_array_equal(model.predict_proba(xs).compute(), expected.predict_proba(X))
    assert model.score(xs, ys).compute() == expected.score(X, y)
    texts = [["good one", "bad one"] * 20, []]
    labels = [["pos", "neg"] * 20, []]
    bags = [[dask.delayed(part) for part in parts] for parts in (texts, labels)]
    assert TextClassifier(random_state=0).fit(*bags).score(*bags).compute() == 1
    with pytest.raises(ValueError, match="no partition of X has a row"):
        AdaGradClassifier().fit(*none)


def test_the_scheduler_forgets_every_round(client):
    X, y = zipf()

    def watch(dask_scheduler):
        from distributed import SchedulerPlugin

        class Watch(SchedulerPlugin):
            name, most, seen = "watch", 0, 0

            def transition(self, key, start, finish, *args, **kwargs):
                self.most = max(self.most, len(dask_scheduler.tasks))
                self.seen += start == "released" and finish == "waiting"

        dask_scheduler.add_plugin(Watch())

    def seen(dask_scheduler):
        watch = dask_scheduler.plugins.pop("watch")
        return watch.most, watch.seen

    most = []
    for max_iter in (3, 12):
        client.run_on_scheduler(watch)
        AdaGradClassifier(max_iter=max_iter, tol=None).fit(dealt(X, 6), dealt(y, 6))
        found = client.run_on_scheduler(seen)
        most.append(found[0])
        assert found[1] > 5 * max_iter
    assert most[1] <= most[0] + 6
    assert_forgotten(client)


# Older Dask asks whether one is sure to compute without the cluster that there is.
@pytest.mark.filterwarnings("ignore:Running on a single-machine scheduler:UserWarning")
def test_predictions_are_lazy_and_those_of_the_local_model(client):
    X, y = zipf()
    blocks = da.concatenate(
        [da.from_delayed(part, shape=(400, X.shape[1]), dtype=float) for part in dealt(X, 3)]
    )
    labels = da.concatenate(
        [da.from_delayed(part, shape=(400,), dtype=y.dtype) for part in dealt(y, 3)]
    )
    model = AdaGradClassifier(random_state=0).fit(blocks, labels)
    rows = sp.vstack([X[k::3] for k in range(3)])
    local = model.to_local()
    assert type(local) is fastada.AdaGradClassifier
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        lazy = getattr(model, method)(blocks)
        expected = getattr(local, method)(rows)
        assert isinstance(lazy, da.Array)
        assert lazy.chunks[0] == (400, 400, 400)
        assert lazy.dtype == expected.dtype
        np.testing.assert_array_equal(lazy.compute(), expected)
        np.testing.assert_array_equal(getattr(model, method)(rows), expected)
    assert model.score(blocks, labels).compute() == local.score(X, y)
    with dask.config.set(scheduler="synchronous"):
        assert model.score(blocks, labels).compute() == local.score(X, y)
    again = pickle.loads(pickle.dumps(model))
    assert bits(again) == bits(model)
    model.client = client
    assert pickle.loads(pickle.dumps(model))._client is None
    with pytest.raises(AttributeError):
        AdaGradClassifier(loss="hinge").predict_proba  # noqa: B018


def test_warm_start_goes_on(client):
    X, y = zipf()
    parameters = dict(random_state=0, tol=None, **PENALTY)
    whole = AdaGradClassifier(max_iter=4, **parameters).fit(dealt(X), dealt(y))
    model = AdaGradClassifier(max_iter=2, warm_start=True, **parameters)
    model.fit(dealt(X), dealt(y)).fit(dealt(X), dealt(y))
    assert bits(model)[:2] == bits(whole)[:2]


@pytest.mark.parametrize("kind", ["bag", "frame"])
def test_text(client, kind):
    rng = np.random.default_rng(0)
    words = np.array(["good", "bad", "kind", "mean", "film", "plot", "actor", "scene"])
    drawn = rng.integers(8, size=(400, 6))
    texts = [" ".join(words[row]) for row in drawn]
    y = np.where((drawn % 2 == 0).mean(axis=1) >= 0.5, "pos", "neg")
    parameters = dict(n_features=2**12, learning_rate=0.5, random_state=0, max_iter=5)
    one = fastada.TextClassifier(calibrate=False, **parameters).fit(texts, y)
    if kind == "bag":
        bag = pytest.importorskip("dask.bag")
        X, labels = bag.from_sequence(texts, npartitions=3), bag.from_sequence(y, npartitions=3)
    else:
        frames = pytest.importorskip("dask.dataframe")
        pandas = pytest.importorskip("pandas")
        frame = frames.from_pandas(pandas.DataFrame({"text": texts, "label": y}), npartitions=3)
        X, labels = frame["text"], frame["label"]
    model = TextClassifier(**parameters).fit(X, labels)
    np.testing.assert_array_equal(model.vectorizer_.idf_, one.vectorizer_.idf_)
    assert model.vectorizer_.n_documents_ == len(texts)
    np.testing.assert_array_equal(model.classes_, ["neg", "pos"])
    lazy = model.predict_proba(X)
    np.testing.assert_array_equal(lazy.compute(), model.predict_proba(texts))
    np.testing.assert_allclose(lazy.compute(), one.predict_proba(texts), atol=0.1)
    assert type(model.to_local()) is fastada.TextClassifier
    assert model.score(X, labels).compute() == model.score(texts, y) > 0.95


@pytest.mark.parametrize("loss", ["auto", "squared_hinge"])
def test_text_of_many_classes(client, loss):
    texts = [f"{['good', 'bad', 'kind'][i % 3]} word{i % 7}" for i in range(300)]
    y = np.arange(300) % 3
    X, labels = ([dask.delayed(part[i::2]) for i in range(2)] for part in (texts, y))
    model = TextClassifier(n_features=2**12, loss=loss, random_state=0).fit(X, labels)
    assert model.score(texts, y) == 1
    # No rows are left out to calibrate hinge losses by.
    assert model.classifier_.loss == ("log_loss" if loss == "auto" else loss)
    assert hasattr(model, "predict_proba") == (loss == "auto")
    assert hasattr(model.to_local(), "predict_proba") == (loss == "auto")


def test_incremental_of_dask_ml_hands_blocks_over(client):
    X, y = zipf()
    blocks, labels = np.array_split(X.toarray(), 3), np.array_split(y, 3)
    expected = fastada.AdaGradClassifier(learning_rate=1.0, initial_accumulator=0.1)
    model = AdaGradClassifier(learning_rate=1.0, initial_accumulator=0.1)
    for block, label in zip(blocks, labels, strict=True):
        expected.partial_fit(block, label, classes=["no", "yes"])
        # What dask_ml.wrappers.Incremental does: a task a block, the model from one to the next.
        model = client.submit(
            lambda model, X, y: model.partial_fit(X, y, classes=["no", "yes"]),
            model, block, label, pure=False,
        ).result()  # fmt: skip
    assert bits(model) == bits(expected)


@pytest.mark.parametrize(
    ("X", "y", "parameters", "error", "match"),
    [
        (cluster_data.zipf(20)[0], None, {}, TypeError, "fastada itself"),
        (dealt(zipf(20)[0]), dealt(zipf(20)[1], 3), {}, ValueError, "2 partitions and y 3"),
        (dealt(zipf(20)[0]), dealt(zipf(18)[1]), {}, ValueError, "differ in length"),
        (dealt(zipf(20)[0]), dealt(np.zeros(20)), {}, ValueError, "number of classes"),
        (dealt(zipf(20)[0]), dealt(zipf(20)[1]), {"early_stopping": True}, ValueError, "early_"),
        (dealt(zipf(20)[0]), dealt(zipf(20)[1]), {"calibrate": True}, ValueError, "calibrate"),
        (dealt(zipf(20)[0]), dealt(zipf(20)[1]), {"decay": 0.5}, ValueError, "decay"),
        (dealt(zipf(20)[0]), dealt(zipf(20)[1]), {"alpha": -1}, ValueError, "alpha"),
        (da.ones((9, 4), chunks=(3, 2)), da.ones(9, chunks=3), {}, ValueError, "rechunk"),
    ],
)
def test_errors_say_what_to_do(client, X, y, parameters, error, match):
    y = zipf(20)[1] if y is None else y
    with pytest.raises(error, match=match):
        AdaGradClassifier(**parameters).fit(X, y)
    assert_forgotten(client)


def test_divergence_is_told(client):
    X, _ = zipf()
    y = np.zeros(X.shape[0])
    y[-1] = 1e200
    with pytest.raises(FloatingPointError, match="diverged in epoch 1 with learning_rate=1"):
        AdaGradRegressor(learning_rate=1.0, initial_accumulator=1.0).fit(dealt(X), dealt(y))
    with pytest.raises(TypeError, match="Incremental"):
        AdaGradClassifier().partial_fit(dealt(X), dealt(y))
