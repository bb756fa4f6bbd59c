"""The estimators among scikit-learn's own."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.estimator_checks import estimator_checks_generator

from fastada import AdaGradClassifier, AdaGradClassifierCV, AdaGradRegressor

# check_array_api_input is skipped by scikit-learn itself unless SCIPY_ARRAY_API is set.
CHECKS = [
    pytest.param(
        checked, check, id=f"{type(checked).__name__}-{getattr(check, 'func', check).__name__}"
    )
    for estimator in (AdaGradClassifier(), AdaGradClassifierCV(max_iter=2), AdaGradRegressor())
    for checked, check in estimator_checks_generator(estimator)
]


@pytest.mark.parametrize(("estimator", "check"), CHECKS)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


def test_in_pipeline_search_calibration_and_one_vs_rest(text_like):
    X, y = text_like
    pipeline = make_pipeline(StandardScaler(with_mean=False), AdaGradClassifier(random_state=0))
    search = GridSearchCV(pipeline, {"adagradclassifier__alpha": [1e-4, 10.0]}, cv=3).fit(X, y)
    assert search.best_params_ == {"adagradclassifier__alpha": 1e-4}
    assert cross_val_score(AdaGradClassifier(random_state=0), X, y, cv=3).mean() > 0.8
    calibrated = CalibratedClassifierCV(AdaGradClassifier(loss="hinge"), cv=3).fit(X, y)
    np.testing.assert_allclose(calibrated.predict_proba(X).sum(axis=1), 1)
    assert OneVsRestClassifier(AdaGradClassifier(random_state=0)).fit(X, y).score(X, y) > 0.9


def test_one_vs_rest_is_a_binary_problem_for_each_class(text_like):
    X, y = text_like
    common = dict(shuffle=False, tol=None, learning_rate=1.0)
    together = AdaGradClassifier(**common).fit(X, y)
    for k, name in enumerate(together.classes_):
        alone = AdaGradClassifier(**common).fit(X, y == name)
        np.testing.assert_allclose(alone.coef_[0], together.coef_[k], rtol=1e-10, atol=1e-14)


def test_dtype_is_that_of_the_data_unless_told_otherwise(text_like):
    X, y = text_like
    assert AdaGradClassifier().fit(X, y).coef_.dtype == np.float64
    assert AdaGradClassifier().fit(X.astype(np.float32), y).coef_.dtype == np.float32
    assert AdaGradClassifier(dtype="float32").fit(X, y).coef_.dtype == np.float32
    assert AdaGradClassifier().fit((X * 10).astype(np.int64), y).coef_.dtype == np.float64


def test_a_pickled_model_goes_on(text_like):
    X, y = text_like
    model = AdaGradClassifier(random_state=0, alpha=1e-5, l1_ratio=0.5).fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    np.testing.assert_array_equal(again.partial_fit(X, y).coef_, model.partial_fit(X, y).coef_)


def test_class_weights_multiply_sample_weights(text_like):
    X, y = text_like
    y = np.where(y == "eggs", "ham", y)
    names = np.array(["ham", "spam"])
    common = dict(random_state=0, learning_rate=1.0)
    balanced = dict(zip(names, compute_class_weight("balanced", classes=names, y=y), strict=True))
    fits = [
        AdaGradClassifier(class_weight="balanced", **common).fit(X, y),
        AdaGradClassifier(class_weight=balanced, **common).fit(X, y),
        AdaGradClassifier(**common).fit(X, y, sample_weight=[balanced[label] for label in y]),
    ]
    for other in fits[1:]:
        np.testing.assert_array_equal(fits[0].coef_, other.coef_)
    plain = AdaGradClassifier(**common).fit(X, y)
    heavy = AdaGradClassifier(class_weight={"ham": 1, "spam": 8}, **common).fit(X, y)
    assert heavy.decision_function(X).mean() > plain.decision_function(X).mean() + 0.1


@pytest.mark.parametrize("update", ["comid", "rda", "ftrl"])
def test_learning_rate_per_feature(text_like, update):
    X, y = text_like
    model = AdaGradClassifier(
        update=update, learning_rate=0.5, initial_accumulator=0.01, beta=0.2, epsilon=0.1
    ).fit(X, y)
    offset = 0.2 if update == "ftrl" else 0.1
    expected = 0.5 / (offset + np.sqrt(model.sum_sq_grad_))
    np.testing.assert_allclose(model.learning_rate_per_feature_, expected)
    document_frequency = np.diff(X.tocsc().indptr)
    common, rare = document_frequency > 50, document_frequency < 3
    rates = model.learning_rate_per_feature_.mean(axis=0)
    assert rates[rare].min() > rates[common].max()


def test_probabilities(text_like):
    X, y = text_like
    for calibrate in (True, False):
        binary = AdaGradClassifier(calibrate=calibrate, random_state=0).fit(X, y == "spam")
        assert (binary.temperature_ != 1) == calibrate
        margins = binary.temperature_ * binary.decision_function(X)
        np.testing.assert_allclose(binary.predict_proba(X)[:, 1], 1 / (1 + np.exp(-margins)))
    for multi_class in ("ovr", "multinomial"):
        model = AdaGradClassifier(multi_class=multi_class, random_state=0).fit(X, y)
        np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1)
        np.testing.assert_array_equal(
            model.predict(X), model.classes_[model.predict_proba(X).argmax(axis=1)]
        )
    assert not hasattr(AdaGradClassifier(loss="hinge"), "predict_proba")
    huber = AdaGradClassifier(loss="modified_huber").fit(X, y)
    assert np.isfinite(huber.predict_proba(X)).all()


# RDA carries the term H w / (rate t), which fades only as 1 / t.
@pytest.mark.parametrize(("update", "tolerance"), [("comid", 1e-4), ("rda", 0.02)])
@pytest.mark.parametrize("multi_class", ["ovr", "multinomial"])
def test_reaches_the_optimum_that_lbfgs_finds(text_like, update, tolerance, multi_class):
    """Full batches, strongly convex: scikit-learn's optimum of the same objective."""
    X, y = text_like
    alpha = 0.03
    model = AdaGradClassifier(
        update=update, alpha=alpha, multi_class=multi_class, max_iter=5000, tol=None,
        batch_size=10**6, shuffle=False, learning_rate=1.0, initial_accumulator=0.01,
    ).fit(X, y)  # fmt: skip
    logistic = LogisticRegression(C=1 / (alpha * X.shape[0]), tol=1e-8, max_iter=1000)
    if multi_class == "ovr":
        logistic = OneVsRestClassifier(logistic)
    # Multinomial intercepts are free up to a constant.
    ours, theirs = (
        z - z.mean(axis=1, keepdims=True) if multi_class == "multinomial" else z
        for z in (model.decision_function(X), logistic.fit(X, y).decision_function(X))
    )
    np.testing.assert_allclose(ours, theirs, atol=tolerance)


