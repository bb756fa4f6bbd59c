"""Estimators to files and back."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from fastada import __version__
from fastada.exclusive import check_not_trained_elsewhere
from fastada.persistence import linear
from fastada.persistence.container import ModelFile, ModelFileError, open_model, write
from fastada.persistence.linear import Linear, Stored
from fastada.persistence.text import (
    VECTORIZER,
    TermCounts,
    check_idf,
    check_ngram_range,
    check_threads,
    check_vectorizer,
    counts_from_file,
    store_counts,
)
from fastada.persistence.values import (
    MULTILABEL,
    MULTINOMIAL,
    check_classes,
    decode,
    decode_classes,
    decode_labels,
    encode,
    encode_labels,
    number,
    numbers,
    progress_of,
    truth,
)
from fastada.settings import LOSSES

if TYPE_CHECKING:
    from fastada.base import AdaGradEstimator
    from fastada.text_classifier import TextClassifier

CURVES = ("loss_curve_", "objective_curve_", "validation_loss_curve_")


def save(
    estimator: Any,
    path: str | os.PathLike[str],
    *,
    serving: bool = False,
    float16: bool = False,
    drop_zeros: bool = False,
    also: dict[str, Any] | None = None,
) -> None:
    """Write a fitted estimator to a file; what its `save` method documents.

    `also` goes into its metadata, and is nothing to `load`.
    """
    if not serving and (float16 or drop_zeros):
        raise ValueError("float16 and drop_zeros lose what training needs: they need serving=True")
    store = _store_text if hasattr(estimator, "vectorizer_") else _store
    check_not_trained_elsewhere(estimator)
    stored = store(estimator, serving, {"float16": float16, "drop_zeros": drop_zeros})
    write(path, {**(also or {}), "fastada_version": __version__, **stored.about}, stored.arrays)


def load(path: str | os.PathLike[str], *, mmap: bool = False) -> Any:
    """Read an estimator that `save`, or the command line's ``train``, has written.

    Nothing in the file is executed. What is damaged, or does not fit together, is refused.

    Parameters
    ----------
    path : str or path-like
    mmap : bool, default=False
        Map the weights of a model saved for serving into memory instead of reading them, so that
        processes share them. Such a file must not be changed in place; saving to it again
        does not. Models saved for training, float16 and dropped zeros are read.

    Returns
    -------
    AdaGradClassifier, AdaGradRegressor or TextClassifier
        As it was saved. Of a model saved for serving only predictions, `coef_`, `intercept_` and
        what else goes by weights are there. Callbacks, metadata requests and
        `learning_rate_search_` are not kept.

    Raises
    ------
    fastada.persistence.ModelFileError
        A ValueError: if the file is not a model, is damaged, or is of a newer format.
    OSError
        If it cannot be read.

    Examples
    --------
    >>> import fastada, tempfile
    >>> model = fastada.TextClassifier(random_state=0).fit(["so good", "so bad"], ["pos", "neg"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save(f"{folder}/model.safetensors")
    ...     again = fastada.load(f"{folder}/model.safetensors")
    >>> again.predict(["good"])
    array(['pos'], dtype='<U3')
    """
    with open_model(path) as file:
        about = file.metadata
        if about["estimator"] == "TextClassifier":
            return _text_classifier(file, about, mmap)
        return _estimator(file, about, mmap)


def _store(estimator: AdaGradEstimator, serving: bool, options: dict[str, bool]) -> Stored:
    parameters = _parameters(estimator)
    part = Linear(estimator._state, estimator._settings, estimator._scale, estimator.n_features_in_)
    stored = linear.to_serve(part, **options) if serving else linear.to_train(part)
    about: dict[str, Any] = {
        "estimator": _kind(estimator),
        "parameters": parameters,
        "n_iter": estimator.n_iter_,
        "progress": list(estimator._progress),
        **{name: [float(loss) for loss in getattr(estimator, name)] for name in CURVES},
    }
    if hasattr(estimator, "feature_names_in_"):
        about["feature_names"] = encode_labels(estimator.feature_names_in_)
    if hasattr(estimator, "classes_"):
        about["classes"] = encode_labels(estimator.classes_)
        about["multilabel"] = estimator._multilabel
        about["multinomial"] = estimator._multinomial
        about["temperature"] = estimator.temperature_
        about["offset"] = estimator.offset_
    return Stored({**about, **stored.about}, stored.arrays)


def _store_text(model: TextClassifier, serving: bool, options: dict[str, bool]) -> Stored:
    vectorizer = model.vectorizer_
    stored = _store(model.classifier_, serving, options)
    counts = store_counts(
        TermCounts(
            vectorizer.idf_ if vectorizer.use_idf else None,
            None if serving else getattr(vectorizer, "document_frequency_", None),
            getattr(vectorizer, "n_documents_", 0),
        ),
        sparse=options["drop_zeros"],
    )
    about = {
        "estimator": _kind(model),
        "parameters": _parameters(model),
        "vectorizer": {name: encode(name, getattr(vectorizer, name)) for name in VECTORIZER},
        **counts.about,
        "classifier": stored.about,
    }
    return Stored(about, {**stored.arrays, **counts.arrays})


def _kind(estimator: Any) -> str:
    kind = type(estimator).__name__
    if type(estimator) not in _classes().values():
        raise TypeError(
            f"a model file holds {', '.join(_classes())}, and no subclass of them such as {kind}"
        )
    return kind


def _parameters(estimator: Any) -> dict[str, Any]:
    return {name: encode(name, value) for name, value in estimator.get_params(deep=False).items()}


def _classes() -> dict[str, Any]:
    import fastada

    names = ("AdaGradClassifier", "AdaGradRegressor", "TextClassifier")
    return {name: getattr(fastada, name) for name in names}


def _made(kind: Any, about: dict[str, Any]) -> Any:
    """Make an estimator that is not fitted; parameters that are not in the file are default."""
    parameters = {name: decode(value) for name, value in about["parameters"].items()}
    estimator = kind()
    unknown = set(parameters) - set(estimator.get_params(deep=False))
    if unknown:
        raise ModelFileError(f"there is no parameter {min(unknown)!r}")
    return estimator.set_params(**parameters)


def _estimator(file: ModelFile, about: dict[str, Any], mmap: bool) -> Any:
    name = about["estimator"]
    if name not in ("AdaGradClassifier", "AdaGradRegressor"):
        raise ModelFileError(f"there is no estimator {name!r}")
    estimator = _made(_classes()[name], about)
    estimator._check_parameters()
    part = linear.whole(linear.from_file(file, about, mapped=mmap))
    estimator._state, estimator._settings, estimator._scale = part.state, part.settings, part.scale
    estimator.n_features_in_ = part.n_features
    estimator.n_iter_ = number("n_iter", about["n_iter"], 0, whole=True)
    estimator._progress = progress_of(about)
    estimator.learning_rate_search_ = None
    for curve in CURVES:
        setattr(estimator, curve, numbers(curve, about[curve]))
    if "feature_names" in about:
        estimator.feature_names_in_ = decode_labels(about["feature_names"], part.n_features)
    losses = [LOSSES[loss] for loss in estimator._losses]
    if part.settings["loss"] not in losses:
        raise ModelFileError("its loss is none of its estimator's")
    if name == "AdaGradClassifier":
        _set_classes(estimator, about, part)
    elif part.state.n_outputs != 1:
        raise ModelFileError("a regressor with several outputs")
    return estimator


def _set_classes(estimator: Any, about: dict[str, Any], part: Linear) -> None:
    n_outputs = part.state.n_outputs
    estimator._multilabel = truth("multilabel", about["multilabel"])
    estimator._multinomial = truth("multinomial", about["multinomial"])
    estimator.temperature_ = number("temperature", about.get("temperature", 1.0), 0)
    estimator.offset_ = number("offset", about.get("offset", 0.0))
    if estimator._multilabel:
        estimator.classes_ = decode_labels(about["classes"], n_outputs)
        check_classes(estimator.classes_)
    else:
        estimator.classes_ = decode_classes(about["classes"], n_outputs)
    if estimator._multinomial and (n_outputs == 1 or estimator._multilabel):
        raise ModelFileError(MULTINOMIAL)


def _text_classifier(file: ModelFile, about: dict[str, Any], mmap: bool) -> TextClassifier:
    from fastada.text import HashingVectorizer

    model: TextClassifier = _made(_classes()["TextClassifier"], about)
    if about["classifier"]["estimator"] != "AdaGradClassifier":
        raise ModelFileError("its classifier is no AdaGradClassifier")
    classifier = _estimator(file, about["classifier"], mmap)
    if classifier._multilabel:
        raise ModelFileError(MULTILABEL)
    options = about["vectorizer"]
    check_vectorizer(options)
    vectorizer = HashingVectorizer(
        **{name: decode(value) for name, value in options.items()},
        alternate_sign=False,
        dtype=np.float32,
    )
    check_threads(model.n_jobs)
    check_threads(vectorizer.n_jobs)
    check_ngram_range(vectorizer.ngram_range)
    vectorizer._validate_params()
    if not vectorizer._is_native() or vectorizer.n_features != classifier.n_features_in_:
        raise ModelFileError("its vectorizer does not fit its classifier")
    counts = counts_from_file(file, about, vectorizer.n_features, mapped=mmap)
    check_idf(counts, vectorizer.use_idf)
    if counts.idf is not None:
        vectorizer.idf_ = counts.idf
    vectorizer.weight_unseen = counts.weighs_unseen
    if counts.document_frequency is not None:
        vectorizer.document_frequency_ = counts.document_frequency
        vectorizer.n_documents_ = counts.n_documents
    model.vectorizer_, model.classifier_ = vectorizer, classifier
    return model
