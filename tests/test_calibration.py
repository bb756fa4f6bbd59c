"""The temperature of the probabilities: against a search over all temperatures, by hand."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.special import expit
from sklearn.metrics import log_loss

from fastada import AdaGradClassifier
from fastada.calibration import best_temperature, smooth_error
from fastada.targets import Targets

TEMPERATURES = np.geomspace(0.1, 10, 400)


def noisy_data(n_rows, n_classes=2, n_features=300, seed=0):
    """Rows of few features and labels that they say little about: easy to learn by heart."""
    rng = np.random.default_rng(seed)
    X = (rng.random((n_rows, n_features)) < 0.03).astype(np.float64)
    margins = X @ rng.standard_normal((n_features, n_classes)) * 0.7
    return X, np.argmax(margins + rng.gumbel(size=margins.shape), axis=1)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_temperature_has_the_least_loss(n_classes):
    rng = np.random.default_rng(1)
    y = rng.integers(n_classes, size=20_000)
    if n_classes == 2:
        margins = 3 * ((2 * y - 1) + 2 * rng.standard_normal(len(y)))[:, np.newaxis]
        targets = Targets(value=2.0 * y - 1)
    else:
        margins = 5 * (np.eye(n_classes)[y] + rng.standard_normal((len(y), n_classes)))
        targets = Targets(label=y, n_outputs=n_classes)
    found, least = best_temperature(margins, targets, np.arange(len(y)), np.ones(len(y)))

    def loss(temperature):
        p = expit(temperature * margins)
        return log_loss(y, np.c_[1 - p, p] if n_classes == 2 else p / p.sum(1, keepdims=True))

    assert loss(found) == pytest.approx(min(map(loss, TEMPERATURES)), abs=1e-4)
    assert least == pytest.approx(loss(found))


def test_the_unit_of_the_weights_does_not_matter():
    rng = np.random.default_rng(1)
    y = rng.integers(2, size=300)
    margins = 3 * ((2 * y - 1) + 2 * rng.standard_normal(300))[:, np.newaxis]
    found = [
        best_temperature(margins, Targets(value=2.0 * y - 1), np.arange(300), np.full(300, unit))
        for unit in (1.0, 1 / 300, 1000.0)
    ]
    np.testing.assert_allclose(found, [found[0]] * 3, rtol=1e-6)
    assert abs(found[0][0] - 1) > 0.1


@pytest.mark.parametrize("n_rows", [300, 6500])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_calibrated_probabilities_have_less_loss_and_the_same_labels(n_rows, n_classes):
    X, y = noisy_data(n_rows + 3000, n_classes, n_features=100)
    common = {"learning_rate": 6.0, "random_state": 0, "max_iter": 3, "tol": None}
    # Which frequencies of classes would move, and labels with it: tests/test_prior_shift.py.
    common |= {"fit_intercept": False}
    plain = AdaGradClassifier(**common).fit(X[:n_rows], y[:n_rows])
    model = AdaGradClassifier(calibrate=True, **common).fit(X[:n_rows], y[:n_rows])
    np.testing.assert_array_equal(model.coef_, plain.coef_)
    np.testing.assert_array_equal(model.predict(X), plain.predict(X))
    assert plain.temperature_ == 1
    assert model.temperature_ < 1
    losses = [log_loss(y[n_rows:], m.predict_proba(X[n_rows:])) for m in (model, plain)]
    assert losses[0] < losses[1]


# The hinge says no more of a probability than on which side of one half it is.
@pytest.mark.parametrize(("loss", "bound"), [("hinge", 1.06), ("squared_hinge", 1.03)])
@pytest.mark.parametrize("n_rows", [300, 6500])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_hinge_losses_get_probabilities(loss, bound, n_rows, n_classes):
    losses = []
    for seed in range(3):
        X, y = noisy_data(n_rows + 3000, n_classes, n_features=100, seed=seed)
        common = {"max_iter": 3, "tol": None, "random_state": 0, "calibrate": True}
        model = AdaGradClassifier(loss, **common).fit(X[:n_rows], y[:n_rows])
        logistic = AdaGradClassifier(**common).fit(X[:n_rows], y[:n_rows])
        probabilities = model.predict_proba(X[n_rows:])
        np.testing.assert_allclose(probabilities.sum(axis=1), 1)
        np.testing.assert_array_equal(probabilities.argmax(axis=1), model.predict(X[n_rows:]))
        assert model.temperature_ != 1
        assert (model.offset_ != 0) == (n_classes > 2)
        of_logistic = logistic.predict_proba(X[n_rows:])
        losses.append([log_loss(y[n_rows:], p) for p in (probabilities, of_logistic)])
    found, of_logistic = np.mean(losses, axis=0)
    assert found < bound * of_logistic


@pytest.mark.parametrize("loss", ["hinge", "squared_hinge"])
def test_hinge_losses_have_no_probabilities_else(loss):
    X, y = noisy_data(400, 4)
    model = AdaGradClassifier(loss=loss, random_state=0).fit(X, y)
    assert model.temperature_ == 1
    with pytest.raises(AttributeError) as raised:
        model.predict_proba(X)
    assert f"for loss='{loss}' without calibrate=True" in str(raised.value.__cause__)


def test_margins_of_the_epoch_that_is_taken_tell_the_temperature():
    X, y = noisy_data(1500, 4)
    X[:, 0] = 0  # its accumulator stays as it was first
    common = {"loss": "squared_hinge", "calibrate": True, "fit_intercept": False, "random_state": 0}
    model = AdaGradClassifier(**common).fit(X, y)
    assert model.n_iter_ < 10
    same = AdaGradClassifier(
        learning_rate=model.learning_rate_,
        initial_accumulator=float(model.sum_sq_grad_[0, 0]),
        max_iter=model.n_iter_,
        tol=None,
        **common,
    )
    same.fit(X, y)
    assert (same.temperature_, same.offset_) == (model.temperature_, model.offset_)


def test_of_epochs_as_good_the_first_tells_the_temperature(monkeypatch):
    monkeypatch.setattr("fastada.calibration.smooth_error", lambda *args: 0.5)
    X, y = noisy_data(1500, 4)
    several, one = (
        AdaGradClassifier("hinge", calibrate=True, max_iter=max_iter, random_state=0).fit(X, y)
        for max_iter in (10, 1)
    )
    assert several.n_iter_ == one.n_iter_ == 1
    assert (several.temperature_, several.offset_) == (one.temperature_, one.offset_)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_held_out_rows_make_probabilities_of_hinge_losses(n_classes):
    X, y = noisy_data(3000, n_classes)
    model = AdaGradClassifier("squared_hinge", calibrate=True, random_state=0, max_iter=3)
    model.fit(X[:1000], y[:1000], X_val=X[1000:2000], y_val=y[1000:2000])
    found = log_loss(y[2000:], model.predict_proba(X[2000:]))
    assert found < log_loss(y[2000:], np.full((1000, n_classes), 1 / n_classes))
    model.temperature_ = 1.0
    assert found < log_loss(y[2000:], model.predict_proba(X[2000:]))


def test_held_out_rows_are_made_use_of():
    X, y = noisy_data(2000)
    model = AdaGradClassifier(calibrate=True, learning_rate=3.0, random_state=0, max_iter=3)
    model.fit(X[:1000], y[:1000], X_val=X[1000:], y_val=y[1000:])
    margins = model.decision_function(X[1000:])[:, np.newaxis]
    expected, least = best_temperature(
        margins, Targets(value=2.0 * y[1000:] - 1), np.arange(1000), np.ones(1000)
    )
    assert model.temperature_ == pytest.approx(expected)
    assert min(model.validation_loss_curve_) == pytest.approx(least)


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("n_rows", [400, 6500])
def test_training_ends_before_rows_are_learned_by_heart(n_rows, n_classes):
    X, y = noisy_data(n_rows + 3000, n_classes, n_features=2000)
    losses = []
    for random_state in range(3):
        common = {
            "learning_rate": 12.0,
            "initial_accumulator": 4.0,
            "random_state": random_state,
        }
        plain = AdaGradClassifier(calibrate=False, **common).fit(X[:n_rows], y[:n_rows])
        model = AdaGradClassifier(calibrate=True, **common).fit(X[:n_rows], y[:n_rows])
        assert model.n_iter_ < plain.n_iter_
        # Of all rows, in the same order: what a user gets who had set that number of epochs.
        same = AdaGradClassifier(max_iter=model.n_iter_, tol=None, **common)
        same.fit(X[:n_rows], y[:n_rows])
        np.testing.assert_array_equal(model.coef_, same.coef_)
        same.temperature_ = plain.temperature_ = model.temperature_
        losses.append([log_loss(y[n_rows:], m.predict_proba(X[n_rows:])) for m in (same, plain)])
    early, late = np.mean(losses, axis=0)
    assert early < late


@pytest.mark.parametrize("n_rows", [300, 6500])
def test_columns_that_do_not_occur_change_nothing(n_rows):
    X, y = noisy_data(n_rows, n_features=50)
    X = sp.csr_array(X)
    wide = sp.csr_array((X.data, X.indices, X.indptr), shape=(n_rows, 50_000))
    common = {"calibrate": True, "learning_rate": 3.0, "random_state": 0, "max_iter": 3}
    narrow, model = (AdaGradClassifier(**common).fit(rows, y) for rows in (X, wide))
    assert model.n_iter_ == narrow.n_iter_
    assert model.temperature_ == narrow.temperature_


def test_training_goes_on_while_the_rows_left_out_gain():
    X, y = noisy_data(4000, n_features=50)
    common = {"learning_rate": 0.01, "random_state": 0, "max_iter": 6, "calibrate": True}
    assert AdaGradClassifier(**common).fit(X, y).n_iter_ == 6


def test_without_a_tolerance_all_epochs_are_taken():
    X, y = noisy_data(400, n_features=2000)
    model = AdaGradClassifier(calibrate=True, learning_rate=6.0, random_state=0, tol=None)
    assert model.fit(X, y).n_iter_ == 10
    assert model.temperature_ < 1


@pytest.mark.parametrize(
    ("parameters", "calibrates"),
    [
        ({}, True),
        ({"early_stopping": True}, True),
        ({"tol": None}, False),
        ({"loss": "hinge"}, False),
        ({"loss": "modified_huber"}, False),
        ({"warm_start": True}, False),
    ],
)
def test_the_default_calibrates_where_epochs_are_to_be_found(parameters, calibrates):
    X, y = noisy_data(400)
    model = AdaGradClassifier(random_state=0, max_iter=3, **parameters).fit(X, y)
    told = AdaGradClassifier(random_state=0, max_iter=3, calibrate=calibrates, **parameters)
    told.fit(X, y)
    np.testing.assert_array_equal(model.coef_, told.coef_)
    assert model.temperature_ == told.temperature_
    assert (model.temperature_ != 1) == calibrates


def test_calibrate_is_yes_no_or_auto():
    X, y = noisy_data(100)
    with pytest.raises(ValueError, match="calibrate must be True, False or 'auto'; got 'yes'"):
        AdaGradClassifier(calibrate="yes").fit(X, y)


def test_verbose_tells_what_the_rows_left_out_have_shown(capsys):
    X, y = noisy_data(400)
    model = AdaGradClassifier(calibrate=True, random_state=0, verbose=1).fit(X, y)
    line = next(
        line for line in capsys.readouterr().out.splitlines() if "left out by epochs" in line
    )
    assert f"taken {model.n_iter_}, temperature {model.temperature_:.3f}" in line


def test_without_enough_rows_margins_are_taken_as_they_are():
    X, y = noisy_data(90)
    assert AdaGradClassifier(calibrate=True, random_state=0).fit(X, y).temperature_ == 1
    assert (
        AdaGradClassifier(calibrate=True).partial_fit(*noisy_data(500), classes=[0, 1]).temperature_
        == 1
    )


def test_order_of_rows_does_not_matter():
    X, y = noisy_data(400)
    order = np.random.default_rng(0).permutation(400)
    weight = np.random.default_rng(1).integers(0, 3, 400)
    one = AdaGradClassifier(calibrate=True, random_state=0).fit(X, y, weight)
    other = AdaGradClassifier(calibrate=True, random_state=0).fit(X[order], y[order], weight[order])
    assert one.temperature_ == pytest.approx(other.temperature_)


def test_indicator_matrix():
    X, y = noisy_data(500, n_classes=3)
    model = AdaGradClassifier(calibrate=True, learning_rate=3.0, random_state=0, max_iter=3).fit(
        X, np.eye(3, dtype=int)[y]
    )
    assert model.temperature_ < 1
    np.testing.assert_allclose(
        model.predict_proba(X), expit(model.temperature_ * model.decision_function(X))
    )


@pytest.mark.parametrize("kind", ["two classes", "classes", "labels"])
def test_the_smooth_error_of_sure_decisions_is_the_error(kind):
    rng = np.random.default_rng(0)
    n_rows, n_outputs = 500, 1 if kind == "two classes" else 4
    weight = rng.integers(1, 4, n_rows).astype(np.float64)
    margins = rng.choice([-3.0, 3.0], (n_rows, n_outputs))
    if kind == "two classes":
        targets = Targets(value=rng.choice([-1.0, 1.0], n_rows))
        wrong = margins[:, 0] * targets.value < 0
    elif kind == "labels":
        targets = Targets(indicator=rng.integers(0, 2, (n_rows, 4), np.uint8), n_outputs=4)
        wrong = ((margins > 0) != targets.indicator).mean(axis=1)
    else:
        margins = rng.permuted(np.tile([0.0, 3.0, 6.0, 9.0], (n_rows, 1)), axis=1)
        targets = Targets(label=rng.integers(4, size=n_rows), n_outputs=4)
        wrong = margins.argmax(axis=1) != targets.label
    order = np.arange(n_rows)
    for unit in (1e-6, 1.0, 1e6):
        found = smooth_error(unit * margins, targets, order, weight)
        assert found == pytest.approx(np.average(wrong, weights=weight), abs=1e-4)


def test_the_smooth_error_of_even_decisions_is_a_half():
    order, targets = np.arange(3), Targets(label=np.array([0, 1, 2]), n_outputs=3)
    assert smooth_error(np.zeros((3, 3)), targets, order, np.ones(3)) == 0.5
    # The second row is nearly right, the others are quite.
    margins = np.array([[5.0, 0.0, 0.0], [1.0, 1.0 - 1e-9, 0.0], [0.0, 0.0, 5.0]])
    assert smooth_error(margins, targets, order, np.ones(3)) == pytest.approx(1 / 6, abs=1e-4)
