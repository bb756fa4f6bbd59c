"""TextClassifier: raw text in, labels out."""

from __future__ import annotations

import os
from copy import copy
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_consistent_length
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, column_or_1d

from fastada.calibration import FEWEST_ROWS
from fastada.classifier import AdaGradClassifier
from fastada.exclusive import exclusive
from fastada.names import columns_of_ngrams, names_of_columns
from fastada.persistence.estimators import save
from fastada.probabilities import gives_probabilities
from fastada.settings import check_number
from fastada.text import HashingVectorizer
from fastada.text_scoring import TextScorer, scorer_now
from fastada.validation import check_sample_weight


class Contribution(NamedTuple):
    """What an n-gram adds to the margin of a class.

    `ngram` holds several, separated by " | ", where they share a column.
    """

    ngram: str
    contribution: float


def text_gives_probabilities(estimator: Any) -> bool:
    """Say so as gives_probabilities does, of a TextClassifier."""
    if estimator.__sklearn_is_fitted__():
        return gives_probabilities(estimator.classifier_)
    return gives_probabilities(estimator._make_classifier())


class TextClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Linear classifier of raw text: a hashing vectoriser and AdaGrad in one object.

    The defaults are those that measure best, on the mean of seven public data sets, among counts,
    logarithms of counts and presence, with and without inverse document frequency.

    Parameters
    ----------
    analyzer : {"word", "char", "char_wb"}, default="word"
    ngram_range : tuple (min_n, max_n), default=(1, 2)
    n_features : int, default=2**20
        Columns that n-grams are hashed to.
    lowercase : bool, default=True
    strip_accents : {"ascii", "unicode"} or None, default=None
    sublinear_tf : bool, default=True
        1 + log(count) instead of counts.
    use_idf : bool, default=True
        Multiply by the inverse document frequency.
    loss : str, default="auto"
        One of AdaGradClassifier's. "auto" is "squared_hinge" where fit learns more than two classes
        one against the rest and can calibrate their probabilities, from 100 texts on, and
        "log_loss" else.
    learning_rate : float or "auto", default="auto"
    alpha, l1_ratio : float, default=0.0
        Strength of the penalty, and the share of its L1 part.
    max_iter : int, default=10
        Epochs at most.
    multi_class : {"ovr", "multinomial"}, default="ovr"
    class_weight : dict, "balanced" or None, default=None
    calibrate : bool or "auto", default="auto"
        Let models trained without some of the texts tell the size of probabilities, the number of
        epochs and what to begin from, as AdaGradClassifier describes it. "auto" calibrates hinge
        losses too.
    n_jobs : int or None, default=None
        Threads of the vectoriser and, on their shares of the rows, of the classifier.
    verbose : int, default=0
    random_state : int, RandomState instance or None, default=None

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    vectorizer_ : fastada.text.HashingVectorizer
        float32, rows of unit norm.
    classifier_ : fastada.AdaGradClassifier
    progressive_loss_, learning_rate_ : float
        As AdaGradClassifier has them.

    See Also
    --------
    fastada.AdaGradClassifier : describes the parameters of training.
    fastada.text.HashingVectorizer : describes those of the text.

    Examples
    --------
    >>> from fastada import TextClassifier
    >>> model = TextClassifier(random_state=0).fit(["so good", "so bad"], ["pos", "neg"])
    >>> model.predict(["good"])
    array(['pos'], dtype='<U3')
    """

    def __init__(
        self,
        *,
        analyzer: str = "word",
        ngram_range: tuple[int, int] = (1, 2),
        n_features: int = 2**20,
        lowercase: bool = True,
        strip_accents: str | None = None,
        sublinear_tf: bool = True,
        use_idf: bool = True,
        loss: str = "auto",
        learning_rate: float | str = "auto",
        alpha: float = 0.0,
        l1_ratio: float = 0.0,
        max_iter: int = 10,
        multi_class: str = "ovr",
        class_weight: dict[Any, float] | str | None = None,
        calibrate: bool | str = "auto",
        n_jobs: int | None = None,
        verbose: int = 0,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.analyzer = analyzer
        self.ngram_range = ngram_range
        self.n_features = n_features
        self.lowercase = lowercase
        self.strip_accents = strip_accents
        self.sublinear_tf = sublinear_tf
        self.use_idf = use_idf
        self.loss = loss
        self.learning_rate = learning_rate
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.max_iter = max_iter
        self.multi_class = multi_class
        self.class_weight = class_weight
        self.calibrate = calibrate
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.random_state = random_state

    # -- training --------------------------------------------------------------------------

    @exclusive
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> TextClassifier:
        """Train for up to max_iter epochs.

        Parameters
        ----------
        X : iterable of str or bytes, or column of strings, of length n_samples
        y : array-like of shape (n_samples,)
            Labels.
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            Where an argument is not as described; the estimator stays as it was.
        """
        X, y = self._check(X, y)
        vectorizer = self._make_vectorizer()
        classifier = self._make_classifier(self._loss_of_fit(y, sample_weight))
        classifier._norms_are_of_known = self.use_idf
        classifier.fit(vectorizer.fit_transform(X), y, sample_weight)
        del classifier._norms_are_of_known  # of these rows it is true
        self.vectorizer_, self.classifier_ = vectorizer, classifier
        return self

    @exclusive
    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> TextClassifier:
        """Learn the texts once, as they come, on top of what was learned before.

        With use_idf the texts are counted before they are learned, and those of earlier calls
        are not weighted again: the first calls should bring enough text to count on.

        Parameters
        ----------
        X : iterable of str or bytes, or column of strings, of length n_samples
        y : array-like of shape (n_samples,)
        classes : array-like of shape (n_classes,)
            All labels that will occur. Needed in the first call.
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        self
        """
        X, y = self._check(X, y)
        if self.__sklearn_is_fitted__():
            vectorizer, classifier = copy(self.vectorizer_), self.classifier_
            classifier._check_goes_on()
            if self.use_idf:
                # Counted on a copy: what the classifier refuses has not been seen.
                vectorizer.document_frequency_ = vectorizer.document_frequency_.copy()
        else:
            vectorizer, classifier = self._make_vectorizer(), self._make_classifier()
        vectorizer.partial_fit(X)
        classifier.partial_fit(vectorizer.transform(X), y, classes, sample_weight)
        self.vectorizer_, self.classifier_ = vectorizer, classifier
        return self

    def _check(self, X: Any, y: Any) -> tuple[Any, npt.NDArray[Any]]:
        X = _documents(X)
        if y is None:
            raise ValueError("TextClassifier requires y to be passed, but the target y is None.")
        y = column_or_1d(y, warn=True)
        check_consistent_length(X, y)
        return X, y

    def _make_vectorizer(self) -> HashingVectorizer:
        return HashingVectorizer(
            analyzer=self.analyzer,
            ngram_range=self.ngram_range,
            n_features=self.n_features,
            lowercase=self.lowercase,
            strip_accents=self.strip_accents,
            sublinear_tf=self.sublinear_tf,
            use_idf=self.use_idf,
            weight_unseen=False,
            alternate_sign=False,
            dtype=np.float32,
            n_jobs=self.n_jobs,
        )

    def _loss_of_fit(self, y: npt.NDArray[Any], sample_weight: Any) -> str:
        """Give the loss that `fit` trains with.

        One against the rest, the squared hinge tells more of many classes apart than the log loss:
        it leaves alone what is told apart by a margin (docs/learning-rate.md).
        """
        if self.loss != "auto":
            return self.loss
        n_rows = np.count_nonzero(check_sample_weight(sample_weight, len(y)))
        is_to_calibrate = self.calibrate and self.multi_class == "ovr" and n_rows >= FEWEST_ROWS
        return "squared_hinge" if is_to_calibrate and len(set(y.tolist())) > 2 else "log_loss"

    def _make_classifier(self, loss: str | None = None) -> AdaGradClassifier:
        loss = loss or ("log_loss" if self.loss == "auto" else self.loss)
        is_hinge = loss in ("hinge", "squared_hinge")
        return AdaGradClassifier(
            loss,
            learning_rate=self.learning_rate,
            alpha=self.alpha,
            l1_ratio=self.l1_ratio,
            max_iter=self.max_iter,
            multi_class=self.multi_class,
            class_weight=self.class_weight,
            calibrate=True if is_hinge and self.calibrate == "auto" else self.calibrate,
            n_jobs=self.n_jobs,
            verbose=self.verbose,
            random_state=self.random_state,
        )

    # -- predictions -----------------------------------------------------------------------

    @property
    def progressive_loss_(self) -> float:
        """Mean loss of each text before it was learned: an estimate without a held-out set."""
        check_is_fitted(self)
        return self.classifier_.progressive_loss_

    @property
    def learning_rate_(self) -> float:
        """The learning rate in use."""
        check_is_fitted(self)
        return self.classifier_.learning_rate_

    @property
    def classes_(self) -> npt.NDArray[Any]:
        """Labels, sorted."""
        check_is_fitted(self)
        return np.asarray(self.classifier_.classes_)

    def decision_function(self, X: Any) -> npt.NDArray[Any]:
        """Margins.

        Parameters
        ----------
        X : iterable of str or bytes, or column of strings, of length n_samples

        Returns
        -------
        ndarray of shape (n_samples,) with two classes, else (n_samples, n_classes)
            With two classes positive means classes_[1].
        """
        margins = self._margins(X)
        return self.classifier_._decisions(margins)

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Labels.

        Parameters
        ----------
        X : iterable of str or bytes, or column of strings, of length n_samples

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        decisions = self.decision_function(X)
        return self.classifier_._best_labels(decisions)

    @available_if(text_gives_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Probabilities of the classes.

        Parameters
        ----------
        X : iterable of str or bytes, or column of strings, of length n_samples

        Returns
        -------
        ndarray of float64, shape (n_samples, n_classes)
        """
        decisions = self.decision_function(X)
        return self.classifier_._probabilities(decisions)

    def _margins(self, X: Any) -> npt.NDArray[Any]:
        if not self.__sklearn_is_fitted__():
            check_is_fitted(self)  # raises; asking it costs more than scoring a short text
        scorer = self._scorer()
        if scorer is None:
            rows = self.classifier_._rows(self._vectors(X))
            return self.classifier_._margins(rows)
        return scorer.margins(_documents(X))

    def _scorer(self) -> TextScorer | None:
        """Give the scorer of the model as it is now, or None where text goes through a matrix."""
        known = self.__dict__.get("_known_scorer")
        self._known_scorer = known = scorer_now(known, self.vectorizer_, *self.classifier_._model())
        return known.scorer

    def __getstate__(self) -> Any:
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_known_scorer"}

    def _vectors(self, X: Any) -> Any:
        check_is_fitted(self)
        return self.vectorizer_.transform(_documents(X))

    # -- reading the model -----------------------------------------------------------------

    def explain(self, text: str, label: Any = None) -> list[Contribution]:
        """Say what each n-gram of a text adds to the margin of a class.

        Parameters
        ----------
        text : str
        label : optional
            One of classes_; by default the one predicted.

        Returns
        -------
        list of Contribution
            Strongest first. With the intercept of the class they add up to its margin.
        """
        if not isinstance(text, str | bytes):
            raise TypeError(f"text must be one text; got {type(text).__name__}")
        vector = self._vectors([text])
        label = self.classifier_.predict(vector)[0] if label is None else label
        contributions = self._weights(label)[vector.indices] * vector.data
        names = columns_of_ngrams(self.vectorizer_, text)
        found = [
            Contribution(" | ".join(names[column]), float(value))
            for column, value in zip(vector.indices.tolist(), contributions, strict=True)
        ]
        return sorted(found, key=lambda c: -abs(c.contribution))

    def top_features(self, label: Any, k: int, texts: Any) -> list[tuple[str, float]]:
        """List the n-grams that speak most for a class.

        Hashing forgets names: they are found again in texts, in one pass, and only few of the
        texts are looked at in Python.

        Parameters
        ----------
        label : one of classes_
        k : int
        texts : iterable of str or bytes, or column of strings
            Where to look for the names, e.g. the training texts.

        Returns
        -------
        list of (str, float)
            N-gram and weight, the largest weight first. A column whose n-gram is in none of the
            texts is left out.
        """
        check_is_fitted(self)
        check_number("k", k, at_least=1, integer=True)
        weights = self._weights(label)
        texts = _documents(texts)
        vectors = self.vectorizer_.transform(texts)
        present = np.unique(vectors.indices)
        best = present[np.argsort(-weights[present], kind="stable")[:k]]
        names = names_of_columns(self.vectorizer_, texts, vectors, best)
        return [(names[column], float(weights[column])) for column in best.tolist()]

    def _weights(self, label: Any) -> npt.NDArray[Any]:
        position = np.flatnonzero(self.classes_ == label)
        if len(position) != 1:
            raise ValueError(f"label must be one of {self.classes_.tolist()}; got {label!r}")
        coef = self.classifier_.coef_
        if len(coef) == 1:
            return np.asarray(coef[0] if position[0] else -coef[0])
        return np.asarray(coef[position[0]])

    def save(
        self,
        path: str | os.PathLike[str],
        *,
        serving: bool = False,
        float16: bool = False,
        drop_zeros: bool = False,
    ) -> None:
        """Write the model to a file in the safetensors format, which fastada.load reads.

        Parameters
        ----------
        path, serving, float16, drop_zeros
            As AdaGradClassifier.save takes them.
        """
        check_is_fitted(self)
        save(self, path, serving=serving, float16=float16, drop_zeros=drop_zeros)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "classifier_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags


def _documents(X: Any) -> Any:
    """Give what can be read twice and has a length."""
    if isinstance(X, str | bytes):
        raise ValueError("X must be an iterable of texts, not one text: put it into a list")
    return X if hasattr(X, "__len__") else list(X)
