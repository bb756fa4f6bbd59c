"""Raw text to labels: throughput beside scikit-learn's pipeline, and the latency of one document.

asv runs the classes; `python -m benchmarks.text_scoring` prints the ratios of alternating runs in
one process, on one thread. Reviews are IMDB's, titles of papers are arXiv's where the data sets are
at hand, else both come from the standard library's documentation of the language.
"""

import argparse
import lzma
import statistics
import time
from functools import partial

import numpy as np
from sklearn.feature_extraction.text import HashingVectorizer as Reference
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import make_pipeline

from benchmarks.data import FULL, REAL_DATA
from benchmarks.epochs import seconds
from benchmarks.vectorise import load_documents, megabytes
from fastada import TextClassifier

N_SHORT = 1_000_000
N_CALLS = 20_000
NGRAMS = (1, 2)


def load_short(n):
    """`n` texts of a line each; those at hand are repeated."""
    path = REAL_DATA / "arxiv_titles" / "train.tsv.xz"
    if path.exists():
        with lzma.open(path, "rt", encoding="utf-8", newline="\n") as file:
            name, texts = "arXiv titles", [line.rstrip("\n").split("\t", 1)[1] for line in file]
    else:
        name, documents = load_documents()
        texts = [line for document in documents for line in document.split("\n") if line.strip()]
    return name, (texts * (n // len(texts) + 1))[:n]


def labels_for(documents):
    """Something to learn that does not matter: the time of a prediction depends on the text."""
    return np.arange(len(documents)) % 2


def trained_on(documents):
    """Return scikit-learn's pipeline, the same features here, and the defaults here."""
    few = documents[:: max(1, len(documents) // 5000)]
    y = labels_for(few)
    return {
        "scikit-learn": make_pipeline(
            Reference(ngram_range=NGRAMS, alternate_sign=False, dtype=np.float32),
            SGDClassifier(loss="log_loss", max_iter=2, tol=None),
        ).fit(few, y),
        "same features": TextClassifier(
            ngram_range=NGRAMS, sublinear_tf=False, use_idf=False, max_iter=2
        ).fit(few, y),
        "defaults": TextClassifier(ngram_range=NGRAMS, max_iter=2).fit(few, y),
    }


def latencies(model, texts):
    """Microseconds of each call of predict_proba with a list of one text."""
    model.predict_proba(texts[:1])
    found = np.empty(len(texts))
    for i, text in enumerate(texts):
        start = time.perf_counter_ns()
        model.predict_proba([text])
        found[i] = time.perf_counter_ns() - start
    return found / 1e3


class Throughput:
    params = ("reviews", "titles")
    param_names = ("documents",)
    timeout = 600

    def setup(self, kind):
        n = N_SHORT if FULL else 50_000
        self.documents = load_documents()[1] if kind == "reviews" else load_short(n)[1]
        self.model = trained_on(self.documents)["defaults"]

    def time_predict(self, kind):
        self.model.predict(self.documents)

    def peakmem_predict(self, kind):
        self.model.predict(self.documents)


class Latency:
    unit = "us"

    def setup(self):
        self.texts = load_short(N_CALLS)[1]
        self.model = trained_on(self.texts)["defaults"]

    def time_one_document(self):
        self.model.predict_proba(self.texts[:1])

    def track_p99(self):
        return np.percentile(latencies(self.model, self.texts), 99)

    track_p99.unit = "us"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--short", type=int, default=N_SHORT, help="number of short documents")
    args = parser.parse_args()
    for name, documents in (load_documents(), load_short(args.short)):
        size = megabytes(documents)
        models = trained_on(documents)
        rounds = [
            [seconds(partial(m.predict, documents)) for m in models.values()]
            for _ in range(args.rounds)
        ]
        print(
            f"{name}: {len(documents):,} documents, {size:.1f} MB, word 1-2-grams, one thread; "
            f"median of {args.rounds}\n{'':14} {'CPU s':>8} {'MB/s':>6} {'documents/s':>12}"
            f" {'ratio':>6}"
        )
        for model, times in zip(models, zip(*rounds, strict=True), strict=True):
            spent = statistics.median(times)
            ratio = statistics.median(r[0] / t for r, t in zip(rounds, times, strict=True))
            print(
                f"{model:14} {spent:8.2f} {size / spent:6.1f} {len(documents) / spent:12,.0f}"
                f" {ratio:6.1f}"
            )
        print()
    texts = load_short(N_CALLS)[1]
    print(f"predict_proba([text]), {np.mean([len(t) for t in texts]):.0f} characters, microseconds")
    print(f"{'':14} {'median':>8} {'p99':>8} {'p99.9':>8}")
    models = trained_on(texts)
    for name in ("defaults", "same features", "scikit-learn"):
        found = latencies(models[name], texts[:2000] if name == "scikit-learn" else texts)
        print(f"{name:14} " + " ".join(f"{p:8.1f}" for p in np.percentile(found, (50, 99, 99.9))))


if __name__ == "__main__":
    main()
