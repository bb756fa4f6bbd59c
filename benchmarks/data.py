"""What the benchmarks learn: text-like rows made up here, and real text where it is at hand."""

import gzip
import lzma
import os
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from fastada.text import HashingVectorizer

# The sizes that take minutes are for whoever asks for them.
FULL = os.environ.get("FASTADA_BENCH_FULL", "0") not in ("", "0")
COLUMN_BITS = (14, 16, 18, 20, 22, 24) if FULL else (14, 20)
DTYPES = ("float32", "float64") if FULL else ("float32",)
N_ROWS = 100_000 if FULL else 10_000
OPENERS = {"xz": lzma.open, "gz": gzip.open}
# docs/benchmarks.md says what is in it.
REAL_DATA = Path(os.environ.get("FASTADA_DATA") or Path(__file__).parents[2] / "shared" / "data")

ZIPF_EXPONENT = 1.1
TOKENS_PER_ROW = 77


def zipf_rows(n_rows, n_columns, dtype=np.float32, tokens_per_row=TOKENS_PER_ROW, seed=0):
    """Rows of unit norm: log(1 + count) of words drawn by Zipf's law, hashed over the columns.

    77 tokens make about 57 distinct entries a row when there are 2^20 columns.
    """
    rng = np.random.default_rng(seed)
    lengths = np.maximum(1, rng.poisson(tokens_per_row, n_rows))
    share = np.arange(1, n_columns + 1) ** -ZIPF_EXPONENT
    cumulative = np.cumsum(share) / share.sum()
    # Sorting the draws first makes the search in `cumulative` one walk through memory.
    draws = rng.random(lengths.sum())
    order = np.argsort(draws)
    words = np.empty(len(draws), np.int64)
    words[order] = np.searchsorted(cumulative, draws[order]).clip(max=n_columns - 1)
    column_of_word = rng.permutation(n_columns)
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    X = sp.csr_array(
        (np.ones(len(words)), column_of_word[words], indptr), shape=(n_rows, n_columns)
    )
    X.sum_duplicates()
    X.data = np.log1p(X.data)
    norms = np.sqrt(np.add.reduceat(X.data**2, X.indptr[:-1]))
    X.data = (X.data / np.repeat(norms, np.diff(X.indptr))).astype(dtype)
    X.indices, X.indptr = X.indices.astype(np.int32), X.indptr.astype(np.int32)
    return X


def labels_of(X, n_classes=2, seed=1):
    """Classes drawn from a linear model of the columns that occur."""
    rng = np.random.default_rng(seed)
    columns, place = np.unique(X.indices, return_inverse=True)
    compact = sp.csr_array((X.data, place, X.indptr), shape=(X.shape[0], len(columns)))
    n_directions = 1 if n_classes == 2 else n_classes
    margins = compact @ (4 * rng.standard_normal((len(columns), n_directions), np.float32))
    if n_classes == 2:
        return (margins[:, 0] + rng.logistic(size=len(margins)) > 0).astype(np.int64)
    return np.argmax(margins + rng.gumbel(size=margins.shape), axis=1)


def synthetic(n_rows, n_columns, n_classes=2):
    """A fifth held out: (X_train, X_test, y_train, y_test)."""
    X = zipf_rows(n_rows, n_columns)
    y = labels_of(X, n_classes)
    n_train = n_rows * 4 // 5
    return X[:n_train], X[n_train:], y[:n_train], y[n_train:]


def real_text(name):
    """Hashed tf-idf of words and bigrams, 2^20 columns: (X_train, X_test, y_train, y_test).

    Raises NotImplementedError, by which asv skips, where the data set is not at hand.
    """
    parts = []
    for part in ("train", "test"):
        found = [REAL_DATA / name / f"{part}.tsv.{ending}" for ending in OPENERS]
        path = next((path for path in found if path.exists()), None)
        if path is None:
            raise NotImplementedError(
                f"the data set {name} is not in {REAL_DATA}; FASTADA_DATA names another folder"
            )
        opener = OPENERS[path.suffix[1:]]
        with opener(path, "rt", encoding="utf-8", newline="\n") as lines:
            rows = [line.rstrip("\n").split("\t", 1) for line in lines]
        parts.append(([text for _, text in rows], np.array([label for label, _ in rows])))
    (train, y_train), (test, y_test) = parts
    order = np.random.default_rng(0).permutation(len(y_train))
    X_train, X_test, y_train, y_test = vectors_of_texts(train, test, y_train, y_test)
    return X_train[order], X_test, y_train[order], y_test


def vectors_of_texts(train, test, y_train, y_test):
    """Hashed tf-idf of words and bigrams, 2^20 columns, beside the labels."""
    vectorizer = HashingVectorizer(
        ngram_range=(1, 2),
        alternate_sign=False,
        use_idf=True,
        sublinear_tf=True,
        dtype=np.float32,
    )
    return vectorizer.fit_transform(train), vectorizer.transform(test), y_train, y_test
