"""The vectoriser among scikit-learn's tools, and the parameters left to scikit-learn's own code."""

import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import HashingVectorizer as Reference
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from fastada.text import HashingVectorizer

from .common import assert_same

DOCUMENTS = ["The cat sat", "on the mat.", "A dog's life", "", "naïve café ΣΑΣ"] * 4


def split_on_space(text):
    return text.split(" ")


@pytest.mark.parametrize(
    "parameters",
    [
        {"token_pattern": r"(?u)\b\w+\b"},
        {"token_pattern": r"\w(\w)\w"},
        {"tokenizer": split_on_space, "token_pattern": None},
        {"preprocessor": str.upper},
        {"analyzer": split_on_space},
        {"strip_accents": str.swapcase},
        {"stop_words": ["the", "on"], "ngram_range": (1, 2)},
        {"stop_words": "english"},
        {"dtype": np.int64, "norm": None},
        {"analyzer": "char", "ngram_range": (0, 2)},
        {"ngram_range": (0, 2)},
        {"n_features": np.int64(100), "ngram_range": (np.int32(1), np.int32(2))},
    ],
)
def test_every_parameter(parameters):
    for method in ("fit_transform", "transform"):
        assert_same(
            getattr(HashingVectorizer(**parameters), method)(DOCUMENTS),
            getattr(Reference(**parameters), method)(DOCUMENTS),
        )


@pytest.mark.parametrize(
    "parameters",
    [
        {"n_features": 0},
        {"n_features": 2**31},
        {"n_features": 10.0},
        {"ngram_range": (2, 1)},
        {"ngram_range": [1, 2]},
        {"analyzer": "words"},
        {"norm": "max"},
        {"input": "url"},
        {"strip_accents": "all"},
        {"stop_words": "german"},
    ],
)
def test_parameters_out_of_range(parameters):
    with pytest.raises(ValueError) as expected:  # noqa: PT011
        Reference(**parameters).fit_transform(DOCUMENTS)
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        HashingVectorizer(**parameters).fit_transform(DOCUMENTS)
    assert str(caught.value).split(".")[0] == str(expected.value).split(".")[0]


@pytest.mark.parametrize("parameters", [{"n_jobs": 0}, {"n_jobs": 1.5}, {"use_idf": "yes"}])
def test_own_parameters_out_of_range(parameters):
    (name,) = parameters
    with pytest.raises(ValueError, match=name):
        HashingVectorizer(**parameters).fit_transform(DOCUMENTS)


def test_unused_parameters_warn_as_in_scikit_learn():
    with pytest.warns(UserWarning, match="'stop_words' will not be used"):
        HashingVectorizer(analyzer="char", stop_words=["a"]).fit(DOCUMENTS)


def test_parameters_are_scikit_learns_and_ours():
    ours = HashingVectorizer().get_params()
    reference = Reference().get_params()
    assert {name: ours[name] for name in reference} == reference
    assert set(ours) - set(reference) == {
        "use_idf", "smooth_idf", "weight_unseen", "sublinear_tf", "n_jobs"
    }  # fmt: skip
    assert not hasattr(HashingVectorizer(), "get_feature_names_out")
    assert isinstance(HashingVectorizer(), Reference)


def test_clone_and_pickle():
    vectorizer = HashingVectorizer(ngram_range=(1, 2), use_idf=True, n_jobs=2).fit(DOCUMENTS)
    assert clone(vectorizer).get_params() == vectorizer.get_params()
    assert not hasattr(clone(vectorizer), "idf_")
    copy = pickle.loads(pickle.dumps(vectorizer))
    assert_same(copy.transform(DOCUMENTS), vectorizer.transform(DOCUMENTS))


@pytest.mark.parametrize("interface", ["sparray", "spmatrix"])
def test_sparse_interface(interface):
    try:
        context = config_context(sparse_interface=interface)
        with context:
            assert_same(HashingVectorizer().transform(DOCUMENTS), Reference().transform(DOCUMENTS))
    except TypeError:
        pytest.skip("this scikit-learn has one sparse interface")


def test_pipeline_grid_search_and_column_transformer():
    y = np.arange(len(DOCUMENTS)) % 2
    search = GridSearchCV(
        make_pipeline(HashingVectorizer(n_features=64), LogisticRegression()),
        {"hashingvectorizer__ngram_range": [(1, 1), (1, 2)]},
        cv=2,
    )
    assert search.fit(DOCUMENTS, y).predict(DOCUMENTS).shape == y.shape
    frame = pd.DataFrame({"text": DOCUMENTS, "title": DOCUMENTS[::-1], "y": y})
    columns = ColumnTransformer(
        [("text", HashingVectorizer(), "text"), ("title", HashingVectorizer(), "title")]
    )
    reference = ColumnTransformer([("text", Reference(), "text"), ("title", Reference(), "title")])
    difference = columns.fit_transform(frame) != reference.fit_transform(frame)
    assert difference.nnz == 0


def test_import_leaves_scikit_learn_alone():
    code = (
        "import sys, fastada.text, fastada.text.ngrams, fastada.text.documents\n"
        "print(sorted({'sklearn', 'scipy', 'pyarrow', 'pandas'} & set(sys.modules)))\n"
        "print(fastada.text.HashingVectorizer.__name__)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split("\n")[:2] == ["[]", "HashingVectorizer"]


def test_unknown_attribute():
    import fastada.text

    assert "HashingVectorizer" in dir(fastada.text)
    with pytest.raises(AttributeError, match="Nothing"):
        _ = fastada.text.Nothing
