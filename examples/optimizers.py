"""AdaGrad against SGD, momentum, RMSProp, AdaDelta and Adam, each at the best of the same rates.

    python examples/optimizers.py [FILE.png] [--text FILE.tsv]

Two tasks: logistic regression on text, most of whose words are rare, and least squares on
scikit-learn's diabetes data, whose ten features occur in every row. Each rule is tried at rates
from 1e-4 to 1000; the best is that with the smallest loss on validation rows after the last epoch.
What is told of it is measured on training and test rows.

The text is the docstrings of the installed libraries, Python's standard library against the others,
or a file of lines LABEL, tab, TEXT, plain or .xz: the first half of its labels, in the order of the
alphabet, against the others.
"""

from __future__ import annotations

import argparse
import lzma
import sys
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from fastada import AdaGradClassifier, AdaGradRegressor
from fastada.corpus import STANDARD_LIBRARY, Corpus, docstring_corpus
from fastada.optim import SGD, AdaDelta, AdaGrad, Adam, Momentum, RMSProp
from fastada.text import HashingVectorizer

RULES = {
    "AdaGrad": AdaGrad,
    "SGD": SGD,
    "momentum": Momentum,
    "RMSProp": RMSProp,
    "AdaDelta": AdaDelta,
    "Adam": Adam,
}
RATES = tuple(10.0 ** np.arange(-4, 3.5, 0.5))
BATCH_SIZE = 16
# A few thousand tell the rules apart.
MOST_DOCUMENTS = 5_000
FIRST = "first"


@dataclass(frozen=True)
class Task:
    """Rows to learn, rows to choose the rate by, rows to report."""

    name: str
    estimator: Any
    train: tuple[Any, NDArray[Any]]
    validation: tuple[Any, NDArray[Any]]
    test: tuple[Any, NDArray[Any]]
    n_epochs: int
    least: float = 0.0

    def loss(self, model: Any, rows: tuple[Any, NDArray[Any]]) -> float:
        """Mean loss: of labels -1 and +1, or half the squared error."""
        X, y = rows
        if hasattr(model, "decision_function"):
            return float(np.logaddexp(0, -y * model.decision_function(X)).mean())
        return float(((model.predict(X) - y) ** 2).mean() / 2)


@dataclass(frozen=True)
class Run:
    """A rule at one rate: its loss and how far the weights went, epoch by epoch.

    Losses are infinite from the epoch on in which training diverged.
    """

    rate: float
    train: list[float]
    validation: list[float]
    test: float
    moved: list[float]
    weights: NDArray[Any]


def text_task(corpus: Corpus, positive: str, n_epochs: int = 5) -> Task:
    """Words, hashed; one label against the others."""
    X = HashingVectorizer(alternate_sign=False, sublinear_tf=True).transform(corpus.texts)
    y = np.where(np.array(corpus.labels) == positive, 1.0, -1.0)
    keep = np.random.default_rng(0).permutation(len(y))[:MOST_DOCUMENTS]
    return Task("text", AdaGradClassifier(), *parts(X[keep], y[keep]), n_epochs)


def diabetes_task(n_epochs: int = 50) -> Task:
    """Ten features and the target in units of their standard deviations."""
    X, y = load_diabetes(return_X_y=True)
    train, validation, test = parts(X, y)
    scale_X, scale_y = StandardScaler().fit(train[0]), StandardScaler().fit(train[1][:, None])

    def scaled(rows: tuple[Any, NDArray[Any]]) -> tuple[Any, NDArray[Any]]:
        return scale_X.transform(rows[0]), scale_y.transform(rows[1][:, None])[:, 0]

    train, validation, test = scaled(train), scaled(validation), scaled(test)
    with_ones = np.column_stack([train[0], np.ones(len(train[1]))])
    best = np.linalg.lstsq(with_ones, train[1], rcond=None)[0]
    least = float(((with_ones @ best - train[1]) ** 2).mean() / 2)
    return Task("diabetes", AdaGradRegressor(), train, validation, test, n_epochs, least)


def parts(X: Any, y: NDArray[Any]) -> tuple[tuple[Any, NDArray[Any]], ...]:
    """Three fifths to learn, a fifth to choose by, a fifth to report."""
    X_train, X_rest, y_train, y_rest = train_test_split(X, y, test_size=0.4, random_state=0)
    X_val, X_test, y_val, y_test = train_test_split(X_rest, y_rest, test_size=0.5, random_state=0)
    return (X_train, y_train), (X_val, y_val), (X_test, y_test)


def run(task: Task, rule: Any, rate: float) -> Run:
    """Train by one rule at one rate, an epoch at a time."""
    model = type(task.estimator)(
        optimizer=rule(rate),
        batch_size=BATCH_SIZE,
        warm_start=True,
        max_iter=1,
        random_state=0,
    )
    result = Run(rate, [], [], np.inf, [], np.zeros(task.train[0].shape[1]))
    before = result.weights
    for _ in range(task.n_epochs):
        try:
            model.fit(*task.train)
        except FloatingPointError:
            rest = [np.inf] * (task.n_epochs - len(result.train))
            return replace(result, train=result.train + rest, validation=result.validation + rest)
        weights = np.ravel(model.coef_)
        result.moved.append(float(np.linalg.norm(weights - before)))
        result.train.append(task.loss(model, task.train))
        result.validation.append(task.loss(model, task.validation))
        before = weights
    return replace(result, test=task.loss(model, task.test), weights=before)


