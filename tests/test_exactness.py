"""The lazy kernels give what the dense update gives, for every rule, penalty, loss and type."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import dense_fit
from scipy.stats import gmean

from fastada import AdaGradClassifier, AdaGradRegressor

UPDATES = ("comid", "rda", "ftrl")
LOSSES = ("log_loss", "hinge", "squared_hinge", "modified_huber")
# (alpha, l1_ratio): none, tiny and huge; L1 alone, L2 alone, both.
PENALTIES = [
    (0.0, 0.0),
    *((alpha, ratio) for alpha in (1e-9, 1e-3, 0.1, 1e3) for ratio in (0.0, 0.4, 1.0)),
]


def problem(rng, n_rows, n_features, density=0.3):
    """Sparse rows with gaps of all lengths between the visits of a column."""
    X = rng.normal(size=(n_rows, n_features)) * (rng.random((n_rows, n_features)) < density)
    X[:, 0] *= rng.random(n_rows) < 0.1
    return X


def assert_same(actual, expected, digits, *others):
    """Equal relative to the largest of them: sums and thresholds cancel digits of small ones."""
    scale = max(np.abs(array).max(initial=0) for array in (expected, *others))
    np.testing.assert_allclose(actual, expected, rtol=0, atol=digits * max(scale, 1e-30))


def compare(estimator, X, y, targets, loss, sample_weight=None, index_type=np.int32, digits=1e-12):
    csr = sp.csr_array(X)
    csr.data = csr.data.astype(estimator.dtype)
    csr.indices = csr.indices.astype(index_type)
    csr.indptr = csr.indptr.astype(index_type)
    estimator.fit(csr, y, sample_weight=sample_weight)
    beta = estimator.beta
    if beta == "auto":
        squares = [
            np.square(row[row != 0], dtype=float).mean() for row in csr.toarray() if row.any()
        ]
        beta = np.sqrt(gmean(squares)) / estimator.batch_size
    W, b = dense_fit(
        X,
        targets,
        loss=loss,
        update=estimator.update,
        rate=estimator.learning_rate,
        l1=estimator.alpha * estimator.l1_ratio,
        l2=estimator.alpha * (1 - estimator.l1_ratio),
        beta=beta,
        initial_accumulator=estimator.initial_accumulator,
        sample_weight=sample_weight,
        batch_size=estimator.batch_size,
        n_epochs=estimator.max_iter,
        fit_intercept=estimator.fit_intercept,
    )
    assert_same(np.atleast_2d(estimator.coef_), W.w, digits, b.w)
    assert_same(np.atleast_2d(estimator.sum_sq_grad_), W.G, digits)
    assert_same(estimator.intercept_, b.w, digits, W.w)
    assert estimator.t_ == W.t
    assert estimator.coef_.dtype == estimator.dtype


@st.composite
def hyperparameters(draw):
    alpha, l1_ratio = draw(st.sampled_from(PENALTIES))
    return dict(
        update=draw(st.sampled_from(UPDATES)),
        alpha=alpha,
        l1_ratio=l1_ratio,
        learning_rate=draw(st.sampled_from([0.01, 0.3, 2.0])),
        initial_accumulator=draw(st.sampled_from([0.0, 0.01, 1.0])),
        beta=draw(st.sampled_from([0.1, 1.0])),
        batch_size=draw(st.sampled_from([1, 2, 5, 100])),
        max_iter=draw(st.integers(1, 3)),
        fit_intercept=draw(st.booleans()),
        shuffle=False,
        tol=None,
        dtype=np.float64,
    )


shapes = st.tuples(st.integers(2, 25), st.integers(1, 9))


@given(hyperparameters(), shapes, st.sampled_from(LOSSES), st.integers(0, 2**31), st.data())
@settings(max_examples=300)
def test_binary(parameters, shape, loss, seed, data):
    rng = np.random.default_rng(seed)
    X = problem(rng, *shape)
    label = rng.integers(2, size=shape[0])
    label[:2] = 0, 1
    weight = rng.choice([0.0, 0.5, 1.0, 3.0], size=shape[0]) + (np.arange(shape[0]) == 0)
    index_type = data.draw(st.sampled_from([np.int32, np.int64]))
    estimator = AdaGradClassifier(loss=loss, **parameters)
    compare(estimator, X, label, 2.0 * label[:, None] - 1, loss, weight, index_type)


@given(hyperparameters(), shapes, st.sampled_from((*LOSSES, "multinomial")), st.integers(0, 2**31))
@settings(max_examples=200)
def test_several_classes(parameters, shape, loss, seed):
    rng = np.random.default_rng(seed)
    n_rows = shape[0] + 2
    X = problem(rng, n_rows, shape[1])
    label = rng.integers(4, size=n_rows)
    label[:4] = range(4)
    weight = rng.choice([0.0, 1.0, 2.5], size=n_rows) + (np.arange(n_rows) == 0)
    multi_class = "multinomial" if loss == "multinomial" else "ovr"
    estimator = AdaGradClassifier(
        loss="log_loss" if loss == "multinomial" else loss, multi_class=multi_class, **parameters
    )
    compare(estimator, X, label, 2.0 * np.eye(4)[label] - 1, loss, weight)


@given(hyperparameters(), shapes, st.integers(0, 2**31))
@settings(max_examples=60)
def test_multilabel(parameters, shape, seed):
    rng = np.random.default_rng(seed)
    X = problem(rng, *shape)
    Y = rng.integers(2, size=(shape[0], 3))
    Y[0], Y[1] = 0, 1
    compare(AdaGradClassifier(**parameters), X, Y, 2.0 * Y - 1, "log_loss")


@given(
    hyperparameters(),
    shapes,
    st.sampled_from(["squared_error", "huber"]),
    st.sampled_from([0.01, 0.1]),
    st.integers(0, 2**31),
)
@settings(max_examples=100)
def test_regression(parameters, shape, loss, rate, seed):
    rng = np.random.default_rng(seed)
    X = problem(rng, *shape)
    y = rng.normal(size=shape[0])
    parameters["learning_rate"] = rate
    compare(AdaGradRegressor(loss=loss, **parameters), X, y, y[:, None], loss)


@pytest.mark.parametrize("update", UPDATES)
@pytest.mark.parametrize(("alpha", "l1_ratio"), [(0, 0), (1e-4, 0), (1e-4, 0.5), (1e-4, 1)])
@pytest.mark.parametrize("index_type", [np.int32, np.int64])
@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_float32_within_its_rounding(update, alpha, l1_ratio, index_type, batch_size, n_classes):
    rng = np.random.default_rng(3)
    X = problem(rng, 300, 20, density=0.1).astype(np.float32).astype(np.float64)
    label = rng.integers(n_classes, size=300)
    targets = 2.0 * np.eye(n_classes)[label] - 1
    estimator = AdaGradClassifier(
        update=update,
        alpha=alpha,
        l1_ratio=l1_ratio,
        batch_size=batch_size,
        learning_rate=0.5,
        initial_accumulator=0.1,
        max_iter=2,
        tol=None,
        shuffle=False,
        dtype=np.float32,
    )
    targets = targets[:, 1:] if n_classes == 2 else targets
    compare(estimator, X, label, targets, "log_loss", index_type=index_type, digits=1e-4)


@pytest.mark.parametrize("update", UPDATES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("index_type", [np.int32, np.int64])
def test_rows_of_any_length(update, dtype, index_type):
    """Entries are worked on in blocks: rows that fill none, some, and some and a half."""
    rng = np.random.default_rng(4)
    lengths = rng.permutation(np.repeat(np.arange(41), 3))
    X = np.zeros((len(lengths), 60))
    for row, length in zip(X, lengths, strict=True):
        row[rng.choice(60, length, replace=False)] = rng.normal(size=length).astype(np.float32)
    label = rng.integers(2, size=len(X))
    estimator = AdaGradClassifier(
        update=update,
        learning_rate=0.5,
        initial_accumulator=0.1,
        max_iter=2,
        tol=None,
        shuffle=False,
        dtype=dtype,
    )
    digits = 1e-12 if dtype == np.float64 else 1e-4
    compare(
        estimator, X, label, 2.0 * label[:, None] - 1, "log_loss", None, index_type, digits=digits
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(("alpha", "l1_ratio"), [(1e-6, 0.0), (1e-2, 0.0), (1e-6, 0.5), (1e-6, 1)])
def test_gaps_of_thousands_of_steps(alpha, l1_ratio, dtype, n_classes):
    """A column of the first row is not seen again before the last."""
    rng = np.random.default_rng(5)
    X = np.zeros((4000, 3))
    X[:, 0] = rng.normal(size=4000)
    X[0, 1:] = X[-1, 1] = 1.0
    label = rng.integers(n_classes, size=4000)
    targets = 2.0 * np.eye(n_classes)[label] - 1
    estimator = AdaGradClassifier(
        alpha=alpha,
        l1_ratio=l1_ratio,
        learning_rate=1.0,
        initial_accumulator=0.1,
        max_iter=1,
        shuffle=False,
        calibrate=False,
        dtype=dtype,
    )
    targets = targets[:, 1:] if n_classes == 2 else targets
    digits = 1e-12 if dtype == np.float64 else 1e-4
    compare(estimator, X, label, targets, "log_loss", digits=digits)
