import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import HashingVectorizer as Reference

from fastada import TextClassifier
from fastada.text import HashingVectorizer
from fastada.text_scoring import scorer_of
from tests.text.common import SPECIAL

DOCUMENTS = ["the ship sails", "the bird flies", "THE light, the heat", "", "a ship"] * 3
LABELS = {2: ["sea", "sky", "sky", "sea", "sea"] * 3, 3: ["sea", "sky", "sun", "sky", "sea"] * 3}

texts = st.text(st.sampled_from(SPECIAL), max_size=60) | st.text("ab ", max_size=300)
documents = st.lists(texts | texts.map(lambda text: text.encode()), min_size=1, max_size=5)
ngrams = st.tuples(st.integers(1, 3), st.integers(0, 2)).map(lambda n: (n[0], n[0] + n[1]))
vectorizers = st.builds(
    HashingVectorizer,
    analyzer=st.sampled_from(["word", "char", "char_wb"]),
    ngram_range=ngrams,
    n_features=st.sampled_from([1, 7, 256, 2**20]),
    lowercase=st.booleans(),
    strip_accents=st.sampled_from([None, "ascii", "unicode"]),
    binary=st.booleans(),
    norm=st.sampled_from([None, "l1", "l2"]),
    alternate_sign=st.booleans(),
    dtype=st.sampled_from([np.float32, np.float64]),
    n_jobs=st.sampled_from([None, 2]),
)
n_outputs = st.sampled_from([1, 2, 5])


def random_model(vectorizer, n_outputs):
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(vectorizer.n_features, n_outputs)).astype(vectorizer.dtype)
    return weights, rng.normal(size=n_outputs)


@settings(deadline=None)
@given(documents, vectorizers, n_outputs)
def test_equals_scikit_learns_matrix_times_the_weights(documents, vectorizer, n_outputs):
    weights, intercepts = random_model(vectorizer, n_outputs)
    names = Reference._get_param_names()
    reference = Reference(**{name: getattr(vectorizer, name) for name in names})
    X = reference.transform(documents).astype(np.float64)
    expected = X @ weights.astype(np.float64) + intercepts
    found = scorer_of(vectorizer, weights, intercepts).margins(documents)
    assert found.dtype == vectorizer.dtype
    # Rounding is relative to what was added up.
    scale = 1 + abs(X).sum(axis=1).max() * abs(weights).max()
    eps = np.finfo(vectorizer.dtype).eps
    np.testing.assert_allclose(found, expected, rtol=0, atol=300 * eps * scale)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("multi_class", ["ovr", "multinomial"])
@pytest.mark.parametrize("use_idf", [False, True])
@pytest.mark.parametrize("sublinear_tf", [False, True])
@pytest.mark.parametrize("analyzer", ["word", "char", "char_wb"])
def test_same_bits_as_through_a_matrix(n_classes, multi_class, use_idf, sublinear_tf, analyzer):
    model = TextClassifier(
        analyzer=analyzer,
        n_features=2**10,
        use_idf=use_idf,
        sublinear_tf=sublinear_tf,
        multi_class=multi_class,
        alpha=1e-3,
        random_state=0,
    ).fit(DOCUMENTS, LABELS[n_classes])
    # The last count lies beyond the table of logarithms.
    X = [*DOCUMENTS, "new words: İstanbul, ΣΑΣ", b"bytes", "ship " * 1000]
    for vectorizer in ({}, {"norm": "l1"}, {"norm": None}, {"binary": True}, {"n_jobs": 2}):
        model.vectorizer_.set_params(**vectorizer)
        matrix = model.vectorizer_.transform(X)
        for method in ("decision_function", "predict", "predict_proba"):
            expected = getattr(model.classifier_, method)(matrix)
            found = getattr(model, method)(X)
            assert found.dtype == expected.dtype
            np.testing.assert_array_equal(found, expected)


def test_takes_columns_of_strings():
    model = TextClassifier(n_features=2**10).fit(DOCUMENTS, LABELS[3])
    expected = model.predict_proba(DOCUMENTS)
    np.testing.assert_array_equal(model.predict_proba(iter(DOCUMENTS)), expected)
    np.testing.assert_array_equal(model.predict_proba(np.array(DOCUMENTS)), expected)
    pa = pytest.importorskip("pyarrow")
    np.testing.assert_array_equal(model.predict_proba(pa.array(DOCUMENTS)), expected)


def test_what_the_kernels_do_not_do_goes_through_a_matrix():
    model = TextClassifier(n_features=2**10, analyzer=str.split)
    with pytest.warns(UserWarning, match="analyzer' is callable"):
        model.fit(DOCUMENTS, LABELS[2])
    assert model.predict(["THE light,"]) == ["sky"]
    native = TextClassifier(n_features=2**10).fit(DOCUMENTS, LABELS[2])
    before = native.decision_function(DOCUMENTS)
    native.vectorizer_.set_params(dtype=np.float64)
    np.testing.assert_allclose(native.decision_function(DOCUMENTS), before, rtol=1e-5, atol=1e-6)
    native.vectorizer_.set_params(smooth_idf=False, weight_unseen=True)
    native.vectorizer_.fit(["other words"])
    with pytest.raises(ValueError, match="has not seen"):
        native.predict(["the ship"])


def test_learning_on_changes_what_follows():
    model = TextClassifier(n_features=2**10).partial_fit(DOCUMENTS, LABELS[2], ["sea", "sky"])
    first = model.decision_function(["the ship"])
    model.partial_fit(["the ship"] * 20, ["sky"] * 20)
    assert model.decision_function(["the ship"]) > first
    matrix = model.vectorizer_.transform(["the ship"])
    np.testing.assert_array_equal(
        model.decision_function(["the ship"]), model.classifier_.decision_function(matrix)
    )
    model.fit(DOCUMENTS, LABELS[3])
    assert model.predict_proba(["the ship"]).shape == (1, 3)


def test_texts_are_refused_as_by_the_vectoriser():
    model = TextClassifier(n_features=2**10).fit(DOCUMENTS, LABELS[2])
    for bad in ([], [None], ["fine", 1], [b"\xff"], "one text"):
        with pytest.raises((ValueError, TypeError, AttributeError)) as found:
            model.predict(bad)
        if bad != "one text":
            with pytest.raises(found.type) as expected:
                model.vectorizer_.transform(bad)
            assert str(found.value) == str(expected.value)
    assert model.predict(["the ship"]) == ["sea"]
    with pytest.raises(ValueError, match="not fitted"):
        TextClassifier().predict(["the ship"])


def test_threads_may_share_a_model():
    model = TextClassifier(n_features=2**10).fit(DOCUMENTS, LABELS[3])
    inputs = [[f"the ship {i} sails " * (1 + i % 7)] for i in range(400)]
    expected = [model.predict_proba(text) for text in inputs]
    with ThreadPoolExecutor(8) as pool:
        np.testing.assert_array_equal(list(pool.map(model.predict_proba, inputs)), expected)


def test_scoring_leaves_no_trace_in_what_is_pickled():
    model = TextClassifier(n_features=2**10).fit(DOCUMENTS, LABELS[3])
    before = pickle.dumps(model)
    expected = model.predict_proba(DOCUMENTS)
    assert len(pickle.dumps(model)) == len(before)
    np.testing.assert_array_equal(pickle.loads(before).predict_proba(DOCUMENTS), expected)
