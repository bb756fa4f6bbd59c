"""Raw text to a sparse matrix: MB/s of the native vectoriser and of scikit-learn's.

asv runs the classes; `python benchmarks/vectorise.py` prints the ratios of alternating runs in one
process. The text is the IMDB training set where it is at hand, else the standard library's
documentation of the language.
"""

import argparse
import lzma
import pydoc_data.topics
import statistics
import time

import numpy as np
from sklearn.feature_extraction.text import HashingVectorizer as Reference

from benchmarks.data import REAL_DATA
from fastada.text import HashingVectorizer

IMDB = REAL_DATA / "imdb" / "train.tsv.xz"

CASES = {
    "word 1-2": {"ngram_range": (1, 2)},
    "word 1": {},
    "char_wb 2-4": {"analyzer": "char_wb", "ngram_range": (2, 4)},
    "char 3": {"analyzer": "char", "ngram_range": (3, 3)},
}


def load_documents():
    if IMDB.exists():
        with lzma.open(IMDB, "rt", encoding="utf-8", newline="\n") as file:
            return "imdb", [line.rstrip("\n").split("\t", 1)[1] for line in file]
    paragraphs = [p for topic in pydoc_data.topics.topics.values() for p in topic.split("\n\n")]
    return "Python's documentation", paragraphs * 10


class Vectorise:
    """Throughput of one pass over the text."""

    params = (list(CASES), [1, 2])
    param_names = ("case", "n_jobs")
    unit = "MB/s"

    def setup_cache(self):
        return load_documents()[1]

    def setup(self, documents, case, n_jobs):
        self.vectorizer = HashingVectorizer(n_jobs=n_jobs, **CASES[case])
        self.megabytes = megabytes(documents)

    def time_transform(self, documents, case, n_jobs):
        self.vectorizer.transform(documents)

    def track_throughput(self, documents, case, n_jobs):
        return self.megabytes / min(seconds(self.vectorizer, documents) for _ in range(3))

    track_throughput.unit = "MB/s"


class Columns:
    """What the kind of column costs."""

    params = ("list", "bytes", "numpy", "pandas", "polars", "pyarrow")
    param_names = ("kind",)

    def setup_cache(self):
        return load_documents()[1]

    def setup(self, documents, kind):
        if kind == "list":
            self.column = documents
        elif kind == "bytes":
            self.column = [document.encode() for document in documents]
        elif kind == "numpy":
            self.column = np.array(documents, dtype=object)
        elif kind == "pandas":
            import pandas as pd

            self.column = pd.Series(documents, dtype="str")
        elif kind == "polars":
            import polars as pl

            self.column = pl.Series(documents)
        else:
            import pyarrow as pa

            self.column = pa.array(documents)

    def time_transform(self, documents, kind):
        HashingVectorizer(ngram_range=(1, 2)).transform(self.column)


class TfIdf:
    """Counting and weighting in one pass."""

    def setup_cache(self):
        return load_documents()[1]

    def time_fit_transform(self, documents):
        vectorizer = HashingVectorizer(
            ngram_range=(1, 2), use_idf=True, sublinear_tf=True, alternate_sign=False
        )
        vectorizer.fit_transform(documents)

    def peakmem_transform(self, documents):
        HashingVectorizer(ngram_range=(1, 2)).transform(documents)


def megabytes(documents):
    return sum(len(document.encode()) for document in documents) / 1e6


def seconds(vectorizer, documents):
    start = time.perf_counter()
    vectorizer.transform(documents)
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES), metavar="CASE")
    args = parser.parse_args()
    name, documents = load_documents()
    size = megabytes(documents)
    print(f"{name}: {len(documents):,} documents, {size:.1f} MB; MB/s, median of {args.rounds}")
    print(
        f"{'':12} {'scikit-learn':>12} {'1 thread':>9} {'ratio':>6} {'2 threads':>9} {'ratio':>6}"
    )
    for case in args.cases:
        vectorizers = [
            Reference(**CASES[case]),
            HashingVectorizer(**CASES[case]),
            HashingVectorizer(n_jobs=2, **CASES[case]),
        ]
        rounds = [[seconds(v, documents) for v in vectorizers] for _ in range(args.rounds)]
        reference, one, two = (statistics.median(times) for times in zip(*rounds, strict=True))
        faster = statistics.median(r[0] / r[1] for r in rounds)
        scaling = statistics.median(r[1] / r[2] for r in rounds)
        print(
            f"{case:12} {size / reference:12.1f} {size / one:9.0f} {faster:6.1f}"
            f" {size / two:9.0f} {scaling:6.2f}"
        )


if __name__ == "__main__":
    main()
