"""Probabilities of the margins of hinge losses: against a search by function values alone."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import softmax
from sklearn.metrics import log_loss

from fastada.platt import PRIOR, USUAL, find_link
from fastada.probabilities import probabilities


def margins_of_classes(n_rows, n_classes, width, seed=0):
    """Margins of twice the probabilities less one, and some noise; labels by the probabilities."""
    rng = np.random.default_rng(seed)
    p = softmax(width * rng.standard_normal((n_rows, n_classes)), axis=1)
    label = np.array([rng.choice(n_classes, p=row) for row in p])
    return 2 * p - 1 + 0.05 * rng.standard_normal(p.shape), label


def probabilities_at(margins, temperature, offset):
    weight = np.log1p(np.exp(temperature * margins + offset))
    return weight / weight.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("n_classes", [3, 40])
@pytest.mark.parametrize("n_rows", [20, 1500])
@pytest.mark.parametrize("width", [0.5, 3.0])
def test_least_loss(n_classes, n_rows, width):
    margins, label = margins_of_classes(n_rows, n_classes, width)
    weight = np.random.default_rng(1).integers(1, 3, n_rows).astype(float)

    def loss(x):
        p = probabilities_at(margins, np.exp(x[0]), np.exp(x[0]) - x[1])
        found = -np.log(p[np.arange(n_rows), label])
        return np.average(found, weights=weight) + PRIOR / 2 / n_rows * ((x - USUAL) ** 2).sum()

    least = minimize(loss, USUAL, method="Nelder-Mead", bounds=[(-1, 4), (0, 10)])
    temperature, offset = find_link(margins, label, weight)
    found = np.log(temperature), temperature - offset
    assert loss(np.array(found)) == pytest.approx(least.fun, abs=1e-4)


def test_probabilities_are_found_again():
    margins, label = margins_of_classes(4000, 10, 1.5)
    unseen, label_of_unseen = margins_of_classes(4000, 10, 1.5, seed=1)
    link = find_link(margins[:2000], label[:2000], np.ones(2000))
    found = probabilities_at(unseen, *link)
    true = np.clip((unseen + 1) / 2, 1e-3, None)
    best = log_loss(label_of_unseen, true / true.sum(axis=1, keepdims=True))
    assert log_loss(label_of_unseen, found) < best + 0.02


def test_margins_of_too_large_a_rate_are_made_small():
    margins, label = margins_of_classes(1500, 10, 1.5)

    def loss(margins):
        found = probabilities_at(margins, *find_link(margins, label, np.ones(1500)))
        return log_loss(label, found)

    assert loss(100 * margins) < loss(margins) + 0.1


def test_of_many_rows_some_are_looked_at():
    margins, label = margins_of_classes(2500, 4, 1.0)
    link = find_link(margins, label, np.ones(2500))
    few = np.linspace(0, 2500, 2000, endpoint=False).astype(int)
    np.testing.assert_allclose(link, find_link(margins[few], label[few], np.ones(2000)), rtol=1e-6)


def test_extreme_margins_stay_finite():
    margins = np.array([[1e9, -1e9, 0.0], [-1e9, -1e9, -1e9], [0.0, 1e4, -1e4]] * 50)
    label = np.array([1, 2, 0] * 50)
    link = find_link(margins, label, np.ones(150))
    assert np.isfinite(link).all()
    p = probabilities(
        margins * link.temperature,
        "squared_hinge",
        multinomial=False,
        multilabel=False,
        offset=link.offset,
    )
    np.testing.assert_allclose(p.sum(axis=1), 1)
