"""Models of the command line to files and back, without scikit-learn.

The files are those of TextClassifier and, for vectors, AdaGradClassifier.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastada import __version__
from fastada.persistence import linear
from fastada.persistence.container import ModelFile, ModelFileError, open_model, write
from fastada.persistence.text import (
    VECTORIZER,
    TermCounts,
    check_idf,
    check_ngram_range,
    check_vectorizer,
    counts_from_file,
    store_counts,
)
from fastada.persistence.values import (
    MULTILABEL,
    MULTINOMIAL,
    decode,
    decode_classes,
    encode,
    encode_labels,
    number,
    numbers,
    progress_of,
    truth,
)
from fastada.stream.options import Features, Learning
from fastada.stream.trained import Trained

TEXT_CLASSIFIER, CLASSIFIER = "TextClassifier", "AdaGradClassifier"


def save(
    trained: Trained,
    path: str | os.PathLike[str],
    *,
    serving: bool = False,
    float16: bool = False,
    beside: dict[str, Any] | None = None,
) -> None:
    """Write a model; for serving without what training goes on from, and without zeros.

    `beside` is kept in the metadata, as "checkpoint".

    Raises
    ------
    OSError
        If the file cannot be written; the old one stays as it was.
    """
    part = trained.linear
    if serving:
        stored = linear.to_serve(part, float16=float16, drop_zeros=True)
    else:
        stored = linear.to_train(part)
    learning = trained.learning or Learning()
    is_calibrated = (trained.temperature, trained.offset) != (1.0, 0.0)
    shared = {
        name: encode(name, value)
        for name, value in {
            **({} if trained.loss == "log_loss" else {"loss": trained.loss}),
            **({"calibrate": True} if "hinge" in trained.loss and is_calibrated else {}),
            "learning_rate": learning.learning_rate,
            "alpha": learning.alpha,
            "l1_ratio": learning.l1_ratio,
            "max_iter": learning.epochs,
            "random_state": learning.seed,
        }.items()
    }
    about: dict[str, Any] = {
        "estimator": CLASSIFIER,
        "parameters": {**shared, "shuffle": learning.shuffle},
        "classes": encode_labels(_labels(trained)),
        "multilabel": False,
        "multinomial": trained.multinomial,
        "temperature": trained.temperature,
        "offset": trained.offset,
        "n_iter": len(trained.loss_curve),
        "progress": list(trained.progress),
        "loss_curve_": trained.loss_curve,
        "objective_curve_": [],
        "validation_loss_curve_": [],
        **stored.about,
    }
    arrays = stored.arrays
    if trained.features.kind == "text":
        counts = trained.counts._replace(document_frequency=None) if serving else trained.counts
        terms = store_counts(counts, sparse="columns" in arrays)
        arrays = {**arrays, **terms.arrays}
        options = _vectorizer_options(trained.features)
        about = {
            "estimator": TEXT_CLASSIFIER,
            "parameters": {**options, **shared},
            "vectorizer": options,
            **terms.about,
            "classifier": about,
        }
    else:
        about["rows"] = trained.features.kind
    if beside is not None:
        about["checkpoint"] = beside
    write(path, {"fastada_version": __version__, **about}, arrays)


def load(path: str | os.PathLike[str]) -> Trained:
    """Read a model that `save`, or TextClassifier.save, has written.

    Weights stay in the file where it has them as they are needed.

    Raises
    ------
    ModelFileError
        If the file is none.
    OSError
        If it cannot be opened.
    """
    with open_model(path) as file:
        return from_file(file, file.metadata)


def from_file(file: ModelFile, about: dict[str, Any]) -> Trained:
    """Undo what save has put into a file."""
    if about["estimator"] == TEXT_CLASSIFIER:
        features = _features(about["vectorizer"])
        classifier = about["classifier"]
        counts = counts_from_file(file, about, features.n_features, mapped=True)
        check_idf(counts, features.use_idf)
    elif about["estimator"] == CLASSIFIER and about.get("rows") in ("svmlight", "vw"):
        classifier, counts = about, TermCounts()
        bits = _bits(about["n_features"])
        features = Features(kind=about["rows"], bits=bits).checked()
    else:
        raise ModelFileError(
            "it is a model of matrices, not of files; fastada.load reads it in Python"
        )
    part = linear.from_file(file, classifier, mapped=True)
    if part.n_features != features.n_features or part.state.dtype != np.float32:
        raise ModelFileError("its weights have not the columns of its features, or not float32")
    if truth("multilabel", classifier["multilabel"]):
        raise ModelFileError(MULTILABEL)
    multinomial = truth("multinomial", classifier["multinomial"])
    if multinomial and part.state.n_outputs == 1:
        raise ModelFileError(MULTINOMIAL)
    parameters = {
        name: decode(classifier["parameters"][name])
        for name in ("learning_rate", "alpha", "l1_ratio")
    }
    labels = decode_classes(classifier["classes"], part.state.n_outputs)
    return Trained(
        features,
        list(map(str, labels.tolist())),
        part,
        counts,
        Learning(**parameters).checked(),
        numbers("loss_curve_", classifier["loss_curve_"]),
        multinomial,
        None if labels.dtype.kind in "UO" else labels,
        progress_of(classifier),
        number("temperature", classifier.get("temperature", 1.0), 0),
        number("offset", classifier.get("offset", 0.0)),
    )


def _vectorizer_options(features: Features) -> dict[str, Any]:
    options = {
        "analyzer": features.analyzer,
        "ngram_range": features.ngrams,
        "n_features": features.n_features,
        "lowercase": features.lowercase,
        "strip_accents": None,
        "sublinear_tf": features.sublinear_tf,
        "use_idf": features.use_idf,
        "n_jobs": None,
    }
    return {name: encode(name, options[name]) for name in VECTORIZER}


def _features(found: dict[str, Any]) -> Features:
    check_vectorizer(found)
    options = {name: decode(value) for name, value in found.items()}
    if options["strip_accents"] is not None:
        raise ModelFileError("it strips accents; fastada.load reads it in Python")
    return Features(
        bits=_bits(options["n_features"]),
        analyzer=options["analyzer"],
        ngrams=check_ngram_range(options["ngram_range"]),
        lowercase=truth("lowercase", options["lowercase"]),
        sublinear_tf=truth("sublinear_tf", options["sublinear_tf"]),
        use_idf=truth("use_idf", options["use_idf"]),
    ).checked()


def _bits(n_features: Any) -> int:
    if type(n_features) is not int or n_features < 2 or n_features & (n_features - 1):
        raise ModelFileError(
            f"it has {n_features!r} columns, no power of two; fastada.load reads it in Python"
        )
    return n_features.bit_length() - 1


def _labels(trained: Trained) -> NDArray[Any]:
    if trained.labels is not None:
        return trained.labels
    labels = np.array(trained.classes)
    # NumPy's strings lose NULs at their end.
    return labels if labels.tolist() == trained.classes else np.array(trained.classes, object)
