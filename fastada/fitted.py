"""Reading a fitted model: its weights, accumulators and rates; margins; saving."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.utils.validation import check_is_fitted

from fastada import _scoring
from fastada.exclusive import check_not_trained_elsewhere
from fastada.persistence.estimators import save
from fastada.rows import Rows
from fastada.settings import UPDATES, Settings
from fastada.state import State


class FittedMixin:
    """What AdaGradClassifier and AdaGradRegressor have once they are fitted."""

    _state: State
    _settings: Settings
    _progress: tuple[float, float]

    def _model(self) -> tuple[State, Settings]:
        """Give the state and the settings that belong to it, whatever other threads do."""
        while True:
            state, settings = self._state, self._settings
            if state is self._state:
                return state, settings

    def _is_ftrl(self) -> bool:
        return self._settings["update"] == UPDATES["ftrl"]

    def save(
        self,
        path: str | os.PathLike[str],
        *,
        serving: bool = False,
        float16: bool = False,
        drop_zeros: bool = False,
    ) -> None:
        """Write the model to a file in the safetensors format, which fastada.load reads.

        A model that goes on from a file, by partial_fit or with warm_start, gets every bit that it
        would have got without.

        Parameters
        ----------
        path : str or path-like
            A file that is there already is replaced once the new one is on the disk.
        serving : bool, default=False
            Write what predictions need, and not what training goes on from.
        float16 : bool, default=False
            With serving: round weights to 11 bits. They are float32 when loaded.
        drop_zeros : bool, default=False
            With serving: leave features out whose weights are zero. Such a file is smaller, and
            cannot be memory-mapped.

        Raises
        ------
        TypeError
            If a parameter, such as a function, cannot be stored; nothing is written.
        OSError
            If the file cannot be written; the old one stays as it was.
        """
        check_is_fitted(self)
        save(self, path, serving=serving, float16=float16, drop_zeros=drop_zeros)

    def _margins(self, rows: Rows, order: npt.NDArray[np.int64] | None = None) -> npt.NDArray[Any]:
        order = rows.in_order() if order is None else order
        state, settings = self._model()
        if (state.n_features, state.dtype) != (rows.n_features, rows.data.dtype):
            raise RuntimeError("another thread has fitted this model anew in the meantime")
        margins = np.empty((len(order), state.n_outputs), dtype=state.dtype)
        with state.lock:
            weights, intercepts = state.weights(settings), state.intercepts(settings)
        _scoring.margins(
            weights,
            intercepts,
            rows.indptr,
            rows.indices,
            rows.data,
            order,
            margins,
        )
        return margins

    def __getstate__(self) -> Any:
        check_not_trained_elsewhere(self)
        return super().__getstate__()

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_state")

    def _like_coef(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """From (n_features, n_outputs) to the shape of coef_."""
        return array.T

    @property
    def coef_(self) -> Any:
        """Weights, shape (1, n_features), (n_classes, n_features), or of a regressor (n_features,).

        Read-only, and current as of the last step. A CSR matrix after sparsify().
        """
        check_is_fitted(self)
        if hasattr(self, "_sparse_coef"):
            return self._sparse_coef
        state, settings = self._model()
        return self._like_coef(state.weights(settings))

    @property
    def intercept_(self) -> npt.NDArray[np.float64]:
        """Intercepts, shape (n_outputs,)."""
        check_is_fitted(self)
        state, settings = self._model()
        with state.lock:
            return state.intercepts(settings)

    @property
    def t_(self) -> int:
        """Number of steps since the weights were zero."""
        check_is_fitted(self)
        return self._state.n_steps

    @property
    def learning_rate_(self) -> float:
        """The learning rate eta of the features; "auto" has another for the intercept."""
        check_is_fitted(self)
        return self._settings["rate"]

    @property
    def progressive_loss_(self) -> float:
        """Mean loss of the rows before each was learned for the first time, weighted as in fit.

        An estimate of the loss on unseen rows that needs no held-out set, and a cautious one, since
        it has the losses of the beginning in it: of the first epoch of fit, or of all rows given to
        partial_fit. With the log loss and more than two classes it is that of the probabilities as
        predict_proba gives them. Rows that X holds twice are not unseen the second time.
        """
        check_is_fitted(self)
        total, weight = self._progress
        return total / weight if weight else float("nan")

    @property
    def n_nonzero_(self) -> int:
        """Number of weights that are not zero."""
        check_is_fitted(self)
        state, settings = self._model()
        return int(np.count_nonzero(state.weights(settings)))

    @property
    def sum_sq_grad_(self) -> npt.NDArray[Any]:
        """The accumulators G = initial_accumulator + sum of squared gradients, shaped as coef_."""
        check_is_fitted(self)
        state, settings = self._model()
        with state.lock:
            return self._like_coef(state.accumulators_now(settings).copy())

    @property
    def learning_rate_per_feature_(self) -> npt.NDArray[Any]:
        """Step size of each weight, rate / (epsilon + sqrt(G)), shaped as coef_.

        With update="ftrl" it is rate / (beta + sqrt(G)).
        """
        check_is_fitted(self)
        offset = self._settings["beta" if self._is_ftrl() else "epsilon"]
        G = self._state.accumulators_now(self._settings)
        return self._like_coef(np.asarray(self._settings["rate"] / (offset + np.sqrt(G)), G.dtype))

    def sparsify(self) -> Any:
        """Turn coef_ into a CSR matrix, until densify() or the next training.

        For looking at few weights among many; predictions still take the dense ones.

        Returns
        -------
        self
        """
        check_is_fitted(self)
        self._sparse_coef = sp.csr_matrix(np.atleast_2d(self.coef_))
        return self

    def densify(self) -> Any:
        """Turn coef_ back into an array.

        Returns
        -------
        self
        """
        check_is_fitted(self)
        self.__dict__.pop("_sparse_coef", None)
        return self
