"""Models side by side: each is the one that it would be alone."""

import numpy as np
import pytest
from scipy.sparse import csr_array

import fastada
from fastada import AdaGradClassifier, AdaGradClassifierCV, AdaGradRegressor
from fastada.grid import Grid, compact
from fastada.optim import AdaGrad
from fastada.rows import Rows
from fastada.validation import canonical_rows

RATES = [0.01, 0.1, 0.3, 1.0, 3.0]


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("batch_size", [1, 7])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"multi_class": "multinomial"},
        {"loss": "hinge"},
        {"update": "rda", "l1_ratio": 0.5},
        {"update": "ftrl", "l1_ratio": 0.5},
        {"l1_ratio": 0.0},
        {"l1_ratio": 0.5},
        {"l1_ratio": 1.0},
        {"decay": 0.99, "alpha": [0.0]},
    ],
)
def test_models_are_those_trained_alone(text_like, n_classes, batch_size, dtype, parameters):
    X, y = text_like
    X = X.astype(dtype)
    y = y if n_classes == 3 else y == "spam"
    alphas = parameters.get("alpha", [0.0, 1e-4, 1e-2])
    common = {
        **{k: v for k, v in parameters.items() if k != "alpha"},
        "batch_size": batch_size,
        "random_state": 0,
        "max_iter": 2,
    }
    weight = np.random.default_rng(0).choice([0.0, 1.0, 2.0], size=len(y))
    models = fastada.path(X, y, learning_rate=RATES, alpha=alphas, sample_weight=weight, **common)
    assert len(models) == len(RATES) * len(alphas)
    digits = 1e-10 if dtype == np.float64 else 1e-3
    for m in range(len(models)):
        alone = AdaGradClassifier(
            learning_rate=models.learning_rate[m], alpha=models.alpha[m], tol=None, **common
        ).fit(X, y, weight)
        scale = np.abs(alone.coef_).max()
        np.testing.assert_allclose(models.coef(m), alone.coef_, atol=digits * (scale + 1e-30))
        np.testing.assert_allclose(models.intercept(m), alone.intercept_, atol=10 * digits)
        np.testing.assert_allclose(models.loss_curve[:, m], alone.loss_curve_, rtol=10 * digits)
        assert models.progressive_loss[m] == pytest.approx(alone.progressive_loss_, rel=1e-3)
        copy = models.model(m).partial_fit(X, y)
        alone.partial_fit(X, y)
        np.testing.assert_allclose(copy.coef_, alone.coef_, atol=10 * digits * (scale + 1e-30))


def test_regression_and_multilabel(text_like):
    X, y = text_like
    number = (y == "spam") * 2.0 - X[:, 0].toarray().ravel()
    models = fastada.path(X, number, loss="squared_error", learning_rate=RATES, random_state=0)
    alone = AdaGradRegressor(learning_rate=0.3, max_iter=1, random_state=0).fit(X, number)
    np.testing.assert_allclose(models.coef(2), alone.coef_, rtol=1e-10)
    Y = np.stack([y == "spam", y == "ham"], axis=1).astype(int)
    models = fastada.path(X, Y, learning_rate=RATES, random_state=0)
    alone = AdaGradClassifier(learning_rate=0.3, max_iter=1, random_state=0).fit(X, Y)
    np.testing.assert_allclose(models.coef(2), alone.coef_, rtol=1e-10)