def optimality_gap(model, X, y, l1, l2):
    """Distance of the objective's subdifferential from zero, per coordinate (as skglm measures)."""
    sign = np.where(y, 1.0, -1.0)
    slopes = -sign / (1 + np.exp(sign * model.decision_function(X)))
    w = model.coef_[0]
    gradient = X.T @ slopes / len(y) + l2 * w
    return np.where(
        w != 0, np.abs(gradient + l1 * np.sign(w)), np.maximum(np.abs(gradient) - l1, 0)
    )


@pytest.mark.parametrize(("update", "tolerance"), [("comid", 1e-4), ("rda", 0.05)])
@pytest.mark.parametrize("l1_ratio", [0.5, 1.0])
def test_subdifferential_is_zero_at_the_solution(text_like, update, tolerance, l1_ratio):
    X, y = text_like
    y = y == "spam"
    alpha = 0.01
    model = AdaGradClassifier(
        update=update, alpha=alpha, l1_ratio=l1_ratio, batch_size=10**6, shuffle=False,
        max_iter=20_000, tol=None, learning_rate=1.0, initial_accumulator=0.01,
    ).fit(X, y)  # fmt: skip
    assert 0 < model.n_nonzero_ < X.shape[1]
    gap = optimality_gap(model, X, y, alpha * l1_ratio, alpha * (1 - l1_ratio))
    assert gap.max() < tolerance * alpha


def test_regressor_recovers_a_line():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 5))
    w = np.array([3.0, -2.0, 0.5, 0.0, 100.0])
    model = AdaGradRegressor(random_state=0, max_iter=50, tol=None).fit(X, X @ w + 7)
    np.testing.assert_allclose(model.coef_, w, atol=0.05)
    assert model.intercept_ == pytest.approx([7], abs=0.05)


@pytest.mark.parametrize("update", ["comid", "ftrl"])
@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_scaling_the_data_scales_the_weights_and_nothing_else(text_like, factor, update):
    X, y = text_like
    # epsilon has the unit of the data, as has beta, which the intercept shares
    common = dict(shuffle=False, update=update, epsilon=1e-12, fit_intercept=update != "ftrl")
    plain = AdaGradClassifier(**common).fit(X, y)
    scaled = AdaGradClassifier(**common).fit(X * factor, y)
    np.testing.assert_allclose(scaled.coef_ * factor, plain.coef_, rtol=1e-6, atol=1e-9)
    y = np.random.default_rng(0).normal(size=len(y)) + X[:, [0]].toarray().ravel()
    plain = AdaGradRegressor(**common).fit(X, y)
    scaled = AdaGradRegressor(tol=1e-3 * factor**2, **common).fit(X, y * factor)
    np.testing.assert_allclose(scaled.coef_, plain.coef_ * factor, rtol=1e-6, atol=1e-9 * factor)


def test_sparsify_and_densify(text_like):
    X, y = text_like
    model = AdaGradClassifier(alpha=1e-3, l1_ratio=1.0, random_state=0).fit(X, y)
    dense, predictions = model.coef_, model.predict_proba(X)
    assert 0 < model.n_nonzero_ == np.count_nonzero(dense) < dense.size
    assert sp.issparse(model.sparsify().coef_)
    assert model.coef_.nnz == model.n_nonzero_
    np.testing.assert_array_equal(model.predict_proba(X), predictions)
    np.testing.assert_array_equal(model.coef_.toarray(), dense)
    np.testing.assert_array_equal(model.densify().coef_, dense)


def test_verbose_prints_a_line_an_epoch(text_like, capsys):
    X, y = text_like
    model = AdaGradClassifier(
        verbose=1,
        max_iter=3,
        tol=None,
        alpha=1e-4,
        l1_ratio=1.0,
        random_state=0,
        learning_rate=1.0,
    )
    model.fit(X, y, X_val=X, y_val=y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith(f"epoch 1/3  loss {model.loss_curve_[0]:.6f}  objective ")
    assert f"validation {model.validation_loss_curve_[2]:.6f}" in lines[2]
    assert f"nonzero {model.n_nonzero_:,} " in lines[2]
