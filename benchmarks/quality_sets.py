"""Real data sets for the comparison of quality: the same features for everybody.

Texts become tf-idf of words and bigrams (of character n-grams where the task is languages), hashed
to 2^20 columns, sublinear, rows of unit norm; vectors are taken as they are written. Columns that
do not occur in training are dropped, which no model notices. Of several labels the first counts.
"""

import gzip
import io
import lzma
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.datasets import load_svmlight_file

from benchmarks.data import REAL_DATA
from fastada.text import HashingVectorizer

LANGUAGES = {"analyzer": "char_wb", "ngram_range": (1, 3)}


@dataclass(frozen=True)
class Source:
    """Where a set's rows are, and how many of them (drawn by a fixed seed) take part."""

    train: str
    test: str | None = None
    text: dict[str, Any] = field(default_factory=dict)
    n_train: int | None = None
    n_test: int | None = None

    @property
    def is_text(self) -> bool:
        return ".tsv" in self.train


# Smallest first. A test part that is missing is every fifth row of the training part.
SOURCES = {
    "rcv1_small": Source("rcv1_small/train.svm.gz", "rcv1_small/test.svm.gz"),
    "sms_spam": Source("sms_spam/train.tsv.gz", "sms_spam/test.tsv.gz"),
    "trec_qc_fine": Source("trec_qc_fine/train.tsv.gz", "trec_qc_fine/test.tsv.gz"),
    "a9a": Source("a9a/train.svm.gz", "a9a/test.svm.gz"),
    "w8a": Source("w8a/train.svm.gz"),
    "r8": Source("r8/train.tsv.gz", "r8/test.tsv.gz"),
    "amazon_mds_svm": Source("amazon_mds_svm/train.svm.gz", "amazon_mds_svm/test.svm.gz"),
    "banking77": Source("banking77/train.tsv.gz", "banking77/test.tsv.gz"),
    "enron_spam": Source("enron_spam/train.tsv.xz", "enron_spam/test.tsv.xz"),
    "imdb": Source("imdb/train.tsv.xz", "imdb/test.tsv.xz"),
    "reuters21578": Source("reuters21578/train.tsv.xz", "reuters21578/test.tsv.xz"),
    "20news": Source("20news/train.tsv.xz", "20news/test.tsv.xz"),
    "20news.body": Source("20news/train.body.tsv.xz", "20news/test.body.tsv.xz"),
    "cooking": Source("cooking/train.tsv.gz", "cooking/test.tsv.gz"),
    "lid75": Source("lid75/train.tsv.xz", "lid75/test.tsv.xz", LANGUAGES, 10_000, 5_000),
    "arxiv_titles": Source(
        "arxiv_titles/train.tsv.xz", "arxiv_titles/test.tsv.xz", n_train=25_000, n_test=10_000
    ),
}
QUICK = ("rcv1_small", "sms_spam", "trec_qc_fine", "r8")


@dataclass(frozen=True)
class Split:
    """X is CSR or a list of texts; y holds 0, 1, ... by the classes that occur in training."""

    X_train: Any
    X_test: Any
    y_train: np.ndarray
    y_test: np.ndarray


def available():
    return [name for name, source in SOURCES.items() if (REAL_DATA / source.train).exists()]


def texts_of(name):
    """The split of a text set, as text."""
    source = SOURCES[name]
    texts, y = _read_texts(REAL_DATA / source.train)
    texts_test, y_test = _read_texts(REAL_DATA / source.test)
    train = _drawn(len(y), source.n_train)
    test = _drawn(len(y_test), source.n_test)
    y_train, y_test, test = _encode(y[train], y_test, test)
    return Split([texts[i] for i in train], [texts_test[i] for i in test], y_train, y_test)


