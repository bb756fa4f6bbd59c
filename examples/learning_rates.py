"""AdaGrad's learning rate of every word against the number of documents it occurs in.

    python examples/learning_rates.py [FILE.png]

The text is the docstrings of the installed libraries; the task is to tell those of Python's
standard library from the others. One epoch, once with a step a document and once with a step per
16 documents.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastada import AdaGradClassifier
from fastada.corpus import STANDARD_LIBRARY, Corpus, docstring_corpus
from fastada.inspection import LearningRateDisplay
from fastada.text import HashingVectorizer

BATCH_SIZES = (1, 16)
WORDS = ("the", "array", "file", "matrix", "estimator", "socket", "quaternion")
TICKS = (0.1, 0.2, 0.5, 1, 2)


class Rates(NamedTuple):
    """Of the words that occur: their documents, and eta / H after training with each batch size."""

    document_frequency: NDArray[np.int64]
    learning_rate: dict[int, NDArray[Any]]
    largest: float
    named: dict[str, int]


def train(corpus: Corpus) -> Rates:
    """Train one epoch with each batch size."""
    vectorizer = HashingVectorizer(alternate_sign=False, sublinear_tf=True)
    X = vectorizer.transform(corpus.texts)
    y = np.array(corpus.labels) == STANDARD_LIBRARY
    document_frequency = np.bincount(X.indices, minlength=X.shape[1])
    occurs = np.flatnonzero(document_frequency)
    rates = {}
    for batch_size in BATCH_SIZES:
        # The same start and rate for both, so that what differs is what batches do.
        model = AdaGradClassifier(
            batch_size=batch_size,
            learning_rate=1.0,
            initial_accumulator=4 * float(np.mean(X.data**2)),
            max_iter=1,
            random_state=0,
        ).fit(X, y)
        rates[batch_size] = model.learning_rate_per_feature_[0, occurs]
        never_seen = model.learning_rate_per_feature_[0].max()
    columns = {word: int(vectorizer.transform([word]).indices[0]) for word in WORDS}
    return Rates(
        document_frequency[occurs],
        rates,
        float(never_seen),
        {
            word: int(np.searchsorted(occurs, column))
            for word, column in columns.items()
            if document_frequency[column]
        },
    )


def medians(
    document_frequency: NDArray[np.int64], learning_rate: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Median rate of the words of 1 document, 2 to 3, 4 to 7, ..., at their mean frequency."""
    return LearningRateDisplay(document_frequency, learning_rate).medians()


def plot(rates: Rates, file: str) -> None:
    """Save the picture."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        sys.exit('The picture needs matplotlib: pip install "fastada[plot]"')
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    frequency, online = rates.document_frequency, rates.learning_rate[1]
    LearningRateDisplay(frequency, online, rates.largest).plot(axes)
    for batch_size in BATCH_SIZES[1:]:
        label = f"median, a step per {batch_size} documents"
        axes.plot(*medians(frequency, rates.learning_rate[batch_size]), linewidth=2, label=label)
    for word, place in rates.named.items():
        axes.plot(frequency[place], online[place], "o", color="black", markersize=3)
        axes.annotate(
            word,
            (frequency[place], online[place]),
            textcoords="offset points",
            xytext=(-4, -10),
            ha="right",
        )
    axes.set(
        xlabel="documents with the word",
        ylabel="learning rate of the word, η / H",
        title="Learning rates after one epoch (grey: words, a step per document)",
    )
    axes.set_yticks(TICKS, [f"{tick:g}" for tick in TICKS])
    axes.minorticks_off()
    axes.legend(loc="lower left")
    figure.savefig(file, dpi=100)


def main() -> None:
    """Train, print, save the picture."""
    parser = argparse.ArgumentParser(description="Learning rate against document frequency.")
    parser.add_argument("file", nargs="?", default="learning-rates.png", help="PNG to write")
    arguments = parser.parse_args()
    corpus = docstring_corpus()
    rates = train(corpus)
    print(f"{len(corpus.texts):,} documents, {len(rates.document_frequency):,} words")
    print("documents with the word   median learning rate")
    for frequency, rate in zip(
        *medians(rates.document_frequency, rates.learning_rate[1]), strict=True
    ):
        print(f"{frequency:23.1f}   {rate:20.3f}")
    plot(rates, arguments.file)
    print(f"saved {arguments.file}")


if __name__ == "__main__":
    main()
