"""Estimators come back from a file as they went into it."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from fastada import AdaGradClassifier, AdaGradRegressor, TextClassifier, load
from fastada.persistence import ModelFileError

from . import going_on

REPOSITORY = Path(__file__).parents[2]


# Kept by no file: what has been read of a state, and what a search for the rate has seen.
LEFT_OUT = "_read", "lock", "learning_rate_search_"


def contents(value):
    """Everything that an object holds, as what == compares."""
    if isinstance(value, np.ndarray):
        return (
            value.dtype,
            value.shape,
            value.tobytes() if value.dtype != object else value.tolist(),
        )
    if isinstance(value, np.random.RandomState):
        return repr(value.get_state())
    if isinstance(value, dict):
        return {key: contents(item) for key, item in value.items() if key not in LEFT_OUT}
    if hasattr(value, "__dict__") and not isinstance(value, type):
        return {"type": type(value), **contents(vars(value))}
    return value


@pytest.fixture(scope="module")
def gone_on(tmp_path_factory):
    """A folder of models: trained by halves, with a process for each, and in one go."""
    folder = tmp_path_factory.mktemp("halves")
    X, _ = going_on.make_data()
    for name, model, y in going_on.make_cases():
        model.fit(X, y).save(folder / f"{name}.half")
    for name, model, y in going_on.make_cases():
        model.set_params(max_iter=2 * going_on.EPOCHS).fit(X, y).save(folder / f"{name}.one-go")
    texts, labels = going_on.make_texts()
    for name, parameters in going_on.TEXTS.items():
        model = TextClassifier(**parameters).partial_fit(texts[:200], labels[:200], ["a", "b", "c"])
        model.save(folder / f"{name}.half")
        model.partial_fit(texts[200:], labels[200:]).save(folder / f"{name}.one-go")
    subprocess.run(
        [sys.executable, "-m", "tests.persistence.going_on", folder],
        check=True,
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    return folder


@pytest.mark.parametrize("name", [*(n for n, _, _ in going_on.make_cases()), *going_on.TEXTS])
def test_a_new_process_goes_on_bit_for_bit(gone_on, name):
    halves, one_go = (load(gone_on / f"{name}.{which}") for which in ("whole", "one-go"))
    if name in going_on.TEXTS:
        assert contents(halves.vectorizer_) == contents(one_go.vectorizer_)
        halves, one_go = halves.classifier_, one_go.classifier_
    assert halves.t_ == one_go.t_ > 100
    assert contents(halves._state) == contents(one_go._state)
    np.testing.assert_array_equal(halves.coef_, one_go.coef_)
    np.testing.assert_array_equal(halves.intercept_, one_go.intercept_)
    np.testing.assert_array_equal(halves.sum_sq_grad_, one_go.sum_sq_grad_)
    assert contents(halves._scale) == contents(one_go._scale)
    curve = one_go.loss_curve_ if name in going_on.TEXTS else one_go.loss_curve_[going_on.EPOCHS :]
    assert halves.loss_curve_ == curve


@pytest.mark.parametrize("name", [n for n, _, _ in going_on.make_cases()])
def test_everything_survives(tmp_path, name):
    X, _ = going_on.make_data()
    model, y = next((model, y) for n, model, y in going_on.make_cases() if n == name)
    model.fit(X, y)
    model.save(tmp_path / "m")
    again = load(tmp_path / "m")
    expected = contents(model)
    if expected["dtype"] is not None:
        expected["dtype"] = np.dtype(expected["dtype"])
        assert isinstance(again.dtype, str)
        again.dtype = np.dtype(again.dtype)
    assert contents(again) == expected
    assert again._state.records.ctypes.data % 64 == 0


@pytest.mark.parametrize("use_idf", [True, False])
def test_texts_survive(tmp_path, use_idf):
    texts, labels = going_on.make_texts()
    options = {"n_features": 2**10, "ngram_range": (1, 3), "use_idf": use_idf, "n_jobs": 2}
    model = TextClassifier(class_weight="balanced", random_state=0, **options).fit(texts, labels)
    model.save(tmp_path / "m")
    again = load(tmp_path / "m")
    assert contents(again) == contents(model)
    np.testing.assert_array_equal(again.predict_proba(texts), model.predict_proba(texts))
    assert again.explain(texts[0]) == model.explain(texts[0])


@pytest.mark.parametrize(
    "classes",
    [
        np.array([False, True]),
        np.array([-3, 4, 70000], np.int32),
        np.array([1, 200], np.uint8),
        np.array([1, 3, 4], np.float32),
        np.array([0.0, 3.0]),
        np.array(["a", "z z", "\u00e9\U0001f600"]),
        np.array(["ab", "c"], dtype="<U20"),
        np.array(["a", "b", "c\x00"], dtype=object),
    ],
    ids=lambda classes: f"{classes.dtype}-{len(classes)}",
)
@pytest.mark.filterwarnings("ignore:.*unique classes.*")
def test_labels_keep_their_type(tmp_path, classes):
    X, _ = going_on.make_data(n_rows=30)
    model = AdaGradClassifier(max_iter=1).partial_fit(X, np.resize(classes, 30), classes)
    model.save(tmp_path / "m")
    again = load(tmp_path / "m")
    assert again.classes_.dtype == classes.dtype
    np.testing.assert_array_equal(again.classes_, classes)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


@pytest.mark.parametrize(
    "parameters",
    [
        {"dtype": np.float32},
        {"dtype": float},
        {"class_weight": {"ham": np.float64(2), "spam": 1}},
        {"learning_rate": np.float32(0.1), "max_iter": np.int64(2), "shuffle": np.True_},
        {"random_state": np.random.RandomState(1)},
    ],
    ids=str,
)
def test_parameters_of_any_type(tmp_path, parameters):
    X, _ = going_on.make_data()
    model = AdaGradClassifier(**parameters).fit(X, np.resize(["ham", "spam"], X.shape[0]))
    model.save(tmp_path / "m")
    found = load(tmp_path / "m").get_params()
    if "random_state" in parameters:
        assert found["random_state"].randint(10**9) == model.random_state.randint(10**9)
        found["random_state"] = model.random_state
    assert found == model.get_params()


def test_what_cannot_be_stored_is_named_before_anything_is_written(tmp_path):
    X, _ = going_on.make_data()
    y = np.resize(["ham", "spam"], X.shape[0])
    model = AdaGradClassifier().fit(X, y)
    for name, value in {"verbose": print, "tol": np.longdouble(1), "l1_ratio": object()}.items():
        with pytest.raises(TypeError, match=f"{name}=.* cannot be stored"):
            model.__class__(**model.get_params()).fit(X, y).set_params(**{name: value}).save(
                tmp_path / "m"
            )
    generator = np.random.RandomState(np.random.PCG64(1))
    with pytest.raises(TypeError, match="random_state"):
        model.set_params(random_state=generator).save(tmp_path / "m")

    class Mine(AdaGradClassifier):
        pass

    with pytest.raises(TypeError, match="no subclass"):
        Mine().fit(X, y).save(tmp_path / "m")
    with pytest.raises(ValueError, match="not fitted"):
        AdaGradClassifier().save(tmp_path / "m")
    with pytest.raises(ValueError, match="not fitted"):
        TextClassifier().save(tmp_path / "m")
    model.set_params(random_state=None)
    with pytest.raises(ValueError, match="need serving=True"):
        model.save(tmp_path / "m", float16=True)
    assert not any(tmp_path.iterdir())


def test_names_of_features_survive(tmp_path):
    pd = pytest.importorskip("pandas")
    X = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [0.0, 1.0, 0.0]})
    AdaGradRegressor().fit(X, [1.0, 2.0, 3.0]).save(tmp_path / "m")
    again = load(tmp_path / "m")
    assert again.feature_names_in_.tolist() == ["a", "b"]
    with pytest.raises(ValueError, match="feature names"):
        again.predict(X.rename(columns={"a": "c"}))


@pytest.mark.parametrize("mmap", [False, True])
@pytest.mark.parametrize("drop_zeros", [False, True])
@pytest.mark.parametrize("name", ["binary-comid-0.001-float32", "multiclass-rda-0.0-float64", "l1"])
def test_for_serving(tmp_path, name, mmap, drop_zeros):
    X, _ = going_on.make_data()
    model, y = next((model, y) for n, model, y in going_on.make_cases() if n == name)
    model.set_params(alpha=1e-2).fit(X, y)
    model.save(tmp_path / "m", serving=True, drop_zeros=drop_zeros)
    model.save(tmp_path / "whole")
    assert (tmp_path / "m").stat().st_size < (tmp_path / "whole").stat().st_size
    again = load(tmp_path / "m", mmap=mmap)
    np.testing.assert_array_equal(again.coef_, model.coef_)
    np.testing.assert_array_equal(again.intercept_, model.intercept_)
    np.testing.assert_array_equal(again.decision_function(X), model.decision_function(X))
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    assert (again.t_, again.n_nonzero_) == (model.t_, model.n_nonzero_)
    assert again.loss_curve_ == model.loss_curve_
    again.save(tmp_path / "again", serving=True)
    np.testing.assert_array_equal(load(tmp_path / "again").coef_, model.coef_)
    before = again.predict(X)
    for go_on in (again.fit, again.partial_fit):
        with pytest.raises(ValueError, match="saved for serving"):
            go_on(X, y)
    with pytest.raises(ValueError, match="saved for serving"):
        again.save(tmp_path / "again")
    with pytest.raises(AttributeError, match="no accumulators"):
        _ = again.sum_sq_grad_
    np.testing.assert_array_equal(again.predict(X), before)
    again.set_params(warm_start=False).fit(X, y)
    assert again.sum_sq_grad_.shape == model.coef_.shape


@pytest.mark.parametrize("mmap", [False, True])
def test_float16_rounds_to_eleven_bits(tmp_path, mmap):
    X, _ = going_on.make_data()
    model = AdaGradClassifier(dtype="float64", random_state=0)
    model.fit(X, np.resize([1, 2, 3], X.shape[0]))
    model.save(tmp_path / "m", serving=True, float16=True)
    again = load(tmp_path / "m", mmap=mmap)
    assert again.coef_.dtype == np.float32
    np.testing.assert_array_equal(again.coef_, model.coef_.astype(np.float16))
    model._state.records[0, 0] = 1e6
    model._state._read = None
    with pytest.raises(ModelFileError, match="float16 cannot hold"):
        model.save(tmp_path / "n", serving=True, float16=True)
    assert not (tmp_path / "n").exists()


@pytest.mark.parametrize("options", [{}, {"drop_zeros": True}, {"float16": True}], ids=str)
@pytest.mark.parametrize("use_idf", [True, False])
def test_texts_for_serving(tmp_path, options, use_idf):
    texts, labels = going_on.make_texts()
    model = TextClassifier(n_features=2**12, use_idf=use_idf, random_state=0).fit(texts, labels)
    model.save(tmp_path / "m", serving=True, **options)
    for mmap in (False, True):
        again = load(tmp_path / "m", mmap=mmap)
        new = [*texts, "word1 unseen words", ""]
        tolerance = 1e-2 if options.get("float16") else 0
        np.testing.assert_allclose(again.predict_proba(new), model.predict_proba(new), tolerance)
        with pytest.raises(ValueError, match="saved for serving"):
            again.partial_fit(texts, labels)


def test_a_mapped_model_outlives_its_file(tmp_path):
    X, y = sp.eye_array(5000, format="csr"), np.resize(["ham", "spam"], 5000)
    model = AdaGradClassifier(max_iter=1).fit(X, y)
    model.save(tmp_path / "m", serving=True)
    mapped = load(tmp_path / "m", mmap=True)
    assert not mapped.coef_.flags.writeable
    AdaGradClassifier(max_iter=3).fit(X, y[::-1]).save(tmp_path / "m", serving=True)
    np.testing.assert_array_equal(mapped.coef_, model.coef_)


def test_drawn_seeds_are_kept_when_a_fit_goes_on(text_like):
    """Without a number as random_state too, epochs by halves have the orders of one go."""
    X, y = text_like
    common = {"tol": None, "warm_start": True}
    for random_state in (None, 5):
        np.random.seed(5)  # noqa: NPY002
        make = np.random.RandomState if random_state else lambda _: None
        halves = AdaGradClassifier(max_iter=2, random_state=make(random_state), **common)
        halves.fit(X, y).fit(X, y)
        np.random.seed(5)  # noqa: NPY002
        one_go = AdaGradClassifier(max_iter=4, random_state=make(random_state), **common).fit(X, y)
        np.testing.assert_array_equal(halves.coef_, one_go.coef_)


@pytest.mark.parametrize("options", [{}, {"serving": True}], ids=str)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_model_that_would_not_load_is_not_saved(tmp_path, options, value):
    X, _ = going_on.make_data()
    model = AdaGradClassifier(random_state=0).fit(X, np.resize([1, 2], X.shape[0]))
    model.save(tmp_path / "m", **options)
    before = (tmp_path / "m").read_bytes()
    model._state.records[3, 0] = value
    model._state._read = None
    with pytest.raises(ModelFileError, match="NaN or infinity, so nothing was saved"):
        model.save(tmp_path / "m", **options)
    assert (tmp_path / "m").read_bytes() == before


def test_more_columns_than_a_file_can_name(tmp_path, monkeypatch):
    """Columns are named one by one by 32 bits; a state of more is saved with all of them."""
    monkeypatch.setattr("fastada.persistence.linear.LARGEST_COLUMN", 20)
    X, _ = going_on.make_data()
    assert X.shape[1] > 20
    model = AdaGradClassifier(random_state=0).fit(X, np.resize([1, 2], X.shape[0]))
    for options in ({}, {"serving": True}):
        model.save(tmp_path / "m", **options)
        np.testing.assert_array_equal(load(tmp_path / "m").coef_, model.coef_)
    with pytest.raises(ModelFileError, match="save without it"):
        model.save(tmp_path / "n", serving=True, drop_zeros=True)
    assert not (tmp_path / "n").exists()
