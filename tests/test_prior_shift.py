"""Intercepts moved by the classes' frequencies: against a grid of all shifts, and what it gains."""

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn.metrics import log_loss

from fastada import AdaGradClassifier
from fastada.prior_shift import find_shift, log_frequencies
from fastada.targets import Targets

UPDATES = "comid", "rda", "ftrl"


def skewed(n_rows, n_classes, n_features=400, seed=0):
    """Rows of few features, of classes each of which has half the rows of the one before."""
    rng = np.random.default_rng(seed)
    X = (rng.random((n_rows, n_features)) < 0.03).astype(np.float64)
    margins = X @ rng.standard_normal((n_features, n_classes)) - np.log(2) * np.arange(n_classes)
    return X, np.argmax(margins + rng.gumbel(size=margins.shape), axis=1)


def targets_of(y, *, multinomial=False):
    return Targets(label=y.astype(np.int64), n_outputs=y.max() + 1, multinomial=multinomial)


def probabilities_of(margins, *, multinomial=False):
    if multinomial:
        return softmax(margins, axis=1)
    return expit(margins) / expit(margins).sum(axis=1, keepdims=True)


@pytest.mark.parametrize("multinomial", [False, True])
def test_has_the_least_log_loss_of_all_multiples(multinomial):
    rng = np.random.default_rng(0)
    y = np.minimum(rng.geometric(0.7, size=4000) - 1, 3)
    targets = targets_of(y, multinomial=multinomial)
    logs = log_frequencies(targets, np.ones(len(y)))
    margins = 2 * (np.eye(4)[y] + rng.standard_normal((len(y), 4))) + 1.5 * logs
    # What may be looked at; the rest has no weight.
    weight = rng.integers(1, 4, size=2000).astype(float)
    margins, y, targets = margins[:2000], y[:2000], targets.take(np.arange(2000))
    found = find_shift(margins, targets, weight, logs)

    def least(shift):
        """Over the temperatures."""
        of_rows = (
            -np.log(probabilities_of(t * (margins + shift), multinomial=multinomial))[own_class]
            for t in np.geomspace(0.2, 2, 60)
        )
        return min(np.average(losses, weights=weight) for losses in of_rows)

    own_class = np.arange(len(y)), y
    of_multiples = [least(multiple * logs) for multiple in np.linspace(-1, 1, 41)]
    # The belief that none is needed is worth ten rows.
    assert least(found) < min(of_multiples) + 1e-3
    assert least(found) < least(0 * logs) - 0.003
    # In proportion to the logarithms, whatever the unit of the weights.
    np.testing.assert_allclose(found, found @ logs / (logs @ logs) * logs)
    np.testing.assert_allclose(find_shift(margins, targets, weight / 7, logs), found, rtol=1e-6)


def test_frequencies_are_those_of_the_weights():
    label = np.array([0, 0, 1, 2, 2])
    weight = np.array([1.0, 3.0, 2.0, 0.0, 1.0])
    several = log_frequencies(Targets(label=label, n_outputs=4), weight)
    # The last class has no rows, and counts as the one with least.
    expected = np.log([4.0, 2.0, 1.0, 1.0])
    np.testing.assert_allclose(several, expected - expected.mean())


@pytest.mark.parametrize("update", UPDATES)
@pytest.mark.parametrize("n_rows", [600, 6500])
def test_moves_the_intercepts_and_nothing_else(update, n_rows):
    X, y = skewed(n_rows, 5)
    common = {"update": update, "learning_rate": 0.2, "max_iter": 2, "tol": None, "random_state": 0}
    plain, model = (
        AdaGradClassifier(calibrate=calibrate, **common).fit(X, y) for calibrate in (False, True)
    )
    np.testing.assert_array_equal(model.coef_, plain.coef_)
    weight = np.bincount(y).astype(float)
    logs = np.log(weight) - np.log(weight).mean()
    moved = model.intercept_ - plain.intercept_
    multiple = moved @ logs / (logs @ logs)
    assert 0.01 < abs(multiple) <= 1
    np.testing.assert_allclose(moved, multiple * logs, atol=1e-9)


def test_predicts_rows_unseen_better():
    gains = []
    for seed in range(4):
        X, y = skewed(5000, 12, seed=seed)
        common = {"random_state": 0, "calibrate": True}
        model = AdaGradClassifier(**common).fit(X[:1500], y[:1500])
        proba = model.predict_proba(X[1500:])
        assert np.argmax(proba, axis=1).tolist() == model.predict(X[1500:]).tolist()
        same = {
            "learning_rate": model.learning_rate_,
            "initial_accumulator": float(model.sum_sq_grad_.min()),
            "max_iter": model.n_iter_,
            "tol": None,
            "random_state": 0,
        }
        plain = AdaGradClassifier(calibrate=False, **same).fit(X[:1500], y[:1500])
        plain.temperature_ = model.temperature_
        losses = [log_loss(y[1500:], m.predict_proba(X[1500:])) for m in (plain, model)]
        gains.append(np.log(losses[0] / losses[1]))
    assert np.mean(gains) > 0


@pytest.mark.parametrize("calibrate", [True, "auto"])
def test_leaves_intercepts_alone_where_frequencies_say_nothing(calibrate):
    X, y = skewed(800, 4)
    common = {"calibrate": calibrate, "random_state": 0}
    assert not AdaGradClassifier(fit_intercept=False, **common).fit(X, y).intercept_.any()

    def moved(y, **parameters):
        both = common | {"learning_rate": 0.2, "max_iter": 2, "tol": None} | parameters
        plain = AdaGradClassifier(**both | {"calibrate": False}).fit(X, y)
        return AdaGradClassifier(**both | {"calibrate": True}).fit(X, y).intercept_ - (
            plain.intercept_
        )

    np.testing.assert_allclose(moved(y, class_weight="balanced"), 0, atol=1e-12)
    assert not moved(np.minimum(y, 1)).any()
    # Of labels that stand for themselves.
    assert not moved(np.eye(4, dtype=int)[y]).any()
    for loss in ("hinge", "squared_hinge"):
        assert not moved(y, loss=loss).any()


def test_training_goes_on_from_intercepts_moved():
    X, y = skewed(800, 4)
    model = AdaGradClassifier(random_state=0, learning_rate=0.2).fit(X, y)
    before = model.intercept_
    model.partial_fit(X[:1], y[:1])
    assert np.abs(model.intercept_ - before).max() < 0.2
