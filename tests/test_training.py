"""How training ends: by patience, on a validation set, by a callback, by Ctrl-C."""

import os
import signal
import threading
import time

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import log_loss

from fastada import AdaGradClassifier, AdaGradRegressor


def test_loss_curve_is_the_loss_before_learning(text_like):
    X, y = text_like
    y = y == "spam"
    common = dict(learning_rate=0.3, initial_accumulator=0.1, shuffle=False)
    model = AdaGradClassifier(max_iter=1, **common).fit(X, y)
    step_by_step = AdaGradClassifier(**common)
    step_by_step.partial_fit(X[:1], y[:1], classes=[False, True])
    losses = [np.log(2)]
    for row in range(1, len(y)):
        p = step_by_step.predict_proba(X[[row]])
        losses.append(log_loss(y[[row]], p, labels=[False, True]))
        step_by_step.partial_fit(X[[row]], y[[row]])
    assert len(model.loss_curve_) == 1
    assert model.loss_curve_[0] == pytest.approx(np.mean(losses), rel=1e-12)


def test_progressive_loss_is_that_of_the_probabilities(text_like):
    X, y = text_like
    common = dict(learning_rate=0.3, initial_accumulator=0.1, shuffle=False)
    weight = np.linspace(0.5, 2, len(y))
    whole = AdaGradClassifier(max_iter=3, tol=None, **common).fit(X, y, weight)
    stream = AdaGradClassifier(**common).partial_fit(X, y, np.unique(y), weight)
    step_by_step = AdaGradClassifier(**common).partial_fit(X[:1], y[:1], np.unique(y), weight[:1])
    losses = [np.log(3)]
    for row in range(1, len(y)):
        p = step_by_step.predict_proba(X[[row]])
        losses.append(log_loss(y[[row]], p, labels=step_by_step.classes_))
        step_by_step.partial_fit(X[[row]], y[[row]], sample_weight=weight[[row]])
    expected = np.average(losses, weights=weight)
    for model in (whole, stream, step_by_step):
        assert model.progressive_loss_ == pytest.approx(expected, rel=1e-12)


def test_progressive_loss_counts_the_first_visit_of_a_row(text_like):
    """A row of weight 2 is visited twice an epoch, and known the second time."""
    X, y = text_like
    y = np.random.default_rng(0).permutation(y)  # nothing to learn but the rows themselves
    common = dict(max_iter=1, tol=None, random_state=0, learning_rate=1.0)
    once = AdaGradClassifier(**common).fit(X, y)
    thrice = AdaGradClassifier(**common).fit(X, y, sample_weight=np.full(len(y), 3.0))
    assert once.progressive_loss_ > np.log(3)
    assert thrice.progressive_loss_ > np.log(3)
    assert thrice.loss_curve_[0] < once.loss_curve_[0]


def test_stopping_watches_the_probabilities_of_one_against_the_rest(text_like):
    X, y = text_like
    model = AdaGradClassifier(random_state=0, max_iter=4, tol=None)
    model.fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])
    expected = log_loss(y[200:], model.predict_proba(X[200:]), labels=model.classes_)
    assert min(model.validation_loss_curve_) == pytest.approx(expected, rel=1e-12)


def test_probabilities_far_out_of_the_question_have_a_finite_loss(text_like):
    X, y = text_like
    model = AdaGradClassifier(random_state=0, max_iter=1, learning_rate=1e4, tol=None)
    model.fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])
    assert np.isfinite(model.validation_loss_curve_).all()
    assert np.isfinite(model.progressive_loss_)


def test_stops_when_the_objective_stands_still(text_like):
    X, y = text_like
    common = {"calibrate": False, "random_state": 0}
    patient = AdaGradClassifier(max_iter=500, tol=1e-3, n_iter_no_change=3, **common).fit(X, y)
    assert 3 < patient.n_iter_ < 500
    assert len(patient.loss_curve_) == patient.n_iter_
    falls = -np.diff(patient.objective_curve_)
    assert (falls[-3:] < 1e-3).all()
    assert (falls[:-3] >= 1e-3).any()
    assert AdaGradClassifier(max_iter=30, tol=None, random_state=0).fit(X, y).n_iter_ == 30


def test_the_objective_has_the_penalty_in_it(text_like):
    X, y = text_like
    model = AdaGradClassifier(alpha=0.1, l1_ratio=0.3, max_iter=4, tol=None, random_state=0)
    model.fit(X, y)
    penalty = 0.1 * (0.3 * np.abs(model.coef_).sum() + 0.7 / 2 * np.square(model.coef_).sum())
    assert model.objective_curve_[-1] - model.loss_curve_[-1] == pytest.approx(penalty, rel=1e-9)
    plain = AdaGradClassifier(max_iter=2, tol=None).fit(X, y)
    assert plain.objective_curve_ == plain.loss_curve_


