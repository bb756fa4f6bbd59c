"""n_jobs: the same bits whatever the timing, about the quality of one thread, and its failures."""

import copy
import signal
import threading
import time

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.metrics import log_loss

import fastada.threads
from fastada import AdaGradClassifier, AdaGradRegressor, TextClassifier
from fastada.settings import UPDATES

PENALTY = {"alpha": 1e-3, "l1_ratio": 0.5}


@pytest.fixture(autouse=True)
def threads_for_few_rows(monkeypatch):
    monkeypatch.setattr(fastada.threads, "SMALLEST_SHARE", 10)


@pytest.fixture
def text():
    """Two classes of Zipf-distributed columns, as (X, y) to train and to test."""
    rng = np.random.default_rng(0)
    n_rows, n_features = 3000, 500
    weights = rng.normal(size=n_features)
    share = 1 / np.arange(1, n_features + 1)
    columns = rng.choice(n_features, (n_rows, 20), p=share / share.sum())
    X = sp.csr_array((np.ones(columns.size), columns.ravel(), np.arange(0, columns.size + 1, 20)))
    X.resize(n_rows, n_features)
    X.sum_duplicates()
    X.data /= 4
    y = np.where(X @ weights + 0.3 * rng.logistic(size=n_rows) > 0, "yes", "no")
    return (X[:2000], y[:2000]), (X[2000:], y[2000:])


def bits(model):
    return model.coef_.tobytes(), model.intercept_.tobytes(), model.loss_curve_, model.t_


@pytest.mark.parametrize("update", UPDATES)
@pytest.mark.parametrize("n_jobs", [2, 3])
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_same_bits_whatever_the_timing(text, update, n_jobs, shuffle, dtype, monkeypatch):
    (X, y), _ = text
    parameters = dict(
        update=update, n_jobs=n_jobs, n_syncs=2, shuffle=shuffle, dtype=dtype, max_iter=3,
        tol=None, random_state=0, **PENALTY,
    )  # fmt: skip
    first = AdaGradClassifier(**parameters).fit(X, y)
    learn_sums, turns = fastada.threads.learn_sums, []  # without a GIL too, no append is lost

    def slow_by_turns(*args):
        turns.append(None)
        time.sleep(0.005 * (len(turns) % 3))
        return learn_sums(*args)

    monkeypatch.setattr(fastada.threads, "learn_sums", slow_by_turns)
    assert bits(AdaGradClassifier(**parameters).fit(X, y)) == bits(first)
    assert len(turns) == 3 * 2 * n_jobs


@pytest.mark.parametrize("update", UPDATES)
@pytest.mark.parametrize("penalty", [{}, {"alpha": 1e-4}, {"alpha": 1e-4, "l1_ratio": 1.0}])
@pytest.mark.parametrize("n_jobs", [2, 8])
def test_log_loss_is_about_that_of_one_thread(text, update, penalty, n_jobs):
    (X, y), (X_test, y_test) = text
    parameters = dict(update=update, max_iter=5, tol=None, random_state=0, n_syncs=2, **penalty)
    if update == "ftrl":
        parameters["alpha"] = 1000 * penalty.get("alpha", 0)
    one = AdaGradClassifier(**parameters).fit(X, y)
    several = AdaGradClassifier(n_jobs=n_jobs, **parameters).fit(X, y)
    assert several.t_ == one.t_
    losses = [log_loss(y_test, model.predict_proba(X_test)) for model in (one, several)]
    assert not np.array_equal(one.coef_, several.coef_)
    assert losses[1] < 1.03 * losses[0]


@pytest.mark.parametrize("multi_class", ["ovr", "multinomial"])
@pytest.mark.parametrize("batch_size", [1, 7])
@pytest.mark.parametrize("penalty", [{}, PENALTY])
def test_several_classes_and_batches(text_like, multi_class, batch_size, penalty):
    X, y = text_like
    parameters = dict(
        multi_class=multi_class, batch_size=batch_size, max_iter=20, tol=None, random_state=0,
        **penalty,
    )  # fmt: skip
    one = AdaGradClassifier(**parameters).fit(X, y)
    several = AdaGradClassifier(n_jobs=3, **parameters).fit(X, y)
    assert bits(several) == bits(AdaGradClassifier(n_jobs=3, **parameters).fit(X, y))
    assert np.mean(one.predict(X) == several.predict(X)) > 0.95


