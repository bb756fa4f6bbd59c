"""Several threads at once: results are those of one after the other, or a clear error."""

import os
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from fastada import AdaGradClassifier, AdaGradRegressor, TextClassifier, epoch
from fastada.optim import Adam
from fastada.text import HashingVectorizer

MODELS = {
    "comid": lambda: AdaGradClassifier(random_state=0, alpha=1e-3, l1_ratio=0.5),
    "rda": lambda: AdaGradClassifier(random_state=0, alpha=1e-3, update="rda"),
    "ftrl": lambda: AdaGradClassifier(random_state=0, update="ftrl"),
    "softmax": lambda: AdaGradClassifier(random_state=0, multi_class="multinomial"),
    "optimizer": lambda: AdaGradClassifier(random_state=0, optimizer=Adam(0.01), batch_size=50),
}


def in_thread(function):
    """What the function gives, or raises, in a thread of its own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result(timeout=60)


@pytest.fixture
def during_fit(monkeypatch):
    """Has a function called at the end of the first epoch of a fit with verbose=1."""

    def call(function):
        found = []

        def hook(line, **_):
            if str(line).startswith("epoch") and not found:
                found.append(function())

        monkeypatch.setattr("fastada.base.print", hook, raising=False)
        return found

    return call


def test_estimators_of_their_own(text_like):
    X, y = text_like
    alone = {name: make().fit(X, y) for name, make in MODELS.items()}
    with ThreadPoolExecutor(8) as pool:
        jobs = [(name, pool.submit(make().fit, X, y)) for name, make in [*MODELS.items()] * 4]
    for name, job in jobs:
        np.testing.assert_array_equal(job.result().coef_, alone[name].coef_)
        np.testing.assert_array_equal(job.result().intercept_, alone[name].intercept_)


def test_predictions_while_another_model_learns(text_like):
    X, y = text_like
    model = AdaGradClassifier(random_state=0).fit(X, y)
    expected = model.decision_function(X)
    learner, done = AdaGradClassifier(), threading.Event()

    def learn():
        try:
            for _ in range(30):
                learner.partial_fit(X, y, classes=np.unique(y))
        finally:
            done.set()

    def predict():
        n = 0
        while n < 3 or not done.wait(0.001):
            np.testing.assert_array_equal(model.decision_function(X), expected)
            n += 1

    with ThreadPoolExecutor(5) as pool:
        jobs = [pool.submit(learn), *(pool.submit(predict) for _ in range(4))]
    for job in jobs:
        job.result()
    alone = AdaGradClassifier()
    for _ in range(30):
        alone.partial_fit(X, y, classes=np.unique(y))
    np.testing.assert_array_equal(learner.coef_, alone.coef_)


@pytest.mark.parametrize("name", MODELS)
def test_predictions_of_the_model_that_learns_are_of_some_step(text_like, name, monkeypatch):
    X, y = text_like
    monkeypatch.setattr(epoch, "SLICE", 1)  # as many places to read at as there are steps
    classes = np.unique(y)
    steps = MODELS[name]().set_params(learning_rate="auto", initial_accumulator="auto")
    if name != "optimizer":
        steps.set_params(learning_rate=0.5, initial_accumulator=0.01)
    model, size = pickle.loads(pickle.dumps(steps)), 50 if name == "optimizer" else 1
    steps.partial_fit(X[:50], y[:50], classes)
    model.partial_fit(X[:50], y[:50], classes)
    known = {steps.decision_function(X).tobytes()}
    for begin in range(50, 300, size):
        rows = slice(begin, begin + size)
        steps.partial_fit(X[rows], y[rows])
        known.add(steps.decision_function(X).tobytes())
    done, seen = threading.Event(), []

    def look():
        while not done.wait(0.001):
            seen.append(model.decision_function(X).tobytes())
            assert model.n_nonzero_ <= 600

    with ThreadPoolExecutor(3) as pool:
        jobs = [pool.submit(look) for _ in range(3)]
        try:
            model.partial_fit(X[50:], y[50:])
        finally:
            done.set()
    for job in jobs:
        job.result()
    seen.append(model.decision_function(X).tobytes())
    assert seen[-1] == steps.decision_function(X).tobytes()
    assert set(seen) <= known


@pytest.mark.parametrize(
    "use",
    [
        lambda model, X, y: model.fit(X, y),
        lambda model, X, y: model.partial_fit(X, y),
        lambda model, X, y: model.predict(X),
        lambda model, X, y: pickle.dumps(model),
        lambda model, X, y: model.save(os.devnull),
    ],
    ids=["fit", "partial_fit", "predict", "pickle", "save"],
)
def test_fit_keeps_others_out(text_like, use, during_fit):
    X, _ = text_like
    y = np.arange(300.0)

    def others():
        model.predict(X)  # the thread that trains may look
        with pytest.raises(RuntimeError, match="AdaGradRegressor is being trained by another"):
            in_thread(lambda: use(model, X, y))
        return True

    called = during_fit(others)
    model = AdaGradRegressor(verbose=1, random_state=0, max_iter=3)
    model.fit(X, y)
    assert called == [True]
    alone = AdaGradRegressor(random_state=0, max_iter=3).fit(X, y)
    np.testing.assert_array_equal(model.coef_, alone.coef_)
    use(model, X, y)  # free again


def test_a_failed_fit_lets_others_in(text_like):
    X, y = text_like
    model = AdaGradClassifier(random_state=0)
    with pytest.raises(ValueError, match="inconsistent"):
        model.fit(X, y[:5])
    in_thread(lambda: model.fit(X, y))


def test_many_threads_at_one_model(text_like):
    """Calls that get through are learned whole, the others not at all."""
    X, y = text_like
    classes = np.unique(y)
    model = AdaGradClassifier(learning_rate=0.5, initial_accumulator=0.01)
    learned = []

    def learn(begin):
        rows = slice(begin, begin + 10)
        for _ in range(10):
            try:
                model.partial_fit(X[rows], y[rows], classes)
            except RuntimeError as error:
                assert "another thread" in str(error)  # noqa: PT017
            else:
                learned.append(begin)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(learn, range(0, 300, 10)))
    assert learned
    assert model.t_ == 10 * len(learned)
    assert np.isfinite(model.coef_).all()


def test_text(during_fit):
    texts, labels = ["so good", "so bad", "fine", "awful"] * 20, [1, 0, 1, 0] * 20
    vectorizer = HashingVectorizer(use_idf=True, n_features=1 << 10, alternate_sign=False)
    n_refused = []

    def count(_):
        try:
            vectorizer.partial_fit(texts)
        except RuntimeError:
            n_refused.append(1)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count, range(20)))
    assert vectorizer.n_documents_ == (20 - len(n_refused)) * 80
    assert vectorizer.document_frequency_.max() == vectorizer.n_documents_ // 2

    def others():
        with pytest.raises(RuntimeError, match="TextClassifier is being trained"):
            in_thread(lambda: model.partial_fit(texts, labels, [0, 1]))
        return True

    called = during_fit(others)
    model = TextClassifier(n_features=1 << 10, verbose=1, random_state=0)
    model.fit(texts, labels)
    assert called == [True]
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: model.predict(texts), range(20)):
            np.testing.assert_array_equal(found, labels)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_forked_while_another_thread_trains(text_like, during_fit):
    X, y = text_like

    def fork():
        child = os.fork()
        if child == 0:
            model = AdaGradClassifier(random_state=0, n_jobs=2).fit(X, y)
            os._exit(0 if np.array_equal(model.coef_, expected) else 1)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    expected = AdaGradClassifier(random_state=0, n_jobs=2).fit(X, y).coef_
    called = during_fit(lambda: in_thread(fork))
    AdaGradClassifier(random_state=0, verbose=1).fit(X, y)
    assert called == [0]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_forked_by_the_thread_that_trains(text_like, during_fit):
    X, y = text_like
    expected = AdaGradClassifier(random_state=0).fit(X, y).coef_
    children = during_fit(os.fork)
    in_order = False
    try:
        model = AdaGradClassifier(random_state=0, verbose=1).fit(X, y)
        in_order = np.array_equal(model.coef_, expected)
    finally:
        if children == [0]:
            os._exit(0 if in_order else 1)
    assert in_order
    assert os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1]) == 0
