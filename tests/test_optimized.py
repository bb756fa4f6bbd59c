"""The estimators under optimizer=: what a dense loop under the optimizer's recurrence gives."""

import pickle
from dataclasses import asdict, replace

import numpy as np
import optim_reference as reference
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from reference import slopes
from sklearn.base import clone

from fastada import AdaGradClassifier, AdaGradRegressor
from fastada.optim import SGD, AdaDelta, AdaGrad, Adam, Momentum, RMSProp

OPTIMIZERS = [
    AdaGrad(0.5, initial_accumulator=0.01),
    AdaGrad(0.5, l1=1e-3, initial_accumulator=0.01),
    AdaGrad(0.5, l1=1e-3, l2=1e-2, initial_accumulator=0.01),
    SGD(0.3),
    Momentum(0.05),
    Momentum(0.05, nesterov=True),
    RMSProp(0.02),
    AdaDelta(rho=0.9, epsilon=1e-4),
    Adam(0.02),
    Adam(0.02, epsilon=0.1),
]
N_FEATURES = 12


@pytest.fixture(params=OPTIMIZERS, ids=repr)
def optimizer(request):
    return request.param


def problem(n_outputs=1, n_rows=90, seed=0):
    """Rows with gaps between the visits of a column, one empty; labels or numbers."""
    rng = np.random.default_rng(seed)
    frequency = np.logspace(-1.7, 0, N_FEATURES)
    X = rng.normal(size=(n_rows, N_FEATURES)) * (rng.random((n_rows, N_FEATURES)) < frequency)
    X[7] = 0
    Z = X @ rng.normal(size=(N_FEATURES, max(n_outputs, 2))) + 0.3 * rng.normal(size=(n_rows, 1))
    return X, Z


def dense(optimizer, X, targets, loss, weight, batch_size, n_epochs, fit_intercept=True):
    """Weights, intercepts and the loss slopes' step count of the dense loop."""
    n_outputs = targets.shape[1]
    recurrence = reference.recurrence_of(optimizer)
    free = {"l1": 0.0, "l2": 0.0} if isinstance(optimizer, AdaGrad) else {}
    of_w = recurrence(np.zeros((n_outputs, X.shape[1])), **asdict(optimizer))
    of_b = recurrence(np.zeros(n_outputs), **asdict(replace(optimizer, **free)))
    w, b = next(of_w), next(of_b)
    visited = np.flatnonzero(weight)
    n_steps = 0
    for _ in range(n_epochs):
        for begin in range(0, len(visited), batch_size):
            batch = visited[begin : begin + batch_size]
            margins = (X[batch] @ w.T + b).astype(np.float64)
            r = weight[batch, None] * slopes(loss, margins, targets[batch])
            w = of_w.send(r.T @ X[batch] / len(batch))
            if fit_intercept:
                b = of_b.send(r.mean(axis=0))
            n_steps += 1
    return w.astype(np.float64), b.astype(np.float64), n_steps


def assert_equals_dense(model, X, y, targets, loss, dtype=np.float64, **fit):
    digits = 1e-12 if dtype == np.float64 else 2e-4
    model.set_params(max_iter=3, tol=None, shuffle=False, dtype=dtype)
    weight = np.random.default_rng(1).choice([0.0, 0.5, 1.0, 2.0], size=len(y))
    model.fit(sp.csr_array(X), y, sample_weight=weight)
    w, b, n_steps = dense(
        model.optimizer, X, targets, loss, weight, model.batch_size, 3, model.fit_intercept
    )
    scale = max(np.abs(w).max(), np.abs(b).max())
    assert_allclose(np.atleast_2d(model.coef_), w, rtol=0, atol=digits * scale)
    assert_allclose(model.intercept_, b, rtol=0, atol=digits * scale)
    assert (model.t_, model.n_iter_, len(model.loss_curve_)) == (n_steps, 3, 3)
    assert model.coef_.dtype == dtype


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("batch_size", [1, 8, 1000])
def test_binary(optimizer, batch_size, dtype):
    X, Z = problem()
    y = Z[:, 0] > 0
    model = AdaGradClassifier(optimizer=optimizer, batch_size=batch_size)
    X = X.astype(dtype).astype(np.float64)
    assert_equals_dense(model, X, y, 2.0 * y[:, None] - 1, "log_loss", dtype)


