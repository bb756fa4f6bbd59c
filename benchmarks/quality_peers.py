"""The peers that fastada's defaults are compared with: each at its defaults, and over a small grid.

Features are rows of unit norm or small counts, so the grids are those that text wants.
"""

from dataclasses import dataclass
from typing import Any

from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import LinearSVC

# Entries times classes beyond which only the best settings of the other sets are tried, and
# neither the slowest of liblinear's solvers nor L-BFGS.
MOST_FOR_ALL = 5_000_000
SLOW = ("liblinear -s 0", "L-BFGS softmax")


@dataclass(frozen=True)
class Peer:
    """`family` says what it is compared with: "log" or "svm"."""

    family: str
    make: Any
    grid: tuple[dict[str, Any], ...]


def _liblinear(**parameters):
    return OneVsRestClassifier(LogisticRegression(solver="liblinear", random_state=0, **parameters))


def _sgd(loss):
    return lambda **parameters: SGDClassifier(loss=loss, random_state=0, **parameters)


def _linear_svc(**parameters):
    return LinearSVC(random_state=0, **parameters)


def _sgd_grid(constant_rates):
    grid = [
        {"alpha": alpha, "average": average}
        for average in (True, False)
        for alpha in (1e-5, 1e-6, 1e-4)
    ]
    constant = {"alpha": 1e-7, "average": True, "learning_rate": "constant"}
    constant |= {"max_iter": 5, "tol": None}
    return *(constant | {"eta0": rate} for rate in constant_rates), *grid


# The first of each grid are the defaults, the next ones those that most often win.
PEERS = {
    "sgd log": Peer("log", _sgd("log_loss"), ({}, *_sgd_grid((10.0, 1.0)))),
    "sgd hinge": Peer("svm", _sgd("hinge"), ({}, *_sgd_grid(()))),
    "LinearSVC": Peer(
        "svm",
        _linear_svc,
        ({}, *({"loss": "hinge", "C": C} for C in (3, 1, 0.3)), {"C": 3.0}, {"C": 0.3}, {"C": 0.1}),
    ),
    "liblinear -s 7": Peer(
        "log", _liblinear, tuple({"dual": True, "C": float(C), "tol": 0.1} for C in (1, 100, 10))
    ),
    "liblinear -s 0": Peer(
        "log", _liblinear, ({}, *({"C": float(C), "tol": 1e-2} for C in (100, 10, 1000)))
    ),
    "L-BFGS softmax": Peer(
        "log",
        LogisticRegression,
        ({}, *({"C": float(C), "max_iter": 100} for C in (100, 10, 1000))),
    ),
}


def settings_of(name, n_entries, n_classes):
    """The settings of a peer that a set of this size is worth."""
    if n_entries * (n_classes if n_classes > 2 else 1) <= MOST_FOR_ALL:
        return PEERS[name].grid
    return () if name in SLOW else PEERS[name].grid[:3]
