"""Many documents, long documents, many scripts, threads."""

import lzma
import pydoc_data.topics
from itertools import islice

import numpy as np
import pyarrow as pa
import pytest
from sklearn.feature_extraction.text import HashingVectorizer as Reference

from fastada.text import HashingVectorizer

from .common import assert_same

PROSE = list(pydoc_data.topics.topics.values())


def read(path, limit):
    if not path.exists():
        pytest.skip(f"{path.parent.name} is not among the data sets at hand")
    with lzma.open(path, "rt", encoding="utf-8", newline="\n") as file:
        return [line.rstrip("\n").split("\t", 1)[1] for line in islice(file, limit)]


@pytest.mark.parametrize("n_jobs", [1, 2, 3, -1])
@pytest.mark.parametrize("use_idf", [False, True])
def test_threads_change_no_bit(n_jobs, use_idf):
    documents = [line for topic in PROSE for line in topic.split("\n\n")] * 3
    parameters = {"ngram_range": (1, 2), "use_idf": use_idf, "dtype": np.float32}
    one = HashingVectorizer(**parameters)
    several = HashingVectorizer(n_jobs=n_jobs, **parameters)
    expected = one.fit_transform(documents)
    for columns in (documents, iter(documents), pa.array(documents)):
        assert_same(several.fit_transform(columns), expected)


def test_threads_change_no_bit_where_later_documents_are_longer():
    words = " ".join(PROSE)[:100_000].split(" ")
    short = [words[i] for i in range(5_000)]
    documents = [*short, *([" ".join(words)] * 12), *short, " ".join(words * 3)]
    expected = HashingVectorizer(ngram_range=(1, 2)).transform(documents)
    for columns in (documents, iter(documents)):
        found = HashingVectorizer(ngram_range=(1, 2), n_jobs=2).transform(columns)
        assert_same(found, expected)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_giant_ahead_of_many_short_documents(n_jobs):
    """All documents like the first would take more memory than most machines have."""
    giant = " ".join(str(number) for number in range(10, 700_000))
    vectorizer = HashingVectorizer(n_features=2**22, n_jobs=n_jobs)
    found = vectorizer.transform([giant, *(["good film"] * 20_000)])
    assert_same(found[:1], vectorizer.transform([giant]))
    assert (np.diff(found.indptr)[1:] == 2).all()
    assert_same(found[[1, 20_000]], vectorizer.transform(["good film"] * 2))


@pytest.mark.parametrize(
    "parameters",
    [
        {"ngram_range": (1, 2)},
        {"ngram_range": (1, 3), "n_features": 2**31 - 1, "dtype": np.float32},
        {"ngram_range": (2, 3), "n_features": 1},
        {"analyzer": "char_wb", "ngram_range": (2, 4), "n_features": 10_007},
        {"analyzer": "char", "ngram_range": (3, 3), "norm": "l1"},
    ],
)
def test_prose(parameters):
    assert_same(
        HashingVectorizer(**parameters).transform(PROSE), Reference(**parameters).transform(PROSE)
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_document_of_5_megabytes(dtype):
    text = "\n".join(PROSE)
    text = (text * (5_000_000 // len(text) + 1))[:5_000_000]
    parameters = {"ngram_range": (1, 2), "dtype": dtype}
    assert_same(
        HashingVectorizer(**parameters).transform(["", text, "end"]),
        Reference(**parameters).transform(["", text, "end"]),
    )


def test_long_runs():
    """One word, one space, one separator, for longer than any block of the kernels."""
    documents = ["x" * 100_000, " " * 100_000, "." * 100_000, "é" * 50_000, "a b " * 30_000]
    documents += ["x" * n + " " + "y" * (130 - n) for n in range(130)]
    for analyzer in ("word", "char", "char_wb"):
        parameters = {"analyzer": analyzer, "ngram_range": (1, 2)}
        assert_same(
            HashingVectorizer(**parameters).transform(documents),
            Reference(**parameters).transform(documents),
        )


def test_documents_without_terms():
    documents = ["", " ", "a b c", "!?", "\n\t"]
    matrix = HashingVectorizer().transform(documents)
    assert_same(matrix, Reference().transform(documents))
    assert matrix.nnz == 0


@pytest.mark.parametrize(
    "parameters",
    [
        {"ngram_range": (1, 2)},
        {"analyzer": "char_wb", "ngram_range": (1, 3)},
        {"analyzer": "char", "ngram_range": (2, 3), "lowercase": False},
        {"strip_accents": "unicode"},
    ],
)
def test_many_scripts(parameters, shared_data):
    documents = read(shared_data / "lid75" / "test.tsv.xz", 15_000)[::2]
    expected = Reference(**parameters).transform(documents)
    assert_same(HashingVectorizer(**parameters).transform(documents), expected)
    assert_same(HashingVectorizer(**parameters).transform(pa.array(documents)), expected)


def test_film_reviews(shared_data):
    documents = read(shared_data / "imdb" / "train.tsv.xz", 3_000)
    parameters = {"ngram_range": (1, 2)}
    assert_same(
        HashingVectorizer(n_jobs=2, **parameters).transform(documents),
        Reference(**parameters).transform(documents),
    )
