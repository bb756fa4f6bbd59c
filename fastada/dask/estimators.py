"""AdaGradClassifier, AdaGradRegressor and TextClassifier that train where Dask has the data."""

from __future__ import annotations

import copy
import os
from typing import Any

import dask
import numpy as np
from distributed import Client, default_client, get_client
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from fastada import classifier, regressor, text_classifier
from fastada.base import AdaGradEstimator
from fastada.dask import predictions
from fastada.dask.checkpoint import Checkpoint
from fastada.dask.partitions import aligned, is_distributed, places
from fastada.dask.training import Task, fit
from fastada.probabilities import gives_probabilities


class DaskEstimator:
    """What the three have in common; the class after it in the order of bases does the rest."""

    _local: type[Any]
    _client: Client | None = None

    @property
    def client(self) -> Client:
        """The client to train and predict by; if none is set, Dask's current one."""
        return self._client or get_client()

    @client.setter
    def client(self, client: Client | None) -> None:
        self._client = client

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        checkpoint: str | os.PathLike[str] | None = None,
        resume: bool = False,
    ) -> Any:
        """Train for up to max_iter epochs, each of n_syncs rounds.

        Equal partitions on as many workers give the same bits, whichever worker has which, and
        whichever dies.

        Parameters
        ----------
        X : Dask array, bag, data frame or series, or list of delayed or futures
            Blocks of whole rows: CSR matrices or arrays, or of a TextClassifier texts. What has
            been persisted, or is made from what has been, is learned where that is.
        y, sample_weight : the same
            Cut at the same rows.
        checkpoint : str or path-like, optional
            A file to write after every round; fastada.load reads it.
        resume : bool, default=False
            Go on from the checkpoint, if there is one.

        Returns
        -------
        self

        Raises
        ------
        TypeError
            If X is no Dask collection, or the client asynchronous.
        ValueError
            Where an argument is not as described; the estimator stays as it was.
        FloatingPointError
            Where training diverges; the estimator stays as it was.
        RuntimeError
            If no worker is left, or one share has killed several.
        """
        partitions = aligned(X, y, sample_weight)
        client = self.client
        if client.asynchronous:
            raise TypeError("fit waits for its workers: it needs a client with asynchronous=False")
        local = self._fresh()
        point = None
        if resume and checkpoint is None:
            raise ValueError("resume needs checkpoint, the file to go on from")
        if checkpoint is not None:
            point = Checkpoint(checkpoint, resume, lambda: local, local.get_params(deep=False))
        linear, vectorizer, goes_on = self._parts(local)
        homes = places(client, X, partitions)
        fit(Task(linear, vectorizer, client, partitions, homes, goes_on, point))
        for name, value in vars(local).items():
            setattr(self, name, value)
        return self

    def partial_fit(self, X: Any, y: Any, *args: Any, **kwargs: Any) -> Any:
        """Learn rows in the memory of one machine, as the estimator of fastada does.

        Dask collections are for dask_ml.wrappers.Incremental, which hands their blocks over here
        one by one, or for fit with warm_start.
        """
        if is_distributed(X):
            raise TypeError(
                "partial_fit takes rows in memory, not Dask collections: wrap the estimator in "
                "dask_ml.wrappers.Incremental, or use fit with warm_start=True"
            )
        return super().partial_fit(X, y, *args, **kwargs)  # type: ignore[misc]

    def predict(self, X: Any) -> Any:
        """Predict; lazily, a Dask array, for Dask collections.

        Parameters
        ----------
        X : as fit takes it, or rows in memory

        Returns
        -------
        Dask array or ndarray of shape (n_samples,), or (n_samples, n_labels) of multilabel problems
        """
        if not is_distributed(X):
            return super().predict(X)  # type: ignore[misc]
        check_is_fitted(self)
        linear = self._linear
        if not hasattr(linear, "classes_"):
            return self._predictions("predict", X, linear._state.dtype, None)
        if linear._multilabel:
            return self._predictions("predict", X, np.dtype(np.int64), linear._state.n_outputs)
        return self._predictions("predict", X, linear.classes_.dtype, None)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Accuracy, or a regressor's R^2; lazily, as a delayed number, for Dask collections.

        Parameters
        ----------
        X, y, sample_weight : as fit takes them, or in memory

        Returns
        -------
        delayed or float
        """
        if not is_distributed(X):
            return super().score(X, y, sample_weight)  # type: ignore[misc]
        check_is_fitted(self)
        return predictions.score(self._serving(), X, y, sample_weight, self._client_or_none())

    def to_local(self) -> Any:
        """Give the estimator of fastada itself, without a trace of Dask.

        Returns
        -------
        fastada.AdaGradClassifier, AdaGradRegressor or TextClassifier
        """
        local = object.__new__(self._local)
        vars(local).update({k: v for k, v in vars(self).items() if k != "_client"})
        return local

    def save(self, path: str | os.PathLike[str], **options: Any) -> None:
        """Write the model to a file, which fastada.load reads as an estimator of fastada itself.

        Parameters
        ----------
        path : str or path-like
        **options
            As fastada.AdaGradClassifier.save takes them.
        """
        self.to_local().save(path, **options)

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()  # type: ignore[assignment]
        return {name: value for name, value in state.items() if name != "_client"}

    # -- inside ------------------------------------------------------------------------------

    def _fresh(self) -> Any:
        """Give the estimator of fastada itself to fit in this one's place."""
        return self._local(**self.get_params(deep=False))  # type: ignore[attr-defined]

    def _parts(self, local: Any) -> tuple[AdaGradEstimator, Any, bool]:
        """Give what learns, what makes rows of text, and whether a model is gone on from."""
        raise NotImplementedError

    @property
    def _linear(self) -> Any:
        return self

    def _serving(self) -> Any:
        return predictions.serving(self.to_local())

    def _client_or_none(self) -> Client | None:
        """Give the client, if there is one and Dask's own scheduler is not asked for."""
        if self._client is not None:
            return self._client
        if dask.config.get("scheduler", None) not in (None, "dask.distributed", "distributed"):
            return None
        try:
            return default_client()
        except ValueError:
            return None

    def _predictions(self, method: str, X: Any, dtype: Any, width: int | None) -> Any:
        client = self._client_or_none()
        return predictions.predictions(self._serving(), method, X, client, dtype, width)