def compare(task: Task, rates: tuple[float, ...] = RATES) -> dict[str, list[Run]]:
    """Every rule at every rate."""
    return {name: [run(task, rule, rate) for rate in rates] for name, rule in RULES.items()}


def best_of(runs: list[Run]) -> Run:
    """The run with the smallest validation loss at the end."""
    return min(runs, key=lambda r: r.validation[-1])


def usable_decades(runs: list[Run], share: float = 1.5) -> float:
    """Over how many decades of rates the last validation loss is within half of the best."""
    good = [r.rate for r in runs if r.validation[-1] <= share * best_of(runs).validation[-1]]
    return float(np.log10(max(good) / min(good)))


def weights_by_frequency(task: Task, best: Run) -> tuple[NDArray[Any], NDArray[Any]]:
    """Mean |weight| of the words of 1 document, 2 to 3, 4 to 7, ..., at their mean frequency."""
    frequency = np.bincount(task.train[0].indices, minlength=len(best.weights))
    octave = np.full(len(frequency), -1)
    octave[frequency > 0] = np.log2(frequency[frequency > 0]).astype(int)
    there = [octave == k for k in range(octave.max() + 1) if (octave == k).any()]
    return (
        np.array([frequency[words].mean() for words in there]),
        np.array([np.abs(best.weights[words]).mean() for words in there]),
    )


def report(task: Task, results: dict[str, list[Run]]) -> None:
    """Print what the page says."""
    print(f"\n{task.name}: {len(task.train[1]):,} rows to learn, {task.n_epochs} epochs")
    text = task.name == "text"
    print(
        f"{'':10}{'best rate':>10}{'train':>9}{'test':>9}{'decades':>9}"
        f"{'last/first':>12}" + (f"{'rare/frequent':>15}" if text else f"{'excess':>15}")
    )
    for name, runs in results.items():
        best = best_of(runs)
        if text:
            size = weights_by_frequency(task, best)[1]
            last = f"{size[0] / size[-1]:15.3f}"
        else:
            last = f"{best.train[-1] - task.least:15.6f}"
        print(
            f"{name:10}{best.rate:10.2g}{best.train[-1]:9.4f}{best.test:9.4f}"
            f"{usable_decades(runs):9.1f}{best.moved[-1] / best.moved[0]:12.3f}{last}"
        )


def plot(tasks: dict[str, Task], results: dict[str, dict[str, list[Run]]], file: str) -> None:
    """Save the picture: a row a task."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        sys.exit('The picture needs matplotlib: pip install "fastada[plot]"')
    figure = Figure(figsize=(11, 6.5), layout="constrained")
    axes = figure.subplots(2, 3)
    for row, (key, task) in zip(axes, tasks.items(), strict=True):
        for name, runs in results[key].items():
            best = best_of(runs)
            epochs = range(1, task.n_epochs + 1)
            row[0].plot(epochs, np.array(best.train) - task.least, label=f"{name}, {best.rate:.2g}")
            last = [r.validation[-1] for r in runs]
            row[1].plot([r.rate for r in runs], last, marker=".", label=name)
            if key == "text":
                row[2].plot(*weights_by_frequency(task, best), label=name)
            else:
                row[2].plot(range(1, len(best.moved) + 1), best.moved, label=name)
        row[0].set(xlabel="epoch", yscale="log", title=f"{key}: each at its best rate")
        row[0].legend(fontsize="small")
        floor = min(best_of(runs).validation[-1] for runs in results[key].values())
        row[1].set(
            xscale="log", yscale="log", ylim=(0.9 * floor, 10 * floor), xlabel="learning rate",
            ylabel="validation loss, last epoch", title="sensitivity to the rate",
        )  # fmt: skip
    axes[0, 0].set_ylabel("training loss")
    axes[1, 0].set_ylabel("training loss above the least")
    axes[0, 2].set(
        xscale="log", yscale="log", xlabel="documents with the word", ylabel="mean |weight|",
        title="what the rare words got",
    )  # fmt: skip
    axes[1, 2].set(
        yscale="log", xlabel="epoch", ylabel="|change of the weights|", title="steps that shrink"
    )
    figure.savefig(file, dpi=80)


def read_lines(name: str) -> Corpus:
    """Texts and their labels, all the first half of which become one."""
    opened = lzma.open if name.endswith(".xz") else open
    with opened(name, "rt", encoding="utf-8") as file:
        pairs = [line.rstrip("\n").split("\t", 1) for line in file]
    labels = sorted({label for label, _ in pairs})
    first = set(labels[: len(labels) // 2])
    return Corpus([text for _, text in pairs], [FIRST if k in first else "other" for k, _ in pairs])


def main() -> None:
    """Train, print, save the picture."""
    parser = argparse.ArgumentParser(description="AdaGrad against its neighbours.")
    parser.add_argument("file", nargs="?", default="optimizers.png", help="PNG to write")
    parser.add_argument("--text", metavar="FILE", help="lines of label, tab, text")
    arguments = parser.parse_args()
    corpus = read_lines(arguments.text) if arguments.text else docstring_corpus()
    positive = FIRST if arguments.text else STANDARD_LIBRARY
    tasks = {"text": text_task(corpus, positive), "diabetes": diabetes_task()}
    results = {}
    for key, task in tasks.items():
        results[key] = compare(task)
        report(task, results[key])
    plot(tasks, results, arguments.file)
    print(f"saved {arguments.file}")


if __name__ == "__main__":
    main()
