"""Every bit of the matrix against scikit-learn's, on any text."""

import sys
import unicodedata

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import HashingVectorizer as Reference

from fastada.text import HashingVectorizer

from .common import SPECIAL, assert_same

TEXT = st.one_of(
    st.text(max_size=60),
    st.text(st.sampled_from(SPECIAL), max_size=60),
    st.text(st.sampled_from("ab Σσİ\u0301é日 \n"), max_size=60),
    st.text(st.characters(codec="ascii"), max_size=200),
    st.lists(st.text(st.sampled_from("abcdefgh"), min_size=1, max_size=20), max_size=20).map(
        " ".join
    ),
)
DOCUMENTS = st.lists(TEXT, min_size=1, max_size=6)
PARAMETERS = st.fixed_dictionaries(
    {
        "analyzer": st.sampled_from(["word", "char", "char_wb"]),
        "ngram_range": st.tuples(st.integers(1, 5), st.integers(0, 3)).map(
            lambda r: (r[0], r[0] + r[1])
        ),
        "lowercase": st.booleans(),
        "norm": st.sampled_from(["l1", "l2", None]),
        "alternate_sign": st.booleans(),
        "binary": st.booleans(),
        "dtype": st.sampled_from([np.float32, np.float64]),
        "n_features": st.sampled_from([1, 2, 7, 1000, 1 << 10, 1 << 20, 3**12, 2**31 - 1]),
        "strip_accents": st.sampled_from([None, None, None, "ascii", "unicode"]),
    }
)


def check(documents, **parameters):
    assert_same(
        HashingVectorizer(**parameters).transform(documents),
        Reference(**parameters).transform(documents),
    )


@settings(max_examples=400)
@given(DOCUMENTS, PARAMETERS)
def test_equals_scikit_learn(documents, parameters):
    check(documents, **parameters)


@pytest.mark.parametrize("lowercase", [True, False])
@pytest.mark.parametrize("analyzer", ["word", "char", "char_wb"])
def test_every_code_point(analyzer, lowercase):
    """Each once among letters and once alone, so that class, case and length all show."""
    step = 1 if analyzer == "word" else 3
    points = (chr(c) for c in range(0, sys.maxunicode + 1, step) if not 0xD800 <= c < 0xE000)
    documents = []
    chunk = []
    for point in points:
        if not unicodedata.category(point).startswith(("Cn", "Co")) or ord(point) % 64 == 0:
            chunk.append(f"ab{point}c {point}")
        if len(chunk) == 256:
            documents.append("\n".join(chunk))
            chunk = []
    check(documents, analyzer=analyzer, lowercase=lowercase, dtype=np.float32, norm=None)


@settings(max_examples=100)
@given(
    st.lists(
        st.text(st.one_of(st.characters(), st.characters(categories=["Cs"])), max_size=8),
        min_size=1,
        max_size=3,
    ),
    st.sampled_from(["word", "char", "char_wb"]),
    st.integers(1, 4),
    st.booleans(),
)
@example(["\ud800"], "char", 2, True)
@example(["ab\ud800Σ"], "word", 1, True)
def test_surrogates(documents, analyzer, n, lowercase):
    """No letters to the word analyser; the others cannot encode them."""
    parameters = {"analyzer": analyzer, "ngram_range": (n, n), "lowercase": lowercase}
    outcomes = []
    for vectorizer in (HashingVectorizer(**parameters), Reference(**parameters)):
        try:
            outcomes.append(vectorizer.transform(documents))
        except UnicodeEncodeError as error:
            outcomes.append(str(error))
    if isinstance(outcomes[1], str):
        assert outcomes[0] == outcomes[1]
    else:
        assert_same(*outcomes)