def vectors_of(name, cache: Path | None = None):
    """The split of any set, as rows of float32; `cache` is a directory that keeps those of text."""
    source = SOURCES[name]
    if not source.is_text:
        return _compact(_read_vectors(source))
    if cache is None or not (cache / f"{name}.npz").exists():
        texts = texts_of(name)
        options = {"ngram_range": (1, 2), **source.text}
        vectorizer = HashingVectorizer(
            alternate_sign=False, use_idf=True, sublinear_tf=True, dtype=np.float32, **options
        )
        X_train = vectorizer.fit_transform(texts.X_train)
        X_test = vectorizer.transform(texts.X_test)
        split = _compact(Split(X_train, X_test, texts.y_train, texts.y_test))
        if cache is None:
            return split
        _save(cache / f"{name}.npz", split)
    return _load(cache / f"{name}.npz")


def divided(split, seed):
    """A split of the training rows alone: a fifth of them, drawn by the seed, to score on."""
    order = np.random.default_rng(seed).permutation(len(split.y_train))
    n_test = len(order) // 5
    test, train = np.sort(order[:n_test]), np.sort(order[n_test:])
    y_train, y_test, test = _encode(split.y_train[train], split.y_train, test)
    return Split(split.X_train[train], split.X_train[test], y_train, y_test)


def counts_of(name):
    """The split of a text set, as bare counts of the same n-grams."""
    texts = texts_of(name)
    options = {"ngram_range": (1, 2), **SOURCES[name].text}
    vectorizer = HashingVectorizer(alternate_sign=False, norm=None, dtype=np.float32, **options)
    X_train, X_test = vectorizer.transform(texts.X_train), vectorizer.transform(texts.X_test)
    return _compact(Split(X_train, X_test, texts.y_train, texts.y_test))


def _open(path):
    return lzma.open(path) if path.suffix == ".xz" else gzip.open(path)


def _read_texts(path):
    with io.TextIOWrapper(_open(path), encoding="utf-8", newline="\n") as lines:
        rows = [line.rstrip("\n").split("\t", 1) for line in lines]
    return [text for _, text in rows], np.array([label.split(",")[0] for label, _ in rows])


def _read_vectors(source):
    with _open(REAL_DATA / source.train) as file:
        X, y = load_svmlight_file(file, dtype=np.float32)
    if source.test is None:
        is_test = np.arange(len(y)) % 5 == 4
        X_train, X_test, y_train, y_test = X[~is_test], X[is_test], y[~is_test], y[is_test]
    else:
        with _open(REAL_DATA / source.test) as file:
            X_test, y_test = load_svmlight_file(file, dtype=np.float32)
        X_train, y_train = X, y
        width = max(X.shape[1], X_test.shape[1])
        X_train.resize(X.shape[0], width)
        X_test.resize(X_test.shape[0], width)
    y_train, y_test, rows = _encode(y_train, y_test, np.arange(len(y_test)))
    return Split(X_train, X_test[rows], y_train, y_test)


def _drawn(n_rows, n_wanted):
    order = np.random.default_rng(0).permutation(n_rows)
    return order[:n_wanted]


def _encode(y_train, y_test, test):
    """Number the labels; test rows whose label is not in training are left out."""
    classes, y = np.unique(y_train, return_inverse=True)
    known = test[np.isin(y_test[test], classes)]
    return y, np.searchsorted(classes, y_test[known]), known


def _compact(split):
    columns = np.unique(split.X_train.indices)
    parts = []
    for X in (split.X_train, split.X_test):
        X = sp.csr_array(sp.csr_array(X)[:, columns])
        # liblinear wants them so.
        X.indices, X.indptr = X.indices.astype(np.int32), X.indptr.astype(np.int32)
        parts.append(X)
    return Split(parts[0], parts[1], split.y_train, split.y_test)


def _save(path, split):
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {"y_train": split.y_train, "y_test": split.y_test}
    for part, X in (("train", split.X_train), ("test", split.X_test)):
        arrays |= {f"{part}_{key}": getattr(X, key) for key in ("data", "indices", "indptr")}
        arrays[f"{part}_shape"] = np.array(X.shape)
    np.savez(path, **arrays)


def _load(path):
    saved = np.load(path)
    X_train, X_test = (
        sp.csr_array(
            tuple(saved[f"{part}_{key}"] for key in ("data", "indices", "indptr")),
            shape=tuple(saved[f"{part}_shape"]),
        )
        for part in ("train", "test")
    )
    return Split(X_train, X_test, saved["y_train"], saved["y_test"])
