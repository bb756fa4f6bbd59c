"""Sample weights, orders and seeds."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.stats import chisquare
from sklearn.base import clone

from fastada import AdaGradClassifier, AdaGradRegressor
from fastada.validation import canonical_rows
from fastada.visits import Visits, by_content, shuffled


def test_same_seed_same_model_other_seed_other_model(text_like):
    X, y = text_like
    a, b = (AdaGradClassifier(random_state=1).fit(X, y) for _ in range(2))
    c = AdaGradClassifier(random_state=2).fit(X, y)
    np.testing.assert_array_equal(a.coef_, b.coef_)
    assert (a.coef_ != c.coef_).any()


def test_every_order_is_as_likely_as_any():
    orders = [tuple(shuffled(np.arange(4), 0, seed)) for seed in range(24_000)]
    found, counts = np.unique(orders, axis=0, return_counts=True)
    assert len(found) == 24
    assert chisquare(counts).pvalue > 1e-3


def test_random_state_instance_and_none(text_like):
    X, y = text_like
    a, b = (AdaGradClassifier(random_state=np.random.RandomState(1)).fit(X, y) for _ in range(2))
    np.testing.assert_array_equal(a.coef_, b.coef_)
    assert AdaGradClassifier().fit(X, y).score(X, y) > 0.8


def test_epochs_differ_in_order(text_like):
    X, y = text_like
    shuffled = AdaGradClassifier(random_state=0, max_iter=2, tol=None).fit(X, y)
    again = AdaGradClassifier(random_state=0, max_iter=1, warm_start=True)
    again.fit(X, y).fit(X, y)
    np.testing.assert_array_equal(again.coef_, shuffled.coef_)
    visits = Visits(canonical_rows(X), np.zeros(len(y)), np.ones(len(y)), True, 0)
    orders = [visits.of_epoch(epoch) for epoch in range(3)]
    for order in orders:
        np.testing.assert_array_equal(np.sort(order), np.arange(len(y)))
    assert len({order.tobytes() for order in orders}) == 3


@pytest.mark.parametrize("batch_size", [1, 7])
def test_order_of_the_rows_does_not_matter_given_a_seed(text_like, batch_size):
    X, y = text_like
    permutation = np.random.default_rng(0).permutation(len(y))
    a = AdaGradClassifier(random_state=0, batch_size=batch_size).fit(X, y)
    b = AdaGradClassifier(random_state=0, batch_size=batch_size).fit(X[permutation], y[permutation])
    np.testing.assert_allclose(a.coef_, b.coef_, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("estimator", [AdaGradClassifier, AdaGradRegressor])
@pytest.mark.parametrize("alpha", [0, 1e-3])
def test_weights_are_repetitions_when_shuffling(text_like, estimator, alpha):
    X, y = text_like
    y = (y == "spam").astype(float)
    weight = np.random.default_rng(0).integers(4, size=len(y))
    model = estimator(random_state=0, alpha=alpha, tol=None)
    weighted = clone(model).fit(X, y, sample_weight=weight)
    rows = np.repeat(np.arange(len(y)), weight)
    repeated = clone(model).fit(X[rows], y[rows])
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-9, atol=1e-12)
    assert weighted.t_ == repeated.t_ == weight.sum() * weighted.n_iter_


def test_weight_two_in_a_full_batch_is_the_row_twice_but_for_the_mean(text_like):
    """(sum s_i g_i) / m: with m rows of weight 2 the gradient is that of 2m rows, times 2."""
    X, y = text_like
    common = dict(
        shuffle=False, batch_size=10**6, tol=None, initial_accumulator=0.0, epsilon=1e-300
    )
    weighted = AdaGradClassifier(learning_rate=0.1, **common).fit(X, y, np.full(len(y), 2.0))
    twice = AdaGradClassifier(learning_rate=0.1, **common)
    twice.fit(sp.vstack([X, X], format="csr"), np.r_[y, y])
    # G is 4 times as large, and AdaGrad's steps do not depend on the scale of the gradients.
    np.testing.assert_allclose(weighted.sum_sq_grad_, 4 * twice.sum_sq_grad_, rtol=1e-9)
    np.testing.assert_allclose(weighted.coef_, twice.coef_, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("batch_size", [1, 4])
def test_zero_weights_are_no_ops(text_like, shuffle, batch_size):
    X, y = text_like
    weight = (np.arange(len(y)) % 3 > 0).astype(float)
    kept = weight > 0
    common = dict(
        random_state=0, shuffle=shuffle, batch_size=batch_size, learning_rate=1.0,
        initial_accumulator=0.01, alpha=1e-4,
    )  # fmt: skip
    weighted = AdaGradClassifier(**common).fit(X, y, sample_weight=weight)
    without = AdaGradClassifier(**common).fit(X[kept], y[kept])
    np.testing.assert_array_equal(weighted.coef_, without.coef_)
    assert weighted.t_ == without.t_
    before = weighted.coef_.copy()
    t = weighted.t_
    weighted.partial_fit(X, y, sample_weight=np.zeros(len(y)))
    assert weighted.t_ == t
    np.testing.assert_array_equal(weighted.coef_, before)


@pytest.mark.parametrize("whole", [1, 2, 3])
def test_weights_just_off_a_whole_number_are_almost_the_whole_number(text_like, whole):
    X, y = text_like
    fits = [
        AdaGradClassifier(random_state=0, alpha=1e-2).fit(X, y, np.full(len(y), weight))
        for weight in (whole - 1e-6, whole, whole + 1e-6)
    ]
    assert {model.t_ for model in fits} == {fits[1].t_}
    for model in fits:
        np.testing.assert_allclose(model.coef_, fits[1].coef_, atol=1e-4)


@pytest.mark.parametrize("estimator", [AdaGradClassifier, AdaGradRegressor])
def test_order_and_repetition_do_not_matter_beyond_the_first_thousand_rows(estimator):
    rng = np.random.default_rng(0)
    X = sp.random_array((2500, 20), density=0.2, rng=rng, format="csr")
    X.data *= np.repeat(np.linspace(0.1, 10, len(X.data) // 100 + 1), 100)[: len(X.data)]
    y = (np.asarray(X.sum(axis=1)).ravel() > 10).astype(float)
    common = dict(random_state=0, max_iter=2, tol=None)
    plain = estimator(**common).fit(X, y)
    by_target = np.argsort(y, kind="stable")
    for rows in (by_target, by_target[::-1]):
        model = estimator(**common).fit(X[rows], y[rows])
        np.testing.assert_allclose(model.coef_, plain.coef_, rtol=1e-7, atol=1e-10)
    weight = np.r_[np.zeros(1200), rng.integers(3, size=1300)]
    rows = np.repeat(np.arange(2500), weight.astype(int))
    weighted = estimator(**common).fit(X, y, sample_weight=weight)
    repeated = estimator(**common).fit(X[rows], y[rows])
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("differs", ["first entry", "last entry", "target", "an explicit zero"])
def test_content_alone_decides_the_order(differs):
    rng = np.random.default_rng(0)
    X = sp.csr_array(np.tile(rng.normal(size=100), (40, 1)))
    y = np.zeros(40)
    order = rng.permutation(40)
    if differs == "target":
        y[:] = order
    else:
        X.data.reshape(40, 100)[:, -1 if differs == "last entry" else 0] = order
    if differs == "an explicit zero":
        X.data.reshape(40, 100)[:, 0] = 0
        y[:] = order
    expected = by_content(canonical_rows(X), y, np.arange(40))
    again = rng.permutation(40)
    there = by_content(canonical_rows(X[again]), y[again], np.arange(40))
    if differs == "an explicit zero":
        X.eliminate_zeros()
        without = by_content(canonical_rows(X), y, np.arange(40))
        np.testing.assert_array_equal(without, expected)
    np.testing.assert_array_equal(again[there], expected)
    assert sorted(expected) == list(range(40))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("index_dtype", [np.int32, np.int64])
def test_a_factor_does_not_change_the_order(dtype, index_dtype):
    """Of rows that columns tell apart, of rows that values do, and of equal ones."""
    rng = np.random.default_rng(0)
    sparse = sp.random_array((50, 30), density=0.2, rng=rng, format="csr").toarray()
    dense = np.c_[rng.normal(size=(50, 10)), np.zeros((50, 20))]
    X = sp.csr_array(np.vstack([sparse, dense, dense[:5]]).astype(dtype))
    X.indices, X.indptr = X.indices.astype(index_dtype), X.indptr.astype(index_dtype)
    y = rng.integers(2, size=105) - 0.5
    order = by_content(canonical_rows(X), y, np.arange(105))
    assert sorted(order) == list(range(105))
    for factor in (1e-3, 1e3, 7.0):
        scaled = by_content(canonical_rows(X * dtype(factor)), y, np.arange(105))
        np.testing.assert_array_equal(scaled, order)
