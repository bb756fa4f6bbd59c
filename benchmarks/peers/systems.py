"""Which settings take part: the best of a small grid for each peer, by log-loss or by accuracy.

The grid was one of IMDB, the newsgroups and made-up rows. On other sets peers may have several:
VARIED is the setting that counts most, and FACTORS what it is multiplied by.
"""

from dataclasses import dataclass, field, replace
from typing import Any


def epochs(*numbers):
    return tuple({"epochs": n} for n in numbers)


def tolerances(*numbers):
    return tuple({"tol": tol} for tol in numbers)


@dataclass(frozen=True)
class System:
    """A peer with its settings.

    `points` are the runs of a trajectory, each a new model, by what they add to `settings`. Solvers
    that stop by themselves have tolerances in place of epochs. Variants of a system share `family`.
    """

    name: str
    peer: str
    points: tuple[dict[str, Any], ...]
    settings: dict[str, Any] = field(default_factory=dict)
    threads: int = 1
    variant_of: str | None = None

    @property
    def family(self) -> str:
        return self.variant_of or self.name


VARIED = {
    "sklearn": "eta0",
    "xlearn": "lr",
    "vowpal_wabbit": "learning_rate",
    "liblinear": "C",
    "liblinear_multicore": "C",
    "snapml": "regularizer",
    "cyanure": "C",
    "lightning": "eta",
    "torch": "lr",
}
FACTORS = (1 / 16, 1 / 4, 4)


ALL = epochs(1, 2, 3, 5, 10, 20)
TO_TEN, TO_FIVE = ALL[:5], ALL[:4]
SGD = {"alpha": 1e-6, "eta0": 3.0}
AVERAGED = {"alpha": 1e-7, "eta0": 10.0, "average": True}
LIGHTNING = {"eta": 1.0, "alpha": 1e-7}
VW = {"bit_precision": 20, "learning_rate": 2.0}
VW_ADAPTIVE = {"bit_precision": 20, "learning_rate": 0.3, "flags": "--adaptive"}
SNAPML = {"regularizer": 0.01}
FASTTEXT = ({"epochs": 1, "lr": 1.0}, {"epochs": 5, "lr": 0.5})
BATCH = {"lr": 0.3, "batch": 256}

# fastada's fixed rate is what "auto" searches around: one over the root mean square norm of a row.
OURS = (
    System("fastada", "fastada", ALL),
    System("fastada, rate searched", "fastada", ALL, {"learning_rate": "auto"}),
    System("fastada, 2 threads", "fastada", ALL, threads=2),
)
REFERENCE = OURS[0]

BINARY = (
    *OURS,
    System("scikit-learn SGD", "sklearn", ALL, SGD),
    System("scikit-learn SGD, averaged", "sklearn", ALL, AVERAGED),
    System("xLearn AdaGrad", "xlearn", ALL, {"lr": 2.0}),
    System("xLearn AdaGrad, 2 threads", "xlearn", ALL, {"lr": 2.0}, threads=2),
    System("Vowpal Wabbit", "vowpal_wabbit", TO_TEN, VW),
    System("Vowpal Wabbit --adaptive", "vowpal_wabbit", TO_TEN, VW_ADAPTIVE),
    System("liblinear -s 7", "liblinear", tolerances(1, 0.1, 0.01), {"solver": 7, "C": 100}),
    System("liblinear -s 0", "liblinear", tolerances(0.1, 0.01), {"solver": 0, "C": 100}),
    System(
        "liblinear -s 0, 2 threads",
        "liblinear_multicore",
        tolerances(0.1, 0.01),
        {"solver": 0, "C": 100},
        threads=2,
    ),
    System("snapml", "snapml", ALL, SNAPML),
    System("snapml, 2 threads", "snapml", ALL, SNAPML, threads=2),
    System("cyanure", "cyanure", TO_TEN, {"C": 30}),
    System("cyanure, 2 threads", "cyanure", TO_TEN, {"C": 30}, threads=2),
    System("lightning AdaGrad", "lightning", TO_TEN, LIGHTNING),
    System("torch Adagrad, batches of 256", "torch", epochs(1, 2, 5), BATCH),
    System("torch Adagrad, 2 threads", "torch", epochs(1, 2, 5), BATCH, threads=2),
    System("fastText", "fasttext", FASTTEXT[:1], {"dim": 10}),
    System("fastText, 2 threads", "fasttext", FASTTEXT, {"dim": 10}, threads=2),
    System("river AdaGrad", "river", ({"rows": 1000}, {"rows": 5000}), {"lr": 0.3}),
)

# Some peers know two classes only. Vowpal Wabbit needs room for a copy of the columns per class.
MANY = (
    *OURS,
    System("scikit-learn SGD", "sklearn", ALL, SGD),
    System("scikit-learn SGD, averaged", "sklearn", ALL, AVERAGED),
    System(
        "Vowpal Wabbit --adaptive", "vowpal_wabbit", TO_TEN, VW_ADAPTIVE | {"bit_precision": 25}
    ),
    System("liblinear -s 7", "liblinear", tolerances(1, 0.1), {"solver": 7, "C": 100}),
    System("snapml", "snapml", TO_FIVE, SNAPML),
    System("snapml, 2 threads", "snapml", TO_FIVE, SNAPML, threads=2),
    System("cyanure", "cyanure", epochs(2, 5), {"C": 100}),
    System("lightning AdaGrad", "lightning", epochs(1, 5), LIGHTNING),
    System("torch Adagrad, batches of 256", "torch", epochs(1, 2, 5), BATCH | {"lr": 1.0}),
    System("torch Adagrad, 2 threads", "torch", epochs(1, 2, 5), BATCH | {"lr": 1.0}, threads=2),
    System("fastText", "fasttext", epochs(5, 20), {"dim": 10, "lr": 1.0}),
)


def systems_for(n_classes):
    return MANY if n_classes > 2 else BINARY


def with_variants(systems):
    """The systems, and those that differ from them by a factor of what is varied."""
    return [
        variant
        for system in systems
        for variant in (system, *(_times(system, f) for f in FACTORS if system.peer in VARIED))
    ]


def _times(system, factor):
    value = factor * system.settings[VARIED[system.peer]]
    return replace(
        system,
        name=f"{system.name}, {VARIED[system.peer]} {value:g}",
        settings={**system.settings, VARIED[system.peer]: value},
        variant_of=system.name,
    )