class _Linear(DaskEstimator):
    def _parts(self, local: Any) -> tuple[AdaGradEstimator, Any, bool]:
        goes_on = bool(self.warm_start and hasattr(self, "_state"))  # type: ignore[attr-defined]
        if goes_on:
            self._check_goes_on()  # type: ignore[attr-defined]
            vars(local).update({k: v for k, v in vars(self).items() if k != "_client"})
        return local, None, goes_on


def _local_gives_probabilities(model: Any) -> bool:
    if isinstance(model, text_classifier.TextClassifier):
        return text_classifier.text_gives_probabilities(model)
    return gives_probabilities(model)


class _Classifier(DaskEstimator):
    """Margins and probabilities."""

    def decision_function(self, X: Any) -> Any:
        """Margins; lazily, a Dask array, for Dask collections.

        Parameters
        ----------
        X : as fit takes it, or rows in memory

        Returns
        -------
        Dask array or ndarray of shape (n_samples,) with two classes, else (n_samples, n_classes)
        """
        if not is_distributed(X):
            return super().decision_function(X)  # type: ignore[misc]
        check_is_fitted(self)
        state = self._linear._state
        width = None if state.n_outputs == 1 else state.n_outputs
        return self._predictions("decision_function", X, state.dtype, width)

    @available_if(_local_gives_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Any:
        """Probabilities; lazily, a Dask array, for Dask collections.

        Parameters
        ----------
        X : as fit takes it, or in memory

        Returns
        -------
        Dask array or ndarray of float64, shape (n_samples, n_classes)
        """
        if not is_distributed(X):
            return super().predict_proba(X)  # type: ignore[misc]
        return self._lazy_probabilities("predict_proba", X)

    def _lazy_probabilities(self, method: str, X: Any) -> Any:
        check_is_fitted(self)
        return self._predictions(method, X, np.dtype(np.float64), len(self._linear.classes_))


class AdaGradClassifier(_Classifier, _Linear, classifier.AdaGradClassifier):  # type: ignore[misc]
    """fastada.AdaGradClassifier, which documents the parameters, on a Dask cluster.

    Each worker learns its share of the rows on a replica of the model, and n_syncs times an
    epoch they are combined. With n_jobs=-1 a worker has as many shares as threads, with None one.

    Attributes
    ----------
    client : distributed.Client
        Where to train; if it is not set, Dask's current client.
    coef_, intercept_, classes_, ...
        As fastada.AdaGradClassifier has them.

    Examples
    --------
    >>> import dask.array as da
    >>> import numpy as np
    >>> from distributed import Client
    >>> from fastada.dask import AdaGradClassifier
    >>> X = da.random.default_rng(0).normal(size=(1000, 5), chunks=(250, 5))
    >>> y = (X[:, 0] > 0).astype(int)
    >>> with Client(processes=False, dashboard_address=":0"):  # doctest: +SKIP
    ...     model = AdaGradClassifier(random_state=0).fit(X, y)
    ...     model.score(X, y).compute() > 0.9
    True
    """

    _local = classifier.AdaGradClassifier

    @available_if(_local_gives_probabilities)  # type: ignore[untyped-decorator]
    def predict_log_proba(self, X: Any) -> Any:
        """Logarithms of predict_proba.

        Parameters
        ----------
        X : as fit takes it, or rows in memory

        Returns
        -------
        Dask array or ndarray of float64, shape (n_samples, n_classes)
        """
        if not is_distributed(X):
            return super().predict_log_proba(X)
        return self._lazy_probabilities("predict_log_proba", X)


class AdaGradRegressor(_Linear, regressor.AdaGradRegressor):  # type: ignore[misc]
    """fastada.AdaGradRegressor, which documents the parameters, on a Dask cluster.

    See AdaGradClassifier of this module for what is different here.
    """

    _local = regressor.AdaGradRegressor


class TextClassifier(_Classifier, text_classifier.TextClassifier):
    """fastada.TextClassifier, which documents the parameters, on a Dask cluster.

    X is a Dask bag, or a series of a Dask data frame, of texts. With use_idf workers count their
    texts first, and the counts are added up. No texts are left out, so that loss="auto" is
    "log_loss", and margins of hinge losses give no probabilities.
    """

    _local = text_classifier.TextClassifier

    def _parts(self, local: Any) -> tuple[AdaGradEstimator, Any, bool]:
        vectorizer, linear = local._make_vectorizer(), local._make_classifier()
        linear.calibrate = local.calibrate
        vectorizer._validate_params()
        vectorizer._check_sublinear()
        local.vectorizer_, local.classifier_ = vectorizer, linear
        return linear, vectorizer, False

    @property
    def _linear(self) -> Any:
        return self.classifier_

    def _serving(self) -> Any:
        local = copy.copy(self.to_local())
        local.classifier_ = predictions.serving(self.classifier_)
        return local
