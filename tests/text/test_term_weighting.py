"""tf-idf inside the vectoriser against the pipeline of scikit-learn that it stands for."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import HashingVectorizer as Reference
from sklearn.feature_extraction.text import TfidfTransformer, TfidfVectorizer
from sklearn.pipeline import make_pipeline

from fastada.text import HashingVectorizer

from .common import assert_same

WORDS = st.lists(
    st.sampled_from(["the", "cat", "sat", "on", "mat", "and", "dog", "ate", "it", "là"]),
    max_size=40,
)
DOCUMENTS = st.lists(WORDS.map(" ".join), min_size=1, max_size=8)

WEIGHTINGS = {
    "norm": st.sampled_from(["l1", "l2", None]),
    "dtype": st.sampled_from([np.float32, np.float64]),
    "smooth_idf": st.booleans(),
    "sublinear_tf": st.booleans(),
}


def pipeline(sublinear_tf=False, use_idf=True, smooth_idf=True, norm="l2", **parameters):
    return make_pipeline(
        Reference(norm=None, **parameters),
        TfidfTransformer(
            norm=norm, use_idf=use_idf, smooth_idf=smooth_idf, sublinear_tf=sublinear_tf
        ),
    )


@settings(max_examples=300)
@given(
    DOCUMENTS,
    DOCUMENTS,
    st.fixed_dictionaries(
        {
            **WEIGHTINGS,
            "use_idf": st.booleans(),
            "alternate_sign": st.booleans(),
            "binary": st.booleans(),
            "n_features": st.sampled_from([3, 64, 1 << 20]),
            "ngram_range": st.sampled_from([(1, 1), (1, 2)]),
            "stop_words": st.sampled_from([None, ["the"]]),  # scikit-learn's code with our weights
        }
    ),
)
def test_equals_the_pipeline(train, test, parameters):
    assume(not (parameters["sublinear_tf"] and parameters["alternate_sign"]))
    reference, vectorizer = pipeline(**parameters), HashingVectorizer(**parameters)
    with np.errstate(divide="ignore"):
        expected = reference.fit_transform(train)
    assert_same(vectorizer.fit_transform(train), expected)
    assert_same(vectorizer.fit(train).transform(train), expected)
    if parameters["use_idf"]:
        assert vectorizer.idf_.dtype == reference[1].idf_.dtype
        np.testing.assert_array_equal(vectorizer.idf_, reference[1].idf_)
    try:
        with np.errstate(invalid="ignore"):  # infinities of both signs
            expected = reference.transform(test)
    except ValueError:
        with pytest.raises(ValueError, match="smooth_idf=True"):
            vectorizer.transform(test)
    else:
        assert_same(vectorizer.transform(test), expected)


@settings(max_examples=100)
@given(
    DOCUMENTS,
    DOCUMENTS,
    st.fixed_dictionaries(WEIGHTINGS),
    st.sampled_from([64, 1 << 20]),  # columns more and less than twice the documents
)
def test_without_unseen_ngrams_equals_a_vocabulary(train, test, parameters, n_features):
    assume(any(train))
    vectorizer = HashingVectorizer(
        use_idf=True,
        weight_unseen=False,
        alternate_sign=False,
        n_features=n_features,
        **parameters,
    )
    reference = TfidfVectorizer(**parameters).fit(train)
    names = reference.get_feature_names_out()
    columns = HashingVectorizer(n_features=n_features).transform(names).indices
    assume(len(set(columns)) == len(names))
    for fit_transform in (vectorizer.fit_transform, lambda X: vectorizer.fit(X).transform(X)):
        found = fit_transform(train).toarray()
        np.testing.assert_allclose(
            found[:, columns], reference.transform(train).toarray(), rtol=1e-6
        )
    found = vectorizer.transform(test).toarray()
    np.testing.assert_allclose(found[:, columns], reference.transform(test).toarray(), rtol=1e-6)
    found[:, columns] = 0
    assert not found.any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_counts(dtype):
    """Beyond the table of logarithms that a vectoriser starts with."""
    documents = ["aa " * 70_000 + "bb " * 300, "cc " * 255 + "dd " * 256, "aa"]
    parameters = {"sublinear_tf": True, "alternate_sign": False, "dtype": dtype}
    expected = pipeline(**parameters).fit_transform(documents)
    vectorizer = HashingVectorizer(use_idf=True, **parameters)
    assert_same(vectorizer.fit_transform(documents), expected)
    assert_same(vectorizer.transform(documents), expected)


def test_partial_fit_learns_what_fit_learns():
    documents = ["a cat", "the cat sat", "on the mat", "the end"]
    whole = HashingVectorizer(use_idf=True).fit(documents)
    parts = HashingVectorizer(use_idf=True).partial_fit(documents[:1]).partial_fit(documents[1:])
    np.testing.assert_array_equal(parts.idf_, whole.idf_)
    assert parts.n_documents_ == 4
    assert whole.fit(documents[:2]).n_documents_ == 2


def test_needs_fit():
    with pytest.raises(NotFittedError):
        HashingVectorizer(use_idf=True).transform(["a cat"])


@pytest.mark.parametrize("method", ["fit", "partial_fit", "fit_transform", "transform"])
def test_logarithms_of_signed_counts_are_refused(method):
    with pytest.raises(ValueError, match="alternate_sign=False"):
        getattr(HashingVectorizer(sublinear_tf=True), method)(["a cat"])


def test_one_pass_over_a_generator():
    documents = ["a cat", "the cat sat", "on the mat"]
    vectorizer = HashingVectorizer(use_idf=True)
    assert_same(
        vectorizer.fit_transform(document for document in documents),
        pipeline().fit_transform(documents),
    )


def test_a_fit_that_fails_changes_nothing():
    vectorizer = HashingVectorizer(use_idf=True).fit(["a cat", "a dog"])
    before = vectorizer.transform(["the cat"])
    for fit in (vectorizer.fit, vectorizer.partial_fit):
        with pytest.raises((TypeError, AttributeError)):
            fit(["fine", 1])
        assert vectorizer.n_documents_ == 2
        assert vectorizer.document_frequency_.sum() == 2
        np.testing.assert_array_equal(vectorizer.transform(["the cat"]).data, before.data)