def test_a_falling_loss_under_a_rising_objective_stops(text_like, monkeypatch):
    """The trap of looking at the loss alone: it falls from epoch to epoch, the objective rises."""
    X, y = text_like
    losses = iter(np.linspace(0.5, 0.1, 30))
    penalties = iter(np.linspace(0.0, 3.0, 30))
    monkeypatch.setattr(AdaGradClassifier, "_learn", lambda *_: next(losses))
    monkeypatch.setattr(AdaGradClassifier, "_penalty", lambda _: next(penalties))
    model = AdaGradClassifier(max_iter=30, n_iter_no_change=2, calibrate=False).fit(X, y)
    assert model.n_iter_ == 3


@pytest.mark.parametrize("estimator", [AdaGradClassifier, AdaGradRegressor])
def test_early_stopping_keeps_the_best_epoch(text_like, estimator):
    X, y = text_like
    rng = np.random.default_rng(0)
    y = np.where(rng.random(len(y)) < 0.4, rng.permutation(y), y) == "spam"  # hard to learn
    model = estimator(early_stopping=True, max_iter=100, random_state=0, tol=0.0)
    model.fit(X, y.astype(float))
    assert 2 < model.n_iter_ < 100
    curve = model.validation_loss_curve_
    assert np.argmin(curve) < len(curve) - 1
    best = estimator(
        early_stopping=True, max_iter=int(np.argmin(curve)) + 1, random_state=0, tol=None
    ).fit(X, y.astype(float))
    np.testing.assert_array_equal(model.coef_, best.coef_)


def test_counts_are_those_of_the_epoch_that_was_kept(text_like):
    X, y = text_like
    y = np.random.default_rng(0).permutation(y)  # nothing to learn but noise
    model = AdaGradClassifier(
        early_stopping=True, max_iter=30, tol=None, random_state=0, learning_rate=1.0
    )
    model.fit(X, y)
    best = int(np.argmin(model.validation_loss_curve_)) + 1
    assert best < model.n_iter_ == 30
    assert model.t_ == best * 270  # a tenth of the 300 rows is held out


def test_readers_go_by_what_was_trained(text_like):
    X, y = text_like
    model = AdaGradClassifier(random_state=0).fit(X, y)
    probabilities, rates = model.predict_proba(X), model.learning_rate_per_feature_
    model.set_params(multi_class="multinomial", update="ftrl", beta=9.0, epsilon=1.0)
    np.testing.assert_array_equal(model.predict_proba(X), probabilities)
    np.testing.assert_array_equal(model.learning_rate_per_feature_, rates)


def test_weights_are_read_anew_when_settings_change(text_like):
    X, y = text_like
    model = AdaGradClassifier(update="rda", learning_rate=1.0, initial_accumulator=0.1)
    model.partial_fit(X, y, classes=np.unique(y))
    before = model.coef_
    model.set_params(learning_rate=3.0).partial_fit(X, y, sample_weight=np.zeros(len(y)))
    np.testing.assert_allclose(model.coef_, 3 * before, rtol=1e-12)


def test_validation_set_of_the_user(text_like):
    X, y = text_like
    train, held_out = slice(0, 200), slice(200, 300)
    weight = np.linspace(0, 1, 100)
    model = AdaGradClassifier(random_state=0, max_iter=3, tol=None, multi_class="multinomial")
    model.fit(X[train], y[train], X_val=X[held_out], y_val=y[held_out], sample_weight_val=weight)
    expected = log_loss(y[held_out], model.predict_proba(X[held_out]), sample_weight=weight)
    assert min(model.validation_loss_curve_) == pytest.approx(expected, rel=1e-9)
    with pytest.raises(ValueError, match="X_val has 5 features"):
        model.fit(X[train], y[train], X_val=X[held_out][:, :5], y_val=y[held_out])
    with pytest.raises(ValueError, match="not among those known"):
        model.fit(X[train], y[train], X_val=X[held_out], y_val=["bacon"] * 100)


class Recorder:
    """A callback that notes what it is told, and stops after some epochs."""

    def __init__(self, stop_after=None):
        self.stop_after = stop_after
        self.calls = []
        self.scores = []

    def setup(self, estimator, context):
        self.calls.append("setup")

    def teardown(self, estimator, context):
        self.calls.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None):
        self.calls.append(f"begin {context.task_name}")

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, fitted_estimator=None):
        self.calls.append(f"end {context.task_name}")
        self.scores.append(fitted_estimator.score(X, y))
        return self.stop_after is not None and len(self.scores) >= self.stop_after


