"""learning_rate="auto": what the search finds, and what it does not depend on."""

import numpy as np
import pytest
import scipy.sparse as sp

from fastada import AdaGradClassifier, AdaGradRegressor, TextClassifier
from fastada.scale import Moments, scale_of
from fastada.search import FEWEST_ROWS, scaled, search_rate
from fastada.settings import make_settings
from fastada.targets import Targets
from fastada.validation import canonical_rows


def problem(n_rows=3000, n_classes=2, seed=0):
    """Rows of Zipf-distributed words, labels by a noisy linear model."""
    rng = np.random.default_rng(seed)
    share = 1 / np.arange(1, 401)
    words = rng.choice(400, size=(n_rows, 15), p=share / share.sum())
    rows = np.repeat(np.arange(n_rows), 15)
    X = sp.csr_array((np.ones(rows.size), (rows, words.ravel())), shape=(n_rows, 400))
    X.data = X.data / np.sqrt(X.multiply(X).sum(axis=1)).repeat(np.diff(X.indptr))
    margins = X @ rng.normal(size=(400, n_classes)) * 4 + rng.gumbel(size=(n_rows, n_classes))
    return sp.csr_array(X), margins.argmax(axis=1)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_nearly_as_good_as_the_best_of_a_dense_grid(n_classes):
    X, y = problem(6000, n_classes)
    train, test = slice(0, 3000), slice(3000, 6000)

    def loss(rate):
        model = AdaGradClassifier(learning_rate=rate, max_iter=3, tol=None, random_state=0)
        p = model.fit(X[train], y[train]).predict_proba(X[test])
        return -np.log(p[np.arange(3000), y[test]]).mean()

    best = min(loss(2.0**octave) for octave in np.arange(-4, 5, 0.5))
    assert loss("auto") < 1.05 * best


def test_the_search_is_told(capsys):
    X, y = problem()
    model = AdaGradClassifier(verbose=1, max_iter=1, random_state=0).fit(X, y)
    search = model.learning_rate_search_
    assert search.learning_rate == model.learning_rate_
    assert (np.diff(search.candidates) > 0).all()
    assert search.losses.shape == (len(search.n_rows), len(search.candidates))
    assert search.n_rows[-1] <= 3000
    out = capsys.readouterr().out
    assert f"learning rate {model.learning_rate_:.4g}" in out
    assert f"progressive {model.progressive_loss_:.6f}" in out
    given = AdaGradClassifier(learning_rate=0.5, max_iter=1).fit(X, y)
    assert given.learning_rate_search_ is None
    assert given.learning_rate_ == 0.5


def test_the_model_is_the_one_trained_with_that_rate():
    X, y = problem()
    found = AdaGradClassifier(random_state=0, fit_intercept=False).fit(X, y)
    given = AdaGradClassifier(
        learning_rate=found.learning_rate_, random_state=0, fit_intercept=False
    ).fit(X, y)
    np.testing.assert_array_equal(found.coef_, given.coef_)
    assert found.progressive_loss_ == given.progressive_loss_


def test_scale_and_order_of_rows_do_not_matter():
    X, y = problem()
    found = AdaGradClassifier(random_state=0, max_iter=1).fit(X, y)
    larger = AdaGradClassifier(random_state=0, max_iter=1).fit(X * 1024, y)
    # Not equal: which rows come first depends on their content.
    assert abs(np.log2(larger.learning_rate_ * 1024 / found.learning_rate_)) < 0.5
    by_label = np.argsort(y, kind="stable")
    ordered = AdaGradClassifier(random_state=0, max_iter=1).fit(X[by_label], y[by_label])
    assert ordered.learning_rate_ == pytest.approx(found.learning_rate_, rel=1e-9)


@pytest.mark.parametrize("batch_size", [512, 2000, 3000])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_large_batches_do_not_mislead(batch_size, n_classes):
    """All rows of the first are predicted by weights of zero, whatever the rate."""
    X, y = problem(9000, n_classes)
    common = dict(batch_size=batch_size, random_state=0)
    found = AdaGradClassifier(**common).fit(X[:6000], y[:6000])
    given = AdaGradClassifier(learning_rate=1.0, **common).fit(X[:6000], y[:6000])
    assert found.score(X[6000:], y[6000:]) > given.score(X[6000:], y[6000:]) - 0.03


@pytest.mark.parametrize("first", [np.zeros, np.ones])
def test_a_first_chunk_that_teaches_nothing_does_not_hold_back_those_to_come(first):
    X, _ = problem()
    y = X @ np.random.default_rng(0).normal(size=400)
    model = AdaGradRegressor().partial_fit(X[:1000], first(1000))
    model.partial_fit(X[1000:], y[1000:])
    assert model.score(X[1000:], y[1000:]) > 0.5


def test_rows_sorted_by_label_do_not_mislead():
    X, y = problem()
    by_label = np.argsort(y, kind="stable")
    common = dict(shuffle=False, max_iter=1)
    mixed = AdaGradClassifier(**common).fit(X, y).learning_rate_
    in_order = AdaGradClassifier(**common).fit(X[by_label], y[by_label]).learning_rate_
    assert abs(np.log2(in_order / mixed)) < 1
    model = AdaGradClassifier().partial_fit(X[by_label], y[by_label], classes=[0, 1])
    assert model.learning_rate_search_ is not None


