"""AdaGradClassifierCV: learning rate, penalty and epochs by cross-validation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import get_scorer
from sklearn.model_selection import check_cv
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from fastada.classifier import AdaGradClassifier
from fastada.model_path import candidate_rates, candidates, path
from fastada.probabilities import gives_probabilities
from fastada.settings import check_number


class AdaGradClassifierCV(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """AdaGradClassifier with learning rate, penalty and epochs chosen by cross-validation.

    In each fold all candidates learn side by side (fastada.path), and each is scored after every
    epoch. The best on average is trained on all rows.

    Parameters
    ----------
    learning_rates : sequence of float or "auto", default="auto"
        "auto" is eight rates, half an octave apart, from a half of the formula's on.
    alphas : sequence of float, default=(0.0,)
    max_iter : int, default=5
        Epochs at most; as many are used as do best.
    cv : int, cross-validation generator or iterable, default=3
        As scikit-learn's check_cv takes it; an int means stratified folds.
    scoring : str, callable or None, default=None
        A scikit-learn scorer. None: the least loss, for "log_loss" that of the probabilities.
    refit : bool, default=True
        Train the best on all rows. Otherwise there are scores alone.
    loss, update, l1_ratio, batch_size, fit_intercept, multi_class, class_weight, dtype,
    random_state
        As AdaGradClassifier has them.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    learning_rate_, alpha_ : float
        The best.
    n_iter_ : int
        The epochs that did best.
    learning_rates_, alphas_ : ndarray of float64, shape (n_candidates,)
        The settings of the candidates.
    scores_ : ndarray of float64, shape (n_folds, n_epochs, n_candidates)
        Greater is better; -inf where training diverged.
    classifier_ : AdaGradClassifier
    coef_, intercept_ : ndarray
        As AdaGradClassifier has them.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)

    Examples
    --------
    >>> import numpy as np
    >>> from fastada import AdaGradClassifierCV
    >>> X = np.random.default_rng(0).normal(size=(500, 5))
    >>> model = AdaGradClassifierCV(alphas=[0.0, 1.0], random_state=0).fit(X, X[:, 0] > 0)
    >>> model.alpha_
    0.0
    """

    def __init__(
        self,
        *,
        learning_rates: Sequence[float] | str = "auto",
        alphas: Sequence[float] = (0.0,),
        max_iter: int = 5,
        cv: Any = 3,
        scoring: Any = None,
        refit: bool = True,
        loss: str = "log_loss",
        update: str = "comid",
        l1_ratio: float = 0.0,
        batch_size: int = 1,
        fit_intercept: bool = True,
        multi_class: str = "ovr",
        class_weight: dict[Any, float] | str | None = None,
        dtype: npt.DTypeLike | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.learning_rates = learning_rates
        self.alphas = alphas
        self.max_iter = max_iter
        self.cv = cv
        self.scoring = scoring
        self.refit = refit
        self.loss = loss
        self.update = update
        self.l1_ratio = l1_ratio
        self.batch_size = batch_size
        self.fit_intercept = fit_intercept
        self.multi_class = multi_class
        self.class_weight = class_weight
        self.dtype = dtype
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> AdaGradClassifierCV:
        """Score all candidates on each fold, and train the best.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        self

        Raises
        ------
        ValueError
            Where an argument is not as described, a fold lacks a class, or no candidate has a
            score.
        """
        check_number("max_iter", self.max_iter, at_least=1, integer=True)
        checker = AdaGradClassifier(**self._parameters())
        problem = checker._problem(X, y, sample_weight)
        rates = candidate_rates(checker, problem, self.learning_rates)
        alphas = candidates("alphas", self.alphas)
        X, y = validate_data(
            self, X, y, accept_sparse="csr", dtype=[np.float64, np.float32], multi_output=True
        )
        weight = _check_sample_weight(sample_weight, X)
        folds = list(check_cv(self.cv, y, classifier=True).split(X, y))
        self.scores_ = np.empty((len(folds), self.max_iter, len(rates) * len(alphas)))
        for fold, (train, test) in enumerate(folds):
            models = self._score_fold(X, y, weight, rates, train, test, self.scores_[fold])
        self.learning_rates_, self.alphas_ = models.learning_rate, models.alpha
        mean = self.scores_.mean(axis=0)
        if not np.isfinite(mean).any():
            raise ValueError(
                "no candidate has a score: all have diverged, or `scoring` gives NaN for each"
            )
        # NaN would be taken for the greatest.
        mean[np.isnan(mean)] = -np.inf
        epoch, best = np.unravel_index(np.argmax(mean), mean.shape)
        self.learning_rate_, self.alpha_ = (
            float(models.learning_rate[best]),
            float(models.alpha[best]),
        )
        self.n_iter_ = int(epoch) + 1
        self.classes_ = problem.labels["classes_"]
        if self.refit:
            self.classifier_ = AdaGradClassifier(
                learning_rate=self.learning_rate_,
                alpha=self.alpha_,
                max_iter=self.n_iter_,
                tol=None,
                **self._parameters(),
            ).fit(X, y, weight)
        return self

    def _parameters(self) -> dict[str, Any]:
        own = ("learning_rates", "alphas", "max_iter", "cv", "scoring", "refit")
        return {k: v for k, v in self.get_params(deep=False).items() if k not in own}

    def _score_fold(
        self,
        X: Any,
        y: npt.NDArray[Any],
        weight: npt.NDArray[np.float64],
        rates: npt.NDArray[np.float64],
        train: npt.NDArray[np.int64],
        test: npt.NDArray[np.int64],
        scores: npt.NDArray[np.float64],
    ) -> Any:
        """Write the scores of a fold, (n_epochs, n_candidates)."""
        if y.ndim == 1 and len(np.unique(y[train])) < len(np.unique(y)):
            raise ValueError("a fold has no row of some class to learn: use fewer folds")
        scorer = None if self.scoring is None else get_scorer(self.scoring)

        def after_epoch(epoch: int, models: Any) -> None:
            assert scorer is not None
            for m in np.flatnonzero(np.isfinite(models.loss_curve[-1])).tolist():
                scores[epoch, m] = scorer(models.model(m), X[test], y[test])

        scores[:] = -np.inf
        models = path(
            X[train],
            y[train],
            learning_rate=rates,
            alpha=self.alphas,
            max_iter=self.max_iter,
            sample_weight=weight[train],
            X_val=X[test] if scorer is None else None,
            y_val=y[test] if scorer is None else None,
            sample_weight_val=weight[test] if scorer is None else None,
            after_epoch=None if scorer is None else after_epoch,
            **self._parameters(),
        )
        if scorer is None:
            scores[:] = -np.nan_to_num(models.validation_loss, nan=np.inf, posinf=np.inf)
        return models

    # -- the model -------------------------------------------------------------------------

    def decision_function(self, X: Any) -> npt.NDArray[Any]:
        """Margins, as AdaGradClassifier gives them."""
        return self._classifier().decision_function(self._checked(X))

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Labels, as AdaGradClassifier gives them."""
        return self._classifier().predict(self._checked(X))

    @available_if(gives_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Probabilities, as AdaGradClassifier gives them."""
        return np.asarray(self._classifier().predict_proba(self._checked(X)))

    @property
    def coef_(self) -> Any:
        """Weights of the best, trained on all rows."""
        return self._classifier().coef_

    @property
    def intercept_(self) -> npt.NDArray[np.float64]:
        """Intercepts of the best, trained on all rows."""
        return self._classifier().intercept_

    def _classifier(self) -> AdaGradClassifier:
        check_is_fitted(self, "classifier_")
        return self.classifier_

    def _checked(self, X: Any) -> Any:
        return validate_data(
            self, X, reset=False, accept_sparse="csr", dtype=[np.float64, np.float32]
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.classifier_tags.multi_label = self.multi_class == "ovr"
        return tags
