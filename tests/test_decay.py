"""Accumulators that decay: exact over skipped steps, and quick to follow a change."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import dense_fit

from fastada import AdaGradClassifier, AdaGradRegressor


def sparse_problem(rng, n_rows, n_features):
    X = rng.normal(size=(n_rows, n_features)) * (rng.random((n_rows, n_features)) < 0.3)
    X[:, 0] *= rng.random(n_rows) < 0.1
    return X


def assert_dense(estimator, X, y, targets, loss, digits=1e-12, weight=None):
    estimator.set_params(shuffle=False, tol=None)
    estimator.fit(sp.csr_array(X), y, sample_weight=weight)
    W, b = dense_fit(
        X,
        targets,
        loss=loss,
        update="comid",
        rate=estimator.learning_rate,
        initial_accumulator=estimator.initial_accumulator,
        decay=estimator.decay,
        batch_size=estimator.batch_size,
        n_epochs=estimator.max_iter,
        sample_weight=weight,
    )
    for actual, expected in (
        (np.atleast_2d(estimator.coef_), W.w),
        (np.atleast_2d(estimator.sum_sq_grad_), W.G),
        (estimator.intercept_, b.w),
    ):
        np.testing.assert_allclose(actual, expected, rtol=0, atol=digits * np.abs(W.G).max())


@given(
    st.sampled_from([0.3, 0.9, 0.999, 1 - 1e-9]),
    st.sampled_from([0.0, 0.01, 1.0]),
    st.sampled_from([1, 3]),
    st.sampled_from([2, 4]),
    st.integers(1, 3),
    st.integers(0, 2**31),
)
@settings(max_examples=100, deadline=None)
def test_equals_the_dense_update(decay, G0, batch_size, n_classes, max_iter, seed):
    rng = np.random.default_rng(seed)
    X = sparse_problem(rng, 30, 6)
    label = rng.integers(n_classes, size=30)
    label[:n_classes] = range(n_classes)
    targets = 2.0 * np.eye(n_classes)[label] - 1
    estimator = AdaGradClassifier(
        decay=decay,
        learning_rate=0.5,
        initial_accumulator=G0,
        batch_size=batch_size,
        max_iter=max_iter,
    )
    weight = rng.choice([0.5, 1.0, 2.0], size=30)
    targets = targets[:, 1:] if n_classes == 2 else targets
    assert_dense(estimator, X, label, targets, "log_loss", weight=weight)


def test_regression_equals_the_dense_update():
    rng = np.random.default_rng(0)
    X, y = sparse_problem(rng, 50, 5), rng.normal(size=50)
    estimator = AdaGradRegressor(decay=0.95, learning_rate=0.1, initial_accumulator=0.1, max_iter=2)
    assert_dense(estimator, X, y, y[:, np.newaxis], "squared_error")


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gaps_of_thousands_of_steps(dtype, n_classes):
    rng = np.random.default_rng(5)
    X = np.zeros((4000, 3), dtype=dtype)
    X[:, 0] = rng.normal(size=4000)
    X[0, 1:] = X[-1, 1] = 1.0
    label = rng.integers(n_classes, size=4000)
    targets = 2.0 * np.eye(n_classes)[label] - 1
    estimator = AdaGradClassifier(
        decay=0.999, learning_rate=1.0, initial_accumulator=0.1, max_iter=1
    )
    digits = 1e-12 if dtype == np.float64 else 1e-4
    targets = targets[:, 1:] if n_classes == 2 else targets
    assert_dense(estimator, X, label, targets, "log_loss", digits)


def test_chunks_of_a_stream_and_settings_that_change(text_like):
    X, y = text_like
    common = dict(learning_rate=0.5, initial_accumulator=0.01, decay=0.99)
    whole = AdaGradClassifier(**common).partial_fit(X, y, classes=np.unique(y))
    parts = AdaGradClassifier(**common)
    for rows in (slice(0, 100), slice(100, 101), slice(101, 300)):
        parts.partial_fit(X[rows], y[rows], classes=np.unique(y))
    np.testing.assert_array_equal(parts.coef_, whole.coef_)
    G = whole.sum_sq_grad_
    whole.set_params(decay=0.5).partial_fit(X, y, sample_weight=np.zeros(len(y)))
    np.testing.assert_allclose(whole.sum_sq_grad_, G, rtol=1e-12)
    with pytest.raises(ValueError, match="fit it anew"):
        whole.set_params(decay=1.0).partial_fit(X, y)


def test_follows_a_change_of_the_labels():
    rng = np.random.default_rng(0)
    X = sp.random_array((8000, 200), density=0.05, rng=rng, format="csr")
    y = X @ rng.normal(size=200) > 0
    y[4000:] = ~y[4000:]
    accuracy = {}
    for decay in (1.0, 0.995):
        model = AdaGradClassifier(decay=decay, learning_rate=0.3)
        model.partial_fit(X[:6500], y[:6500], classes=[False, True])
        accuracy[decay] = model.score(X[6500:], y[6500:])
    assert accuracy[0.995] > accuracy[1.0] + 0.1


@pytest.mark.parametrize("wrong", [{"update": "rda"}, {"update": "ftrl"}, {"alpha": 0.1}])
def test_refuses_what_has_no_closed_form(text_like, wrong):
    with pytest.raises(ValueError, match="decay < 1 needs update='comid' and alpha=0"):
        AdaGradClassifier(decay=0.9, **wrong).fit(*text_like)