@pytest.mark.parametrize("loss", ["hinge", "squared_hinge", "modified_huber"])
def test_other_losses_without_intercept(optimizer, loss):
    X, Z = problem()
    y = Z[:, 0] > 0
    model = AdaGradClassifier(loss, optimizer=optimizer, batch_size=4, fit_intercept=False)
    assert_equals_dense(model, X, y, 2.0 * y[:, None] - 1, loss)
    assert model.intercept_.tolist() == [0]


@pytest.mark.parametrize("multi_class", ["ovr", "multinomial"])
def test_several_classes(optimizer, multi_class):
    X, Z = problem(4)
    y = Z.argmax(axis=1)
    model = AdaGradClassifier(optimizer=optimizer, batch_size=8, multi_class=multi_class)
    loss = "multinomial" if multi_class == "multinomial" else "log_loss"
    assert_equals_dense(model, X, y, 2.0 * np.eye(4)[y] - 1, loss)


def test_multilabel(optimizer):
    X, Z = problem(3)
    model = AdaGradClassifier(optimizer=optimizer, batch_size=8)
    assert_equals_dense(model, X, (Z > 0).astype(int), 2.0 * (Z > 0) - 1, "log_loss")


@pytest.mark.parametrize("loss", ["squared_error", "huber"])
def test_regression(optimizer, loss):
    X, Z = problem()
    model = AdaGradRegressor(loss, optimizer=replace(optimizer, learning_rate=0.01), batch_size=8)
    assert_equals_dense(model, X, Z[:, 0], Z[:, :1], loss)


def test_adagrad_is_the_estimators_own():
    X, Z = problem()
    y = Z[:, 0] > 0
    common = dict(batch_size=4, max_iter=2, random_state=0)
    own = AdaGradClassifier(
        alpha=1e-2, l1_ratio=0.5, learning_rate=0.5, initial_accumulator=0.01, **common
    ).fit(X, y)
    optimizer = AdaGrad(0.5, l1=5e-3, l2=5e-3, initial_accumulator=0.01)
    model = AdaGradClassifier(optimizer=optimizer, **common).fit(X, y)
    for name in (
        "coef_", "intercept_", "sum_sq_grad_", "learning_rate_per_feature_", "loss_curve_",
        "objective_curve_", "t_", "n_iter_", "n_nonzero_",
    ):  # fmt: skip
        assert_allclose(getattr(model, name), getattr(own, name), rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_chunks_are_bit_for_bit_the_whole(optimizer, n_classes):
    X, Z = problem(n_classes)
    y = Z.argmax(axis=1)
    common = dict(optimizer=optimizer, batch_size=5, shuffle=False, max_iter=1)
    whole = AdaGradClassifier(**common).fit(X, y)
    chunks = AdaGradClassifier(**common)
    for begin in range(0, len(y), 15):
        rows = slice(begin, begin + 15)
        chunks.partial_fit(X[rows], y[rows], classes=range(n_classes))
        chunks.coef_  # looking at a model must not change what it learns next  # noqa: B018
        chunks = pickle.loads(pickle.dumps(chunks))
    assert_array_equal(chunks.coef_, whole.coef_)
    assert_array_equal(chunks.intercept_, whole.intercept_)
    assert chunks.t_ == whole.t_


def test_warm_start_goes_on(optimizer):
    X, Z = problem()
    y = Z[:, 0] > 0
    common = dict(optimizer=optimizer, batch_size=5, tol=None, random_state=0)
    model = AdaGradClassifier(warm_start=True, max_iter=2, **common).fit(X, y).fit(X, y)
    longer = AdaGradClassifier(max_iter=4, **common).fit(X, y)
    assert_array_equal(model.coef_, longer.coef_)


def test_the_rate_can_change_between_chunks(optimizer):
    """Steps left for later are taken at the rate of their time."""
    X, Z = problem()
    y = Z[:, 0]
    slow = replace(optimizer, learning_rate=0.01)
    model = AdaGradRegressor(optimizer=slow, batch_size=10).partial_fit(X[:40], y[:40])
    before = model.coef_
    slower = replace(optimizer, learning_rate=1e-9)
    model.set_params(optimizer=slower).partial_fit(X[40:50], y[40:50])
    if not isinstance(optimizer, (Momentum, Adam)) and not getattr(optimizer, "l1", 0):
        assert_allclose(model.coef_, before, rtol=1e-6, atol=1e-6)
    assert model.t_ == 5
    with pytest.raises(ValueError, match="fit it anew"):
        model.set_params(optimizer=Adam(0.01, beta_1=0.5)).partial_fit(X, y)
    with pytest.raises(ValueError, match="fit it anew"):
        model.set_params(optimizer=None).partial_fit(X, y)
    assert model.t_ == 5


def test_own_adagrad_cannot_go_on_with_an_optimizer():
    X, Z = problem()
    model = AdaGradRegressor().partial_fit(X, Z[:, 0])
    with pytest.raises(ValueError, match="fit it anew"):
        model.set_params(optimizer=SGD(0.1)).partial_fit(X, Z[:, 0])


def test_the_best_epochs_weights_are_kept(optimizer):
    X, Z = problem(n_rows=200)
    y = Z[:, 0] > 0
    common = dict(optimizer=replace(optimizer, learning_rate=2.0), batch_size=4, random_state=0)
    model = AdaGradClassifier(early_stopping=True, max_iter=6, tol=None, **common).fit(X, y)
    best = int(np.argmin(model.validation_loss_curve_))
    assert model.t_ == (best + 1) * 45


def test_clone_parameters_and_representation(optimizer):
    model = AdaGradClassifier(optimizer=optimizer)
    X, Z = problem()
    copy = clone(model.fit(X, Z[:, 0] > 0))
    assert not hasattr(copy, "classes_")
    assert copy.get_params()["optimizer"] is not optimizer
    assert asdict(copy.optimizer) == asdict(optimizer)
    assert repr(optimizer).replace(" ", "") in "".join(repr(model).split())
    assert optimizer.state_dict()["parameters"] == {}
    assert_array_equal(copy.fit(X, Z[:, 0] > 0).coef_.shape, model.coef_.shape)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"alpha": 1e-4}, "l1 and l2"),
        ({"l1_ratio": 0.5}, "l1 and l2"),
        ({"update": "rda"}, "update='rda' has no effect"),
        ({"learning_rate": 0.1}, "learning_rate=0.1 has no effect with optimizer=SGD"),
        ({"initial_accumulator": 0.1}, "initial_accumulator"),
        ({"epsilon": 1e-3}, "epsilon"),
        ({"beta": 2.0}, "ftrl"),
    ],
)
@pytest.mark.parametrize("estimator", [AdaGradClassifier, AdaGradRegressor])
def test_combinations_that_make_no_sense(estimator, change, message):
    model = estimator(optimizer=SGD(0.1), **change)
    with pytest.raises(ValueError, match=message):
        model.fit([[1.0], [2.0]], [0, 1])
    assert not hasattr(model, "coef_")


