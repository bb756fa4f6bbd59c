"""Documents of every kind give what a list of the same strings gives."""

import io

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import HashingVectorizer as Reference

from fastada.text import HashingVectorizer

from .common import SPECIAL, assert_same

DOCUMENTS = [
    "",
    "Plain text, shorter",
    "The quick brown fox jumps over the lazy dog and does it twice " * 3,
    "ΟΔΥΣΣΕΥΣ ΣΑΣ Ὀδυσσεύς",
    "İstanbul ISPARTA ışık",
    "exactly 12 b",
    "日本語 テキスト と 한국어",
    "\N{GRINNING FACE} emoji x\u0301 ",
    "",
]

COLUMNS = {
    "tuple": tuple,
    "generator": lambda documents: (document for document in documents),
    "numpy object": lambda documents: np.array(documents, dtype=object),
    "numpy str": lambda documents: np.array(documents, dtype=str),
    "numpy StringDType": lambda documents: np.array(documents, dtype=np.dtypes.StringDType()),
    "numpy reversed view": lambda documents: np.array(documents[::-1], dtype=object)[::-1],
    "numpy scalars": lambda documents: [np.str_(document) for document in documents],
    "bytes": lambda documents: [document.encode() for document in documents],
    "pandas str": lambda documents: pd.Series(documents, dtype="str"),
    "pandas object": lambda documents: pd.Series(documents, dtype=object),
    "pandas Arrow": lambda documents: pd.Series(documents, dtype=pd.ArrowDtype(pa.large_string())),
    "pandas category": lambda documents: pd.Series(documents, dtype="category"),
    "pandas index": pd.Index,
    "polars": pl.Series,
    "polars chunks": lambda documents: pl.concat(
        [pl.Series(documents[:3]), pl.Series(documents[3:])], rechunk=False
    ),
    "polars slice": lambda documents: pl.Series(["x", *documents, "y"])[1:-1],
    "polars category": lambda documents: pl.Series(documents, dtype=pl.Categorical),
    "pyarrow string": lambda documents: pa.array(documents, pa.string()),
    "pyarrow large": lambda documents: pa.array(documents, pa.large_string()),
    "pyarrow view": lambda documents: pa.array(documents, pa.string_view()),
    "pyarrow slice": lambda documents: pa.array(["x", *documents, None])[1:-1],
    "pyarrow view slice": lambda documents: pa.array(
        ["x" * 20, *documents, None], pa.string_view()
    )[1:-1],
    "pyarrow chunks": lambda documents: pa.chunked_array(
        [pa.array(documents[:2]), pa.array([], pa.string()), pa.array(documents[2:])]
    ),
}


@pytest.mark.parametrize("kind", COLUMNS)
@pytest.mark.parametrize("strip_accents", [None, "unicode"])
def test_kinds_of_columns(kind, strip_accents):
    vectorizer = HashingVectorizer(ngram_range=(1, 2), strip_accents=strip_accents)
    assert_same(vectorizer.transform(COLUMNS[kind](DOCUMENTS)), vectorizer.transform(DOCUMENTS))


@pytest.mark.parametrize("kind", ["pyarrow view", "polars", "pandas str"])
@pytest.mark.parametrize(
    "parameters", [{"token_pattern": r"\w+"}, {"encoding": "latin-1"}, {"stop_words": ["the"]}]
)
def test_columns_are_utf8_to_every_code_path(kind, parameters):
    vectorizer = HashingVectorizer(**parameters)
    assert_same(vectorizer.transform(COLUMNS[kind](DOCUMENTS)), vectorizer.transform(DOCUMENTS))


@settings(max_examples=60)
@given(
    st.lists(
        st.text(
            st.one_of(st.sampled_from(SPECIAL), st.characters(exclude_categories=["Cs"])),
            max_size=30,
        ),
        min_size=1,
    ),
    st.sampled_from([pa.string(), pa.large_string(), pa.string_view()]),
    st.booleans(),
)
def test_arrow_equals_list(documents, kind, lowercase):
    vectorizer = HashingVectorizer(analyzer="char_wb", ngram_range=(1, 3), lowercase=lowercase)
    assert_same(
        vectorizer.transform(pa.array(documents, kind)),
        Reference(**_shared(vectorizer)).transform(documents),
    )


def _shared(vectorizer):
    names = Reference().get_params()
    return {name: value for name, value in vectorizer.get_params().items() if name in names}


class ArrayOnly:
    """Has the array protocol, not the stream's."""

    def __init__(self, array):
        self.array = array

    def __arrow_c_array__(self, requested_schema=None):
        return self.array.__arrow_c_array__(requested_schema)


def test_arrow_array_protocol():
    vectorizer = HashingVectorizer()
    column = ArrayOnly(pa.array(DOCUMENTS))
    assert_same(vectorizer.transform(column), vectorizer.transform(DOCUMENTS))


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["a b", None, "c"]),
        pa.array(["x", "a b", None, "c"], pa.string_view())[1:],
        pa.chunked_array([["a b"], [None]]),
        pl.Series(["a b", None]),
        pytest.param(
            pd.Series(["a b", None], dtype="string[pyarrow]"),
            marks=pytest.mark.skipif(
                not hasattr(pd.Series, "__arrow_c_stream__"),
                reason="this pandas gives no Arrow columns, only its items",
            ),
        ),
        ArrayOnly(pa.array(["a b", None], pa.large_string())),
    ],
)
def test_nulls_are_named(column):
    with pytest.raises(ValueError, match="document 1 is null"):
        HashingVectorizer().transform(column)


