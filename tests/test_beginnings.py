"""What models of several outputs begin from: what rows left out of training like best."""

import numpy as np
import pytest

import fastada.classifier
from fastada import AdaGradClassifier
from fastada.beginnings import FEW_ROWS, Beginning, beginnings
from fastada.scale import Scale
from fastada.search import scaled

HINGES = "hinge", "squared_hinge", "modified_huber"


def long_tailed(n_rows, n_classes=12, n_features=400, seed=0):
    """Rows of few features, classes of which the first has most rows, and a column of zeros."""
    rng = np.random.default_rng(seed)
    X = (rng.random((n_rows, n_features)) < 0.03).astype(np.float64)
    X[:, 0] = 0
    margins = X @ rng.standard_normal((n_features, n_classes)) - np.log(np.arange(1, n_classes + 1))
    return X, np.argmax(margins + rng.gumbel(size=margins.shape), axis=1)


def first_accumulator(model):
    """What a column that never occurs still has."""
    return float(model.sum_sq_grad_[0, 0])


def candidates(*factors):
    """Rates times some factors, in the place of what is otherwise begun from."""
    return lambda formula, found, *_: [Beginning(scaled(found, factor)) for factor in factors]


@pytest.mark.parametrize("loss", ["log_loss", *HINGES])
def test_first_steps_are_shorter_and_late_ones_longer(loss):
    scale = Scale(0.5, 0.01, 1.0, 4.0)
    (slower, *_), (restrained, *_) = beginnings(scale, scale, loss, FEW_ROWS + 1)

    def step(scale, squares):
        return scale.rate / np.sqrt(scale.accumulator + squares)

    assert step(restrained, 0) < step(slower, 0) < step(scale, 0)
    assert step(slower, 100) < step(scale, 100) < step(restrained, 100)
    assert restrained.intercept_rate == slower.intercept_rate == 2**-0.5
    # It is not to rise above the formula's.
    faster = scaled(scale, 4.0)
    (slower, *_), _ = beginnings(scale, faster, loss, FEW_ROWS + 1)
    assert slower.intercept_rate == 1.0
    # Of few rows the rate found may be the best as it is.
    found = [beginning.scale for beginning in beginnings(scale, faster, loss, FEW_ROWS)]
    assert (faster in found) == (loss == "log_loss")


@pytest.mark.parametrize("loss", ["log_loss", *HINGES])
@pytest.mark.parametrize("n_rows", [600, 6500])
def test_is_what_a_user_gets_who_sets_what_was_found(loss, n_rows):
    X, y = long_tailed(n_rows)
    common = {"loss": loss, "fit_intercept": False, "random_state": 0}
    model = AdaGradClassifier(**common).fit(X, y)
    same = AdaGradClassifier(
        learning_rate=model.learning_rate_,
        initial_accumulator=first_accumulator(model),
        max_iter=model.n_iter_,
        tol=None,
        **common,
    ).fit(X, y)
    np.testing.assert_array_equal(model.coef_, same.coef_)


@pytest.mark.parametrize("loss", ["squared_hinge", "modified_huber"])
def test_is_better_on_rows_unseen_than_by_the_objective(loss):
    gains = []
    for seed in range(3):
        X, y = long_tailed(4000, n_classes=60, seed=seed)
        model, plain = (
            AdaGradClassifier(loss=loss, random_state=0, calibrate=calibrate).fit(
                X[:1500], y[:1500]
            )
            for calibrate in ("auto", False)
        )
        assert model.n_iter_ < plain.n_iter_
        gains.append(model.score(X[1500:], y[1500:]) - plain.score(X[1500:], y[1500:]))
    # Of an accuracy of 0.19.
    assert np.mean(gains) > 0.004


@pytest.mark.parametrize("loss", ["log_loss", "squared_hinge"])
def test_the_best_of_the_candidates_goes_on(loss, monkeypatch):
    X, y = long_tailed(1000)
    common = {"loss": loss, "random_state": 0}
    monkeypatch.setattr(fastada.classifier, "beginnings", candidates(1.0))
    alone = AdaGradClassifier(**common).fit(X, y)
    for factors in ((1.0, 1e-3), (1e-3, 1.0), (1e-3, 1.0, 1e3)):
        monkeypatch.setattr(fastada.classifier, "beginnings", candidates(*factors))
        model = AdaGradClassifier(**common).fit(X, y)
        assert model.learning_rate_ == alone.learning_rate_
        np.testing.assert_array_equal(model.coef_, alone.coef_)
        assert model.temperature_ == alone.temperature_


def test_the_loss_after_one_epoch_counts_times_the_handicap(monkeypatch):
    X, y = long_tailed(1000)
    monkeypatch.setattr(fastada.classifier, "beginnings", candidates(1.0, 0.01))
    best = AdaGradClassifier(random_state=0).fit(X, y)

    def favoured(formula, found, *_):
        return [Beginning(found), Beginning(scaled(found, 0.01), handicap=0.01)]

    monkeypatch.setattr(fastada.classifier, "beginnings", favoured)
    model = AdaGradClassifier(random_state=0).fit(X, y)
    assert model.learning_rate_ == pytest.approx(0.01 * best.learning_rate_)