def test_a_model_that_diverges_leaves_the_others_alone(text_like):
    X, y = text_like
    X = X.astype(np.float32)
    number = (y == "spam").astype(float)
    common = dict(loss="squared_error", initial_accumulator=1e-6, random_state=0, max_iter=2)
    models = fastada.path(X, number, learning_rate=[0.1, 1e20], **common)
    assert np.isinf(models.loss_curve[:, 1]).all()
    assert np.isinf(models.progressive_loss[1])
    alone = AdaGradRegressor(learning_rate=0.1, tol=None, **common).fit(X, number)
    np.testing.assert_allclose(models.coef(0), alone.coef_, rtol=1e-3, atol=1e-5)
    with pytest.raises(FloatingPointError, match=r"model 1 has diverged with learning_rate=1e\+20"):
        models.model(1)


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"learning_rate": []}, ValueError, "learning_rate must be a number or a sequence"),
        ({"alpha": []}, ValueError, "alpha must be a number or a sequence"),
        ({"learning_rate": "Auto"}, ValueError, "learning_rate must be"),
        ({"learning_rate": ["a"]}, TypeError, "learning_rate must hold numbers"),
        ({"random_state": "abc"}, ValueError, "seed"),
        ({"learning_rate": [0.0]}, ValueError, "learning_rate must be > 0"),
        ({"alpha": [-1.0]}, ValueError, "alpha must be >= 0"),
        ({"max_iter": 0}, ValueError, "max_iter must be >= 1"),
        ({"sample_weight": np.zeros(300)}, ValueError, "nothing to learn"),
        ({"X_val": np.zeros((1, 200))}, ValueError, "X_val needs y_val"),
        ({"optimizer": AdaGrad()}, ValueError, "optimizer must be None"),
        ({"nonsense": 1}, TypeError, "unexpected keyword"),
    ],
)
def test_path_refuses(text_like, parameters, error, message):
    with pytest.raises(error, match=message):
        fastada.path(*text_like, **parameters)


def test_cv_does_not_take_nan_for_the_best(text_like):
    X, y = text_like

    def score(model, X, y):
        return np.nan if model.learning_rate < 1 else model.score(X, y)

    model = AdaGradClassifierCV(learning_rates=[0.1, 1.0], max_iter=1, scoring=score, cv=2)
    assert model.fit(X, y).learning_rate_ == 1.0
    model.set_params(scoring=lambda model, X, y: np.nan)
    with pytest.raises(ValueError, match="no candidate has a score"):
        model.fit(X, y)


@pytest.mark.parametrize("kind", ["two", "three", "multinomial", "labels", "numbers"])
def test_scores_are_those_of_the_models(text_like, kind):
    X, y = text_like
    X = X.astype(np.float32)
    parameters = {"class_weight": {"spam": 0.0, "ham": 1.0, "eggs": 2.0}}
    if kind == "two":
        y, parameters = y == "spam", {"class_weight": {False: 0.5, True: 1.0}}
    elif kind == "labels":
        y, parameters = np.stack([y == "spam", y == "ham"], axis=1).astype(int), {}
    elif kind == "numbers":
        y, parameters = (y == "spam") - X[:, 0].toarray().ravel(), {"loss": "huber"}
    elif kind == "multinomial":
        parameters["multi_class"] = "multinomial"
    weight = np.random.default_rng(0).choice([0.0, 0.5, 2.0], size=100)
    models = fastada.path(
        X[:200], y[:200], learning_rate=RATES, X_val=X[200:], y_val=y[200:],
        sample_weight_val=weight, random_state=0, **parameters,
    )  # fmt: skip
    found = [models.model(m).score(X[200:], y[200:], weight) for m in range(len(RATES))]
    np.testing.assert_allclose(models.validation_score[0], found, rtol=1e-12)
    assert len(set(found)) > 1


def test_models_are_independent(text_like):
    models = fastada.path(*text_like, learning_rate=RATES, random_state=0)
    copy = models.model(0).partial_fit(*text_like)
    again = models.model(0)
    assert len(copy.loss_curve_) == 2
    assert len(again.loss_curve_) == 1
    np.testing.assert_array_equal(again.coef_, models.coef(0))
    assert not np.array_equal(copy.coef_, again.coef_)