@pytest.mark.parametrize("update", UPDATES)
@pytest.mark.parametrize("penalty", [{}, {"alpha": 1e-3}, {"alpha": 1e-3, "l1_ratio": 1.0}])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("n_jobs", [2, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_same_bits_with_columns_relabelled_and_not(
    text, update, penalty, n_classes, n_jobs, dtype, monkeypatch
):
    (X, y), _ = text
    X = X[:300]
    y = np.random.default_rng(2).integers(0, n_classes, 300)
    found = []
    for relabels in (False, True):
        monkeypatch.setattr(fastada.threads, "relabelling_pays", lambda *_, r=relabels: r)
        model = AdaGradClassifier(
            update=update, n_jobs=n_jobs, n_syncs=2, max_iter=2, tol=None, dtype=dtype,
            fit_intercept=n_jobs == 2, warm_start=True, learning_rate=0.5, random_state=0,
            **penalty,
        )  # fmt: skip
        model.fit(X, y)
        model.fit(X[::-1], y[::-1])
        model.partial_fit(X[:100], y[:100])
        found.append((*bits(model), model.sum_sq_grad_.tobytes(), model.objective_curve_))
    assert found[0] == found[1]


@pytest.mark.parametrize("relabels", [False, True])
def test_a_model_can_be_read_between_epochs(text, relabels, monkeypatch):
    (X, y), _ = text
    monkeypatch.setattr(fastada.threads, "relabelling_pays", lambda *_: relabels)
    parameters = dict(n_jobs=2, tol=None, learning_rate=0.5, random_state=0, verbose=True)
    seen = []
    monkeypatch.setattr(
        AdaGradClassifier, "_print_epoch", lambda model, *_: seen.append(copy.deepcopy(bits(model)))
    )
    AdaGradClassifier(max_iter=3, **parameters).fit(X, y)
    for n in (1, 2, 3):
        assert bits(AdaGradClassifier(max_iter=n, **parameters).fit(X, y)) == seen[n - 1]


def test_the_order_of_the_rows_does_not_matter(text):
    (X, y), _ = text
    order = np.random.default_rng(1).permutation(len(y))
    model = AdaGradClassifier(n_jobs=2, max_iter=2, random_state=0)
    assert bits(model.fit(X, y)) == bits(model.fit(X[order], y[order]))


def test_shares_are_of_weighted_visits(text):
    (X, y), _ = text
    weight = np.random.default_rng(1).integers(0, 4, len(y))
    # A scale given: that of the data is a sum whose rounding depends on its order.
    scale = {"learning_rate": 1.0, "initial_accumulator": 0.1}
    model = AdaGradClassifier(n_jobs=2, max_iter=2, tol=None, random_state=0, **scale)
    weighted = bits(model.fit(X, y, weight))
    again = np.repeat(np.arange(len(y)), weight)
    assert weighted == bits(model.fit(X[again], y[again]))


def test_regressor(text):
    (X, _), _ = text
    y = X @ np.random.default_rng(1).normal(size=X.shape[1])
    one, two = (
        AdaGradRegressor(n_jobs=n_jobs, max_iter=10, tol=None, random_state=0).fit(X, y)
        for n_jobs in (1, 2)
    )
    assert not np.array_equal(one.coef_, two.coef_)
    assert two.score(X, y) > one.score(X, y) - 0.02


def test_text_classifier_hands_its_threads_on():
    texts = ["so good and kind", "so bad and mean", "very good", "very bad"] * 50
    y = [1, 0, 1, 0] * 50
    model = TextClassifier(n_jobs=2, random_state=0).fit(texts, y)
    assert model.classifier_.n_jobs == 2
    assert model.score(texts, y) == 1


def test_one_thread_is_no_thread(text, monkeypatch):
    (X, y), _ = text
    monkeypatch.setattr(fastada.threads, "Team", None)
    expected = bits(AdaGradClassifier(random_state=0).fit(X, y))
    for n_jobs in (1, None):
        assert bits(AdaGradClassifier(random_state=0, n_jobs=n_jobs).fit(X, y)) == expected


def test_few_rows_start_no_threads(text, monkeypatch):
    (X, y), _ = text
    monkeypatch.setattr(fastada.threads, "SMALLEST_SHARE", 10**6)
    expected = AdaGradClassifier().partial_fit(X, y, classes=["no", "yes"])
    model = AdaGradClassifier(n_jobs=2).partial_fit(X, y, classes=["no", "yes"])
    assert bits(model) == bits(expected)


def test_partial_fit_of_many_rows_uses_threads(text):
    (X, y), (X_test, y_test) = text
    model = AdaGradClassifier(n_jobs=2)
    for _ in range(3):
        model.partial_fit(X, y, classes=["no", "yes"])
    one = AdaGradClassifier()
    for _ in range(3):
        one.partial_fit(X, y, classes=["no", "yes"])
    assert not np.array_equal(one.coef_, model.coef_)
    assert model.t_ == one.t_ == 3 * len(y)
    assert model.score(X_test, y_test) > one.score(X_test, y_test) - 0.03


def test_early_stopping_and_validation(text):
    (X, y), (X_test, y_test) = text
    model = AdaGradClassifier(n_jobs=2, early_stopping=True, random_state=0).fit(X, y)
    assert len(model.validation_loss_curve_) == len(model.loss_curve_) == model.n_iter_
    model = AdaGradClassifier(n_jobs=2, random_state=0)
    model.fit(X, y, X_val=X_test, y_val=y_test)
    loss = log_loss(y_test, model.predict_proba(X_test))
    assert np.isclose(loss, min(model.validation_loss_curve_))


def test_stamps_that_run_out_start_again(text):
    (X, y), _ = text
    parameters = dict(n_jobs=2, dtype=np.float32, max_iter=3, tol=None, random_state=0, **PENALTY)
    expected = AdaGradClassifier(**parameters).fit(X, y)
    model = AdaGradClassifier(warm_start=True, **parameters | {"max_iter": 1}).fit(X, y)
    model._state.clock[:] += [2**24 - 100, 0]
    model._state.records[:, 2] += 2**24 - 100
    model.set_params(max_iter=2).fit(X, y)
    np.testing.assert_allclose(model.coef_, expected.coef_, rtol=1e-4, atol=1e-5)
    assert model._state.clock[1] > 0


def test_divergence_leaves_the_last_synchronisation(text):
    (X, y), _ = text
    model = AdaGradRegressor(n_jobs=2, n_syncs=3, shuffle=False, max_iter=1)
    target = np.zeros(len(y))
    target[1901] = 1e200
    model.fit(X, np.where(target > 0, 1.0, 0.0) + np.arange(len(y)) / len(y))
    before = model.t_
    with pytest.raises(FloatingPointError, match=r"diverged in epoch 1 .*at row 1901"):
        model.partial_fit(X, target)
    assert model.t_ == before + 2 * (2 * 1000 // 3)
    assert np.isfinite(model.coef_).all()


def test_ctrl_c_ends_all_threads(text, monkeypatch):
    (X, y), _ = text
    learn_sums = fastada.threads.learn_sums
    main = threading.main_thread().ident
    once = iter([main])

    def slow(state, settings, rows, targets, weight, order, _, stop_if_asked):
        for row in range(0, len(order), 10):
            if row == 100 and next(once, None):
                signal.pthread_kill(main, signal.SIGINT)
            learn_sums(state, settings, rows, targets, weight, order[row : row + 10])
            stop_if_asked()
            time.sleep(0.005)
        return 0.0, 1.0

    monkeypatch.setattr(fastada.threads, "learn_sums", slow)
    n_threads = threading.active_count()
    model = AdaGradClassifier(n_jobs=2, max_iter=30, tol=None)
    # What starts the tests may have SIGINT ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            model.fit(X, y)
    finally:
        signal.signal(signal.SIGINT, before)
    assert threading.active_count() == n_threads
    # On a busy machine the signal may be heard after an epoch or two, never in the middle of one.
    assert model.t_ % X.shape[0] == 0
    assert model.t_ < 30 * X.shape[0]


def test_replicas_that_do_not_fit_are_refused_beforehand(text, monkeypatch):
    (X, y), _ = text
    model = AdaGradClassifier(n_jobs=2, learning_rate=1.0).fit(X, y)
    before = bits(model)
    page = fastada.memory.os.sysconf("SC_PAGE_SIZE")
    memory = 3 * model._state.records.nbytes
    sizes = {"SC_PHYS_PAGES": memory // page, "SC_PAGE_SIZE": page}
    monkeypatch.setattr(fastada.memory.os, "sysconf", sizes.__getitem__)
    AdaGradClassifier(n_jobs=1, learning_rate=1.0).fit(X, y)
    with pytest.raises(MemoryError, match=r"replica for each of 2 threads .*n_jobs"):
        model.fit(X, y)
    assert bits(model) == before


@pytest.mark.parametrize(
    ("parameters", "error"),
    [({"n_jobs": 0}, ValueError), ({"n_jobs": 1.5}, TypeError), ({"n_syncs": 0}, ValueError)],
)
def test_numbers_that_make_no_sense(text, parameters, error):
    (X, y), _ = text
    with pytest.raises(error, match=next(iter(parameters))):
        AdaGradClassifier(**parameters).fit(X, y)