@pytest.mark.parametrize("estimator", [AdaGradClassifier, AdaGradRegressor])
def test_callbacks(text_like, estimator):
    pytest.importorskip("sklearn.callback", reason="this scikit-learn has no callbacks")
    X, y = text_like
    y = (y == "spam").astype(float)
    recorder = Recorder()
    estimator(max_iter=2, tol=None).set_callbacks(recorder).fit(X, y)
    epoch = ["begin epoch", "end epoch"]
    assert recorder.calls == ["setup", "begin fit", *epoch, *epoch, "end fit", "teardown"]
    assert min(recorder.scores) > 0.5
    assert recorder.scores[0] != recorder.scores[1] or estimator is AdaGradClassifier
    stopping = Recorder(stop_after=2)
    assert estimator(max_iter=9, tol=None).set_callbacks(stopping).fit(X, y).n_iter_ == 2


def test_ctrl_c_in_the_first_epoch_leaves_a_model_that_goes_on(text_like, monkeypatch):
    X, y = text_like

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    model = AdaGradClassifier(random_state=0, warm_start=True)
    with monkeypatch.context() as patch:
        patch.setattr("fastada.base.learn", interrupted)
        with pytest.raises(KeyboardInterrupt):
            model.fit(X, y)
    assert np.isnan(model.progressive_loss_)
    assert (model.predict(X) == model.classes_[0]).all()
    rest = clone(model).fit(X, y)
    np.testing.assert_array_equal(model.fit(X, y).coef_, rest.coef_)
    assert model.progressive_loss_ == rest.progressive_loss_
    model.partial_fit(X, y)


def test_ctrl_c_stops_within_a_second_with_what_was_learned():
    rng = np.random.default_rng(0)
    X = sp.random_array((20_000, 1000), density=0.05, rng=rng, format="csr")
    y = np.asarray(X.sum(axis=1)).ravel() > 25
    model = AdaGradClassifier(max_iter=10**6, tol=None, alpha=1e-6, random_state=0)
    begin = time.perf_counter()
    clone(model).set_params(max_iter=1).fit(X, y)
    # An emulated CPU takes longer than a second until it learns.
    until_it_learns = 1 + time.perf_counter() - begin
    sent = []

    def interrupt():
        time.sleep(until_it_learns)
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    # What starts the tests may have SIGINT ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            model.fit(X, y)
    finally:
        signal.signal(signal.SIGINT, before)
    stopped = time.perf_counter()
    thread.join()
    # The promise is a second; this machine may be busy.
    assert stopped - sent[0] < 5
    assert model.t_ > 0
    assert model.score(X, y) > 0.8
    model.partial_fit(X, y)
    assert np.isfinite(model.coef_).all()


@pytest.mark.parametrize("scale", [1.0, 1e-3, 40.0])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_loss_of_an_epoch_is_the_sum_of_its_rows(scale, weighted, n_classes):
    """One at a time or all by one logarithm, whether rows are certain or not."""
    rng = np.random.default_rng(0)
    X = sp.random_array((400, 30), density=0.3, rng=rng, format="csr")
    X.data *= scale
    y = np.argmax(X[:, :n_classes].toarray(), axis=1)
    weight = rng.choice([0.5, 1.0, 2.0], 400) if weighted else None
    parameters = {"learning_rate": 5.0, "shuffle": False, "tol": None, "loss": "log_loss"}
    parameters["multi_class"] = "multinomial" if n_classes > 2 else "ovr"
    fitted = AdaGradClassifier(max_iter=2, **parameters).fit(X, y, weight)
    # partial_fit takes note of the loss of each row.
    streamed = AdaGradClassifier(max_iter=1, **parameters).fit(X, y, weight)
    streamed.partial_fit(X, y, sample_weight=weight)
    assert fitted.loss_curve_[-1] == pytest.approx(streamed.loss_curve_[-1], rel=1e-12)


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("update", ["comid", "rda", "ftrl"])
@pytest.mark.parametrize("G", [1e-6, 1.0])
def test_no_model_of_infinite_weights_is_left(monkeypatch, update, G, n_jobs):
    monkeypatch.setattr("fastada.threads.SMALLEST_SHARE", 1)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 3)), rng.integers(0, 2, 40)
    model = AdaGradClassifier(
        update=update, learning_rate=1.7e308, initial_accumulator=G, random_state=0, n_jobs=n_jobs
    )
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match="diverged in epoch 1"):
        model.fit(X, y)
    try:
        weights = np.append(model.coef_, model.intercept_)
    except NotFittedError:
        return
    assert np.isfinite(weights).all()