@pytest.mark.parametrize("update", ["comid", "rda", "ftrl"])
@pytest.mark.parametrize("n_classes", [2, 9])
@pytest.mark.parametrize("octaves", [-12, 0, 12])
def test_finds_the_rate_however_far_the_formula_is_off(update, n_classes, octaves):
    X, y = problem(n_classes=n_classes)
    rows, weight = canonical_rows(X), np.ones(3000)
    formula = scaled(scale_of(Moments.of(rows, weight), "auto", "auto"), 2.0**octaves)

    def settings_of(scale):
        return make_settings(scale, rows.data.dtype, rows.largest_value, update=update)

    targets, order = Targets(label=y, n_outputs=n_classes), rows.in_order()
    if n_classes == 2:
        targets = Targets(value=2.0 * y - 1)
    scale, search = search_rate(rows, targets, weight, order, formula, settings_of)
    assert np.isfinite(search.losses[-1].min())
    model = AdaGradClassifier(update=update, calibrate=False, random_state=0).fit(X, y)
    assert abs(np.log2(scale.rate / model.learning_rate_)) < 1


@pytest.mark.parametrize(
    "parameters",
    [{}, {"loss": "squared_hinge"}, {"update": "ftrl"}, {"alpha": 1e-4, "l1_ratio": 0.5}],
)
def test_rates_one_after_the_other_are_those_side_by_side(parameters, monkeypatch):
    X, y = problem(n_classes=10)

    def search():
        model = AdaGradClassifier(max_iter=1, tol=None, random_state=0, **parameters)
        return model.fit(X, y).learning_rate_search_

    after_another = search()
    monkeypatch.setattr("fastada.search.MOST_OUTPUTS_SIDE_BY_SIDE", 10)
    side_by_side = search()
    # Those on the way to the best, and the best between its neighbours.
    assert 3 <= len(after_another.candidates) < len(side_by_side.candidates)
    both = np.isin(side_by_side.candidates, after_another.candidates)
    np.testing.assert_array_equal(after_another.losses, side_by_side.losses[:, both])
    assert after_another.learning_rate == side_by_side.learning_rate


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_few_giant_rows_do_not_hold_back_all_others(seed):
    """As bare counts have them: 3 % of the rows are 50 times as long. 1 order in 24 is unlucky."""
    X, y = problem(6000, seed=seed)
    factors = np.ones(3000)
    factors[::33] = 50.0
    giants = sp.csr_array(sp.diags_array(factors) @ X[:3000])

    def score(rows, **parameters):
        models = (AdaGradClassifier(random_state=k, **parameters) for k in range(3))
        scores = [m.fit(rows, y[:3000]).score(X[3000:], y[3000:]) for m in models]
        return np.median(scores)

    without = score(X[:3000])
    assert score(giants) > without - 0.05
    # The rate with the least mean loss, nearly all of it that of the giants.
    assert score(giants, learning_rate=0.003) < without - 0.1


def test_the_intercept_s_rate_does_not_rise_with_the_features():
    X, _ = problem()
    scale = scale_of(Moments.of(canonical_rows(X), np.ones(3000)), "auto", "auto")
    assert scaled(scale, 8.0).rate == 8 * scale.rate
    assert scaled(scale, 8.0).intercept_rate == scale.intercept_rate == 1
    assert scaled(scale, 0.5).intercept_rate == 0.5


def test_few_rows_are_not_searched(text_like):
    X, y = problem(FEWEST_ROWS - 1)
    model = AdaGradClassifier().fit(X, y)
    assert model.learning_rate_search_ is None
    assert model.learning_rate_ == pytest.approx(1.0)
    stream = AdaGradClassifier().partial_fit(*problem(999), classes=[0, 1])
    assert stream.learning_rate_search_ is None


def test_going_on_keeps_the_rate_found():
    X, y = problem()
    model = AdaGradClassifier(warm_start=True, max_iter=1, random_state=0).fit(X, y)
    rate = model.learning_rate_
    assert model.fit(X, y).learning_rate_ == rate
    assert model.partial_fit(X, y).learning_rate_ == rate


def test_weights_repeat_rows_in_the_search_too():
    X, y = problem(1500)
    weight = np.random.default_rng(0).integers(3, size=1500)
    rows = np.repeat(np.arange(1500), weight)
    common = dict(random_state=0, max_iter=1)
    weighted = AdaGradClassifier(**common).fit(X, y, weight).learning_rate_
    repeated = AdaGradClassifier(**common).fit(X[rows], y[rows]).learning_rate_
    assert weighted == pytest.approx(repeated, rel=1e-9)


def test_regression():
    X, _ = problem()
    rng = np.random.default_rng(0)
    y = X @ rng.normal(size=400) + 0.1 * rng.normal(size=3000)
    auto = AdaGradRegressor(random_state=0, tol=None, max_iter=5).fit(X[:2000], y[:2000])
    assert auto.learning_rate_search_ is not None
    scores = [
        AdaGradRegressor(learning_rate=rate, random_state=0, tol=None, max_iter=5)
        .fit(X[:2000], y[:2000])
        .score(X[2000:], y[2000:])
        for rate in 2.0 ** np.arange(-5, 4)
    ]
    assert auto.score(X[2000:], y[2000:]) > max(scores) - 0.05


def test_text_classifier_tells():
    texts = ["good film", "bad film"] * 200
    model = TextClassifier(random_state=0, max_iter=1).fit(texts, ["pos", "neg"] * 200)
    assert model.learning_rate_ == model.classifier_.learning_rate_ > 0
    assert 0 < model.progressive_loss_ < np.log(2)