@pytest.mark.parametrize(
    ("column", "what"),
    [
        (pd.DataFrame({"text": ["a b"]}), "a table"),
        (pl.DataFrame({"text": ["a b"]}), "a table"),
        (pa.table({"text": ["a b"]}), "a table"),
        (pa.array([1, 2]), "format 'l'"),
        (pl.Series([1.5]), "format 'g'"),
        (pa.array([b"a b"]), "format 'z'"),
    ],
)
def test_other_columns_are_refused(column, what):
    with pytest.raises(TypeError, match=what):
        HashingVectorizer().transform(column)


def test_invalid_utf8_in_a_column():
    """Arrow says that strings are UTF-8; not every producer looks."""
    valid = "grün".encode()
    column = pa.Array.from_buffers(
        pa.string(),
        2,
        [
            None,
            pa.py_buffer(np.array([0, len(valid), len(valid) + 4], np.int32)),
            pa.py_buffer(valid + b"a\xff b"),
        ],
    )
    with pytest.raises(UnicodeDecodeError, match="0xff"):
        HashingVectorizer().transform(column)
    vectorizer = HashingVectorizer(decode_error="replace")
    assert_same(vectorizer.transform(column), vectorizer.transform([valid, b"a\xff b"]))


# What UTF-8 forbids (overlong forms, surrogates, beyond U+10FFFF, sequences cut short) and the last
# that it allows.
PIECES = (
    b"ab| |\xc0\x80|\xc1\xbf|\xe0\x80\x80|\xed\xa0\x80|\xed\x9f\xbf|\xf0\x80\x80\x80"
    b"|\xf4\x90\x80\x80|\xf5\x80\x80\x80|\xff|\x80|\xe2\x82|\xf0\x9f\x98|\xc3|\xc3\xa9|\xe2\x82\xac|\xf4\x8f\xbf\xbf"
).split(b"|")
BYTES = st.one_of(
    st.binary(max_size=20),
    st.text(st.sampled_from(SPECIAL), max_size=8).map(lambda text: text.encode("utf-8")),
    st.lists(st.sampled_from(PIECES), max_size=8).map(b"".join),
)


@settings(max_examples=300)
@given(
    st.lists(BYTES, min_size=1, max_size=3),
    st.sampled_from(["strict", "ignore", "replace"]),
    st.sampled_from(["utf-8", "UTF8", "latin-1", "utf-16", "ascii", "utf-8-sig"]),
    st.sampled_from([None, "ascii", "unicode"]),
)
def test_bytes(documents, decode_error, encoding, strip_accents):
    parameters = {
        "decode_error": decode_error,
        "encoding": encoding,
        "strip_accents": strip_accents,
    }
    outcomes = []
    for vectorizer in (HashingVectorizer(**parameters), Reference(**parameters)):
        try:
            outcomes.append(vectorizer.transform(documents))
        except UnicodeDecodeError as error:
            outcomes.append(str(error))
    if isinstance(outcomes[1], str):
        assert outcomes[0] == outcomes[1]
    else:
        assert_same(*outcomes)


@pytest.mark.parametrize("analyzer", ["word", "char"])
@pytest.mark.parametrize("lowercase", [True, False])
@pytest.mark.parametrize("bad", [None, 3, 2.5, np.nan, ["a", "b"], object(), bytearray(b"ab")])
def test_what_is_no_document(bad, analyzer, lowercase):
    parameters = {"analyzer": analyzer, "lowercase": lowercase}
    with pytest.raises(Exception) as expected:  # noqa: PT011
        Reference(**parameters).transform(["fine", bad])
    with pytest.raises(type(expected.value)) as caught:
        HashingVectorizer(**parameters).transform(["fine", bad])
    assert str(caught.value) == str(expected.value)


@pytest.mark.parametrize("method", ["fit", "transform", "fit_transform"])
def test_one_string_is_no_collection(method):
    with pytest.raises(ValueError, match="string object received"):
        getattr(HashingVectorizer(), method)("a string")


@pytest.mark.parametrize("nothing", [[], (), np.array([], dtype=object), pa.array([], pa.string())])
@pytest.mark.parametrize("use_idf", [True, False])
def test_no_documents(nothing, use_idf):
    with pytest.raises(ValueError, match="empty"):
        HashingVectorizer(use_idf=use_idf).fit_transform(nothing)


def test_files(tmp_path):
    documents = [document.encode() for document in DOCUMENTS]
    paths = []
    for i, document in enumerate(documents):
        path = tmp_path / f"{i}.txt"
        path.write_bytes(document)
        paths.append(str(path))
    expected = HashingVectorizer().transform(DOCUMENTS)
    assert_same(HashingVectorizer(input="filename").transform(paths), expected)
    files = [io.BytesIO(document) for document in documents]
    assert_same(HashingVectorizer(input="file").transform(files), expected)
    files = [io.StringIO(document) for document in DOCUMENTS]
    assert_same(HashingVectorizer(input="file").transform(files), expected)
    with pytest.raises(FileNotFoundError):
        HashingVectorizer(input="filename").transform([str(tmp_path / "missing")])
    with pytest.raises(AttributeError):
        HashingVectorizer(input="file").transform(["not a file"])


def test_error_of_an_iterator_reaches_the_caller():
    def documents():
        yield "one"
        raise RuntimeError("the source broke")

    for n_jobs in (1, 2):
        with pytest.raises(RuntimeError, match="the source broke"):
            HashingVectorizer(n_jobs=n_jobs).transform(documents())