def test_validation_losses_are_those_of_the_probabilities(text_like):
    X, y = text_like
    models = fastada.path(
        X[:200], y[:200], learning_rate=RATES, max_iter=3, X_val=X[200:], y_val=y[200:]
    )
    assert models.validation_loss.shape == models.validation_score.shape == (3, len(RATES))
    for m in range(len(RATES)):
        model = models.model(m)
        p = model.predict_proba(X[200:])
        column = np.searchsorted(model.classes_, y[200:])
        loss = -np.log(p[np.arange(100), column]).mean()
        assert models.validation_loss[-1, m] == pytest.approx(loss, rel=1e-9)


def test_stamps_start_again_without_a_trace(text_like, monkeypatch):
    X, y = text_like
    common = dict(learning_rate=RATES, alpha=1e-3, random_state=0, max_iter=2)
    plain = fastada.path(X, y, **common)
    monkeypatch.setattr("fastada.state.exact_steps", lambda dtype: 77)
    restarted = fastada.path(X, y, **common)
    np.testing.assert_allclose(restarted.coef(2), plain.coef(2), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("index_dtype", [np.int32, np.int64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_compact_keeps_what_the_rows_say(text_like, dtype, index_dtype):
    X = text_like[0].astype(dtype)
    X.indices = X.indices.astype(index_dtype)
    order = np.array([5, 3, 250], dtype=np.int64)
    rows = compact(canonical_rows(X), order)
    assert isinstance(rows, Rows)
    assert rows.indices.dtype == index_dtype
    assert rows.data.dtype == dtype
    occurring = X.indices[np.concatenate([np.arange(X.indptr[i], X.indptr[i + 1]) for i in order])]
    columns = list(dict.fromkeys(occurring.tolist()))
    taken = csr_array((rows.data, rows.indices, rows.indptr), shape=(3, rows.n_features))
    np.testing.assert_array_equal(taken.toarray(), X[order].toarray()[:, columns])


def test_compact_rows_without_entries():
    empty = canonical_rows(csr_array((3, 1000)))
    rows = compact(empty, np.array([2, 0], dtype=np.int64))
    assert (rows.n_rows, rows.n_features, len(rows.data)) == (2, 1, 0)


def test_a_grid_takes_as_many_models_as_are_given(text_like):
    X, y = text_like
    models = fastada.path(X, y == "spam", learning_rate=np.geomspace(0.01, 10, 21))
    assert len(models) == 21
    grids = {id(grid) for _, grid, _ in models._models}
    assert len(grids) == 3
    assert all(isinstance(grid, Grid) for _, grid, _ in models._models)


@pytest.mark.parametrize("scoring", [None, "accuracy"])
def test_cross_validation_chooses_and_trains(text_like, scoring):
    X, y = text_like
    model = AdaGradClassifierCV(
        learning_rates=[1e-4, 0.5], alphas=[0.0, 10.0], scoring=scoring, random_state=0
    ).fit(X, y)
    assert (model.learning_rate_, model.alpha_) == (0.5, 0.0)
    assert model.scores_.shape == (3, 5, 4)
    alone = AdaGradClassifier(
        learning_rate=0.5, max_iter=model.n_iter_, tol=None, random_state=0
    ).fit(X, y)
    np.testing.assert_array_equal(model.coef_, alone.coef_)
    np.testing.assert_array_equal(model.intercept_, alone.intercept_)
    np.testing.assert_array_equal(model.predict_proba(X), alone.predict_proba(X))
    assert model.score(X, y) == alone.score(X, y)


def test_a_fold_without_a_class_is_refused(text_like):
    X, y = text_like
    spam = y == "spam"
    model = AdaGradClassifierCV(cv=[(np.flatnonzero(~spam), np.flatnonzero(spam))])
    with pytest.raises(ValueError, match="no row of some class"):
        model.fit(X, y)


def test_cross_validation_without_refit(text_like):
    X, y = text_like
    model = AdaGradClassifierCV(refit=False, max_iter=1, random_state=0).fit(X, y)
    assert model.learning_rate_ in model.learning_rates_
    assert not hasattr(model, "classifier_")