def test_slower_rates_are_tried_while_they_are_the_best(monkeypatch):
    X, y = long_tailed(1000)
    monkeypatch.setattr(fastada.classifier, "beginnings", candidates(1.0))
    alone = AdaGradClassifier(random_state=0).fit(X, y)

    def from_above(formula, found, *_):
        far = Beginning(scaled(found, 1e-3), further=Beginning(scaled(found, 1e-4), 1e-9))
        return [Beginning(scaled(found, 1e3), further=Beginning(found, further=far))]

    def not_the_best(formula, found, *_):
        never = Beginning(scaled(found, 1e-4), 1e-9)
        return [Beginning(scaled(found, 1e-3), further=never), Beginning(found)]

    for some in (from_above, not_the_best):
        monkeypatch.setattr(fastada.classifier, "beginnings", some)
        model = AdaGradClassifier(random_state=0).fit(X, y)
        assert model.learning_rate_ == alone.learning_rate_
        np.testing.assert_array_equal(model.coef_, alone.coef_)
        assert model.temperature_ == alone.temperature_


def test_each_slower_rate_leads_to_one_slower_still():
    scale = Scale(0.5, 0.01, 1.0, 4.0)
    slower = beginnings(scale, scaled(scale, 8.0), "log_loss", FEW_ROWS + 1)[0]
    rates = []
    while slower is not None:
        rates.append(slower.scale.rate)
        # Intercepts' follow below the formula's.
        assert slower.scale.intercept_rate == pytest.approx(min(2 * slower.scale.rate, 1.0))
        slower = slower.further
    assert len(rates) > 2
    np.testing.assert_allclose(rates[0] / np.array(rates), 2.0 ** np.arange(len(rates)))
    for loss in HINGES:
        assert beginnings(scale, scale, loss, FEW_ROWS)[0].further is None


def test_what_diverges_is_passed_over(monkeypatch):
    X, y = long_tailed(1000)
    common = {"loss": "squared_hinge", "random_state": 0, "dtype": np.float32}
    monkeypatch.setattr(fastada.classifier, "beginnings", candidates(1.0))
    alone = AdaGradClassifier(**common).fit(X, y)
    for factors in ((1.0, 1e20), (1e20, 1.0)):
        monkeypatch.setattr(fastada.classifier, "beginnings", candidates(*factors))
        model = AdaGradClassifier(**common).fit(X, y)
        np.testing.assert_array_equal(model.coef_, alone.coef_)


@pytest.mark.parametrize("loss", ["log_loss", "hinge"])
def test_settings_of_ones_own_are_kept(loss):
    X, y = long_tailed(500)
    rate = {"learning_rate": 0.7}
    accumulator = {"initial_accumulator": 0.25}
    for given in (rate, accumulator, rate | accumulator):
        model = AdaGradClassifier(loss=loss, random_state=0, **given).fit(X, y)
        if "learning_rate" in given:
            assert model.learning_rate_ == 0.7
        if "initial_accumulator" in given:
            assert first_accumulator(model) == 0.25


@pytest.mark.parametrize("loss", ["hinge", "squared_hinge"])
def test_one_output_goes_by_the_objective(loss):
    X, y = long_tailed(1000)
    auto, plain = (
        AdaGradClassifier(loss=loss, random_state=0, calibrate=calibrate).fit(X, y == 0)
        for calibrate in ("auto", False)
    )
    np.testing.assert_array_equal(auto.coef_, plain.coef_)


@pytest.mark.parametrize("loss", ["log_loss", "hinge", "squared_hinge"])
def test_the_unit_of_the_rows_does_not_matter(loss):
    X, y = long_tailed(1200)
    common = {"loss": loss, "random_state": 0, "epsilon": 1e-30}
    model = AdaGradClassifier(**common).fit(X, y)
    for factor in (2.0**10, 2.0**-10):
        other = AdaGradClassifier(**common).fit(factor * X, y)
        assert other.n_iter_ == model.n_iter_
        assert first_accumulator(other) == pytest.approx(factor**2 * first_accumulator(model))
        np.testing.assert_array_equal(other.predict(factor * X), model.predict(X))


@pytest.mark.parametrize("loss", ["log_loss", "hinge"])
def test_labels_that_stand_for_themselves(loss):
    X, y = long_tailed(800, n_classes=4)
    Y = np.c_[y == 0, y == 1, y > 1].astype(np.int64)
    model = AdaGradClassifier(loss=loss, random_state=0).fit(X[:500], Y[:500])
    assert (model.predict(X[500:]) == Y[500:]).mean() > max((Y == 0).mean(), 0.6)
