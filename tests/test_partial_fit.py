"""Chunks, going on, and what a model allows to be changed on the way."""

import numpy as np
import pytest
import scipy.sparse as sp
from reference import DenseRule, slopes

from fastada import AdaGradClassifier, AdaGradRegressor


@pytest.mark.parametrize("update", ["comid", "rda", "ftrl"])
@pytest.mark.parametrize("alpha", [0, 1e-3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("batch_size", "chunk"), [(1, 37), (4, 44), (1, 1)])
def test_chunks_are_bit_for_bit_the_whole(text_like, update, alpha, dtype, batch_size, chunk):
    X, y = text_like
    common = dict(
        update=update, alpha=alpha, l1_ratio=0.5, batch_size=batch_size, dtype=dtype,
        learning_rate=0.5, initial_accumulator=0.01, beta=1.0, shuffle=False, max_iter=1,
        calibrate=False,
    )  # fmt: skip
    whole = AdaGradClassifier(**common).fit(X, y)
    chunks = AdaGradClassifier(**common)
    for begin in range(0, len(y), chunk):
        rows = slice(begin, begin + chunk)
        chunks.partial_fit(X[rows], y[rows], classes=np.unique(y))
        chunks.coef_  # looking at a model must not change what it learns next  # noqa: B018
    np.testing.assert_array_equal(chunks.coef_, whole.coef_)
    np.testing.assert_array_equal(chunks.intercept_, whole.intercept_)
    np.testing.assert_array_equal(chunks.sum_sq_grad_, whole.sum_sq_grad_)
    assert chunks.t_ == whole.t_


def test_chunks_of_a_thousand_rows_with_automatic_scale():
    rng = np.random.default_rng(0)
    X = sp.random_array((3500, 50), density=0.1, rng=rng, format="csr")
    y = rng.integers(2, size=3500)
    whole = AdaGradClassifier().partial_fit(X, y, classes=[0, 1])
    chunks = AdaGradClassifier()
    for begin in range(0, 3500, 1000):
        chunks.partial_fit(X[begin : begin + 1000], y[begin : begin + 1000], classes=[0, 1])
    np.testing.assert_array_equal(chunks.coef_, whole.coef_)


def test_a_stream_keeps_the_last_thousand_losses(text_like):
    X, y = text_like
    model = AdaGradClassifier(learning_rate=0.5, initial_accumulator=0.01)
    losses = []
    for call in range(1003):
        row = slice(call % 300, call % 300 + 1)
        model.partial_fit(X[row], y[row], classes=np.unique(y))
        losses.append(model.loss_curve_[-1])
    assert model.loss_curve_ == losses[3:]
    assert model.progressive_loss_ != pytest.approx(np.mean(losses[3:]), rel=1e-12)


def test_regressor_in_chunks(text_like):
    X, _ = text_like
    y = np.random.default_rng(0).normal(size=X.shape[0])
    common = dict(learning_rate=0.1, initial_accumulator=1.0, shuffle=False, max_iter=1)
    whole = AdaGradRegressor(**common).fit(X, y)
    chunks = AdaGradRegressor(**common).partial_fit(X[:100], y[:100]).partial_fit(X[100:], y[100:])
    np.testing.assert_array_equal(chunks.coef_, whole.coef_)


def test_unseen_class_is_refused_and_changes_nothing(text_like):
    X, y = text_like
    model = AdaGradClassifier().partial_fit(X, y, classes=np.unique(y))
    before, t = model.coef_, model.t_
    with pytest.raises(ValueError, match="bacon"):
        model.partial_fit(X[:2], ["ham", "bacon"])
    with pytest.raises(ValueError, match="not the same as on last call"):
        model.partial_fit(X, y, classes=["ham", "bacon"])
    assert model.t_ == t
    np.testing.assert_array_equal(model.coef_, before)


def test_first_call_needs_classes(text_like):
    X, y = text_like
    with pytest.raises(ValueError, match="classes must be passed"):
        AdaGradClassifier().partial_fit(X, y)
    with pytest.raises(ValueError, match="balanced"):
        AdaGradClassifier(class_weight="balanced").partial_fit(X, y, classes=np.unique(y))


def test_warm_start_goes_on(text_like):
    X, y = text_like
    model = AdaGradClassifier(warm_start=True, max_iter=2, tol=None, random_state=0).fit(X, y)
    first = model.t_
    model.fit(X, y)
    assert (model.t_, model.n_iter_) == (2 * first, 2)
    longer = AdaGradClassifier(max_iter=4, tol=None, random_state=0).fit(X, y)
    np.testing.assert_array_equal(model.coef_, longer.coef_)
    with pytest.raises(ValueError, match="features"):
        model.fit(X[:, :10], y)


def test_a_model_cannot_change_its_rule(text_like):
    X, y = text_like
    model = AdaGradClassifier(warm_start=True).fit(X, y)
    for change in ({"update": "rda"}, {"alpha": 0.1}):
        with pytest.raises(ValueError, match="fit it anew"):
            model.set_params(**{"update": "comid", "alpha": 0.0, **change}).fit(X, y)


def test_learning_rate_can_be_changed_between_chunks(text_like):
    X, y = text_like
    model = AdaGradClassifier(learning_rate=0.5).partial_fit(X, y, classes=np.unique(y))
    np.testing.assert_allclose(
        model.learning_rate_per_feature_, 0.5 / (1e-7 + np.sqrt(model.sum_sq_grad_))
    )
    model.set_params(learning_rate=0.25).partial_fit(X, y)
    np.testing.assert_allclose(
        model.learning_rate_per_feature_, 0.25 / (1e-7 + np.sqrt(model.sum_sq_grad_))
    )


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
def test_missed_steps_are_taken_at_the_rate_of_their_time(n_classes, l1_ratio):
    """The rate and the penalty change while a feature is absent."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 4)) * (rng.random((90, 4)) < 0.2)
    X[0] = 1
    X[1:80, 1] = 0
    y = rng.integers(n_classes, size=90)
    y[:n_classes] = range(n_classes)
    phases = [(slice(0, 40), 0.5, 0.01), (slice(40, 70), 0.1, 0.05), (slice(70, 90), 1.0, 0.02)]
    model = AdaGradClassifier(
        l1_ratio=l1_ratio, initial_accumulator=0.1, fit_intercept=False, multi_class="ovr"
    )
    rule = DenseRule((n_classes - (n_classes == 2), 4), "comid", 0, 1e-7, 0, 0, 0, 0.1)
    targets = 2.0 * np.eye(n_classes)[y] - 1
    targets = targets[:, 1:] if n_classes == 2 else targets
    for rows, rate, alpha in phases:
        model.set_params(learning_rate=rate, alpha=alpha)
        model.partial_fit(sp.csr_array(X[rows]), y[rows], classes=range(n_classes))
        rule.rate, rule.l1, rule.l2 = rate, alpha * l1_ratio, alpha * (1 - l1_ratio)
        for x, target in zip(X[rows], targets[rows], strict=True):
            r = slopes("log_loss", (rule.w @ x)[None], target[None])[0]
            rule.step(np.outer(r, x))
    np.testing.assert_allclose(model.coef_, rule.w, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("multi_class", ["ovr", "multinomial"])
def test_stamps_that_run_out_start_again(text_like, monkeypatch, multi_class):
    """float32 counts steps exactly up to 2^24; here the count starts again every 64 steps."""
    X, y = text_like
    common = dict(
        alpha=1e-3, l1_ratio=0.5, shuffle=False, max_iter=2, tol=None, multi_class=multi_class
    )
    for labels in (y, y == "spam"):
        plain = AdaGradClassifier(**common).fit(X, labels)
        with monkeypatch.context() as patch:
            patch.setattr("fastada.state.exact_steps", lambda dtype: 64)
            restarted = AdaGradClassifier(**common).fit(X, labels)
        assert restarted._state.clock[1] > 0
        np.testing.assert_allclose(restarted.coef_, plain.coef_, rtol=1e-9, atol=1e-12)
        assert restarted.t_ == plain.t_ == 600


def test_step_counter_survives_two_to_the_32(text_like):
    X, y = text_like
    for dtype in (np.float32, np.float64):
        model = AdaGradClassifier(alpha=1e-3, dtype=dtype, learning_rate=0.5)
        model.partial_fit(X, y, classes=np.unique(y))
        young = model.coef_.copy()
        # As if 2^32 - 150 more steps had come and gone with the stamps restarted at their end.
        model._state.clock += 2**32 - 150
        model._state._read = None
        np.testing.assert_allclose(model.coef_, young, rtol=1e-6)
        reference = AdaGradClassifier(alpha=1e-3, dtype=dtype, learning_rate=0.5)
        reference.partial_fit(X, y, classes=np.unique(y)).partial_fit(X, y)
        model.partial_fit(X, y)
        assert model.t_ == 2**32 - 150 + 600
        np.testing.assert_allclose(model.coef_, reference.coef_, rtol=1e-6)
