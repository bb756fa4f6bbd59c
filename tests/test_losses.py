"""Slopes against finite differences, values against scikit-learn's and the textbook's."""

import numpy as np
import pytest
from reference import slopes
from scipy.special import logsumexp
from sklearn.metrics import hinge_loss, log_loss

from fastada import _evaluation
from fastada.settings import LOSSES

MARGINS = np.array([-30.0, -3.1, -1.01, -0.99, -0.2, 0.1, 0.98, 1.02, 2.5, 40.0])
H = 1e-6


def losses_at(loss, margins, *, value=None, label=None, indicator=None):
    """(losses, slopes) of margins (n, K)."""
    kind = LOSSES["log_loss" if loss == "multinomial" else loss]
    margins = np.array(margins, dtype=np.float64)
    out = np.empty(len(margins))
    _evaluation.losses_at(margins, kind, 1.0, loss == "multinomial", value, label, indicator, out)
    return out, margins


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("y", [-1.0, 1.0])
def test_slope_is_the_derivative_of_the_value(loss, y):
    z = MARGINS[:, None]
    target = np.full(len(z), y)
    _, slope = losses_at(loss, z, value=target)
    above, _ = losses_at(loss, z + H, value=target)
    below, _ = losses_at(loss, z - H, value=target)
    np.testing.assert_allclose(slope[:, 0], (above - below) / (2 * H), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(slope, slopes(loss, z, target[:, None]), rtol=1e-12, atol=1e-15)


def test_multinomial_slope_is_the_derivative_of_the_value():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(6, 4)) * 5
    label = np.array([0, 1, 2, 3, 1, 1])
    value, slope = losses_at("multinomial", z, label=label)
    np.testing.assert_allclose(value, logsumexp(z, axis=1) - z[range(6), label], rtol=1e-12)
    for k in range(4):
        step = H * np.eye(4)[k]
        above, _ = losses_at("multinomial", z + step, label=label)
        below, _ = losses_at("multinomial", z - step, label=label)
        np.testing.assert_allclose(slope[:, k], (above - below) / (2 * H), rtol=1e-6, atol=1e-8)


def test_values_are_scikit_learns():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(50, 1)) * 3
    y = np.where(rng.random(50) < 0.5, -1.0, 1.0)
    ours, _ = losses_at("log_loss", z, value=y)
    assert ours.mean() == pytest.approx(log_loss(y, 1 / (1 + np.exp(-z[:, 0]))), rel=1e-12)
    ours, _ = losses_at("hinge", z, value=y)
    assert ours.mean() == pytest.approx(hinge_loss(y, z[:, 0]), rel=1e-12)


def test_slopes_of_the_log_loss_have_all_their_digits():
    z = np.concatenate([np.linspace(-708, 708, 20_001), np.linspace(-2, 2, 20_001)])
    e = np.exp(-np.abs(z.astype(np.longdouble)))
    for y in (-1.0, 1.0):
        _, slope = losses_at("log_loss", z[:, None], value=np.full(len(z), y))
        expected = -y * np.where(y * z >= 0, e, 1) / (1 + e)
        np.testing.assert_allclose(slope[:, 0], expected.astype(np.float64), rtol=1e-15)
    _, slope = losses_at("log_loss", np.array([[709.0], [np.inf]]), value=np.ones(2))
    assert not slope.any()


@pytest.mark.parametrize("loss", ["log_loss", "multinomial"])
def test_nothing_overflows(loss):
    z = np.array([[1e308, -1e308], [-1e308, 1e308], [800.0, -800.0]])
    label = np.zeros(3, dtype=np.int64)
    value, slope = losses_at(loss, z, label=label)
    assert np.isfinite(slope).all()
    assert value[2] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("loss", [*LOSSES, "multinomial"])
def test_a_margin_that_is_no_number_gives_a_loss_that_is_none(loss):
    """Training stops at such a loss; a loss of zero would hide it."""
    if loss == "multinomial":
        value, _ = losses_at(loss, [[0.0, np.nan], [np.nan, 0.0]], label=np.zeros(2, np.int64))
    else:
        value, _ = losses_at(loss, [[np.nan], [np.nan]], value=np.array([-1.0, 1.0]))
    assert np.isnan(value).all()


def test_multilabel_sums_the_labels():
    z = np.array([[0.3, -2.0], [1.0, 0.5]])
    Y = np.array([[1, 0], [1, 1]], dtype=np.uint8)
    value, _ = losses_at("log_loss", z, indicator=Y)
    np.testing.assert_allclose(value, np.log1p(np.exp(-(2.0 * Y - 1) * z)).sum(axis=1))
