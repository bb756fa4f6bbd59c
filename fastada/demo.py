"""What ``fastada demo`` runs: train on real text, report beside a baseline and a peer."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss
from sklearn.model_selection import train_test_split

from fastada.classifier import AdaGradClassifier
from fastada.corpus import docstring_corpus
from fastada.text import HashingVectorizer

HELD_OUT = 0.2
EPOCHS = 5
SEED = 0
LOSS_PNG = Path("demo-loss.png")
MOST_CLASSES_ACROSS = 10


class NotAvailableError(Exception):
    """The data set cannot be had."""


@dataclass(frozen=True)
class Split:
    """Documents to learn from and documents to be judged by."""

    train: list[str]
    y_train: npt.NDArray[Any]
    test: list[str]
    y_test: npt.NDArray[Any]


def docstrings() -> Split:
    """Docstrings of the installed libraries, a fifth of each held out."""
    texts, labels = docstring_corpus()
    train, test, y_train, y_test = train_test_split(
        texts, np.array(labels), test_size=HELD_OUT, random_state=SEED, stratify=labels
    )
    return Split(train, y_train, test, y_test)


def newsgroups() -> Split:
    """20 newsgroups, split by date, through scikit-learn's fetcher.

    Raises
    ------
    NotAvailableError
        If it is neither stored nor can be fetched.
    """
    from sklearn.datasets import fetch_20newsgroups

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of each attempt; the last one is reported
            parts = [
                fetch_20newsgroups(subset=subset, n_retries=1, delay=0.1)
                for subset in ("train", "test")
            ]
    except OSError as error:
        raise NotAvailableError(
            f"20newsgroups could not be fetched ({error}); go online once to store it, or run "
            "the demo without --dataset"
        ) from error
    names = np.array(parts[0].target_names)
    (train, y_train), (test, y_test) = ((part.data, names[part.target]) for part in parts)
    return Split(train, y_train, test, y_test)


DATASETS = {"docstrings": docstrings, "20newsgroups": newsgroups}


def run(dataset: str) -> None:
    """Train and report.

    Parameters
    ----------
    dataset : {"docstrings", "20newsgroups"}
    """
    start = time.perf_counter()
    split = DATASETS[dataset]()
    n_bytes = sum(len(text.encode("utf-8", "replace")) for text in split.train + split.test)
    print(
        f"read {len(split.train) + len(split.test):,} documents, {n_bytes / 1e6:.1f} MB, "
        f"in {time.perf_counter() - start:.1f} s"
    )
    vectorizer = HashingVectorizer(
        ngram_range=(1, 2), alternate_sign=False, sublinear_tf=True, dtype=np.float32
    )
    start = time.perf_counter()
    X_train, X_test = vectorizer.transform(split.train), vectorizer.transform(split.test)
    print(f"turned them into word 1-2-grams in {time.perf_counter() - start:.2f} s\n")

    ours = AdaGradClassifier(max_iter=EPOCHS, tol=None, verbose=1, random_state=SEED)
    seconds = _timed_fit(ours, X_train, split.y_train)
    peer = SGDClassifier(loss="log_loss", alpha=1e-6, max_iter=EPOCHS, tol=None, random_state=SEED)
    peer_seconds = _timed_fit(peer, X_train, split.y_train)
    majority = DummyClassifier(strategy="prior").fit(X_train, split.y_train)

    print(f"\ndocuments         {X_train.shape[0]:,} to learn from, {X_test.shape[0]:,} held out")
    features = np.unique(X_train.indices).size
    print(f"features          {features:,} of {X_train.shape[1]:,} columns")
    print(f"stored entries    {X_train.nnz:,}")
    print(f"training time     {seconds:.3f} s for {EPOCHS} epochs")
    print(
        f"per stored entry  {seconds / EPOCHS / X_train.nnz * 1e9:.1f} ns an epoch, "
        f"{len(ours.classes_)} classes\n"
    )
    print(f"{'held out':26}{'accuracy':>9}{'log-loss':>10}{'seconds':>9}")
    for name, model, spent in (
        ("fastada", ours, f"{seconds:.3f}"),
        ("scikit-learn SGDClassifier", peer, f"{peer_seconds:.3f}"),
        ("majority class", majority, ""),
    ):
        accuracy = accuracy_score(split.y_test, model.predict(X_test))
        loss = log_loss(split.y_test, model.predict_proba(X_test), labels=model.classes_)
        print(f"{name:26}{accuracy:9.4f}{loss:10.4f}{spent:>9}")

    print("\nconfusion matrix (rows: true, columns: predicted)")
    _print_confusion(split.y_test, ours.predict(X_test), ours.classes_)
    print("\n" + _save_loss_curve(ours.loss_curve_))


def _timed_fit(model: Any, X: Any, y: npt.NDArray[Any]) -> float:
    start = time.perf_counter()
    model.fit(X, y)
    return time.perf_counter() - start


def _print_confusion(
    truth: npt.NDArray[Any], predicted: npt.NDArray[Any], classes: npt.NDArray[Any]
) -> None:
    counts = confusion_matrix(truth, predicted, labels=classes)
    wide = max(len(str(name)) for name in classes)
    numbered = len(classes) > MOST_CLASSES_ACROSS
    heads = [str(i + 1) if numbered else str(name) for i, name in enumerate(classes)]
    cell = max(*map(len, heads), len(str(counts.max()))) + 1
    print(" " * (wide + 4 * numbered) + "".join(f"{head:>{cell}}" for head in heads))
    for i, name in enumerate(classes):
        number = f"{i + 1:>3} " if numbered else ""
        print(f"{number}{name:{wide}}" + "".join(f"{count:{cell}}" for count in counts[i]))


def _save_loss_curve(losses: list[float]) -> str:
    """Draw the loss of each epoch; say where it is, or why it is not."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return "no loss curve drawn: matplotlib is not installed (pip install 'fastada[plot]')"
    figure = Figure(figsize=(6, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(
        xlabel="epoch", ylabel="mean training loss", xticks=range(1, len(losses) + 1)
    )
    axes.plot(range(1, len(losses) + 1), losses, marker="o")
    figure.savefig(LOSS_PNG, dpi=120)
    return f"loss curve saved to {LOSS_PNG}"