def test_a_model_file_holds_no_optimizer(tmp_path):
    X, Z = problem()
    model = AdaGradRegressor(optimizer=Adam(0.01)).fit(X, Z[:, 0])
    for serving in (False, True):
        with pytest.raises(TypeError, match=r"optimizer=Adam\(.* cannot be stored"):
            model.save(tmp_path / "model.safetensors", serving=serving)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("wrong", ["adam", Adam, 0.1])
def test_what_is_no_optimizer(wrong):
    with pytest.raises(TypeError, match=r"fastada\.optim"):
        AdaGradClassifier(optimizer=wrong).fit([[1.0], [2.0]], [0, 1])


def test_accumulators_are_adagrads_alone():
    X, Z = problem()
    model = AdaGradRegressor(optimizer=AdaGrad(initial_accumulator=3.0))
    model.partial_fit(X, Z[:, 0], sample_weight=np.zeros(len(X)))
    assert model.sum_sq_grad_.tolist() == [3.0] * N_FEATURES
    model = AdaGradRegressor(optimizer=Adam(0.01)).fit(X, Z[:, 0])
    with pytest.raises(AttributeError, match="Adam"):
        model.sum_sq_grad_  # noqa: B018


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_divergence_names_epoch_and_rate(dtype):
    X, Z = problem()
    model = AdaGradRegressor(optimizer=SGD(100.0), max_iter=1000, dtype=dtype)
    with pytest.raises(FloatingPointError, match=r"diverged in epoch \d+ with learning_rate=100 "):
        model.fit(X, Z[:, 0])
    assert np.isfinite(model.coef_).all()
