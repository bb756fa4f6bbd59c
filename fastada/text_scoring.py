"""Margins of raw text under a linear model, without a matrix between the two."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastada._hashing import NgramHasher
from fastada._text_scoring import document_margins
from fastada.text.documents import Batch, DocumentReader
from fastada.text.options import NgramOptions
from fastada.text.term_weighting import NORMS, TermWeighting
from fastada.workers import effective_n_jobs, in_order

if TYPE_CHECKING:
    from fastada.settings import Settings
    from fastada.state import State
    from fastada.text import HashingVectorizer


class TextScorer:
    """Scores documents as they are hashed; may be used by several threads at once.

    Parameters
    ----------
    reader : DocumentReader
    options : NgramOptions
    weighting : TermWeighting
    weights : ndarray of shape (n_features, n_outputs), of the dtype of the weighting
        In C order, as are all arrays that the kernels take.
    intercepts : ndarray of float64, shape (n_outputs,)
    n_jobs : int or None
        Number of threads; None is 1, -1 all cores.
    """

    def __init__(
        self,
        reader: DocumentReader,
        options: NgramOptions,
        weighting: TermWeighting,
        weights: NDArray[Any],
        intercepts: NDArray[np.float64],
        n_jobs: int | None = None,
    ) -> None:
        self.reader = reader
        self.options = options
        self.weighting = weighting
        self.idf = weighting.factors
        self.norm = NORMS[weighting.norm]
        self.weights = weights
        self.intercepts = intercepts
        self.n_threads = effective_n_jobs(n_jobs)
        self.idle: list[NgramHasher] = []

    def margins(self, documents: Any) -> NDArray[Any]:
        """Score all documents.

        Parameters
        ----------
        documents : iterable of str or bytes, or column of strings

        Returns
        -------
        ndarray of the dtype of the weights, shape (n_documents, n_outputs)
            It does not depend on the number of threads.

        Raises
        ------
        ValueError
            If there is no document, or one is missing.
        TypeError, UnicodeError
            If one is not text.
        """
        found = self.of_batches(self.reader.batches(documents))
        if not len(found):
            raise ValueError("Cannot vectorize empty sequence.")
        return found

    def of_batches(self, batches: Iterable[Batch]) -> NDArray[Any]:
        """Score the documents of batches, by n_jobs threads."""
        if self.n_threads == 1:
            found = [self.of_batch(batch) for batch in batches]
        else:
            found = list(in_order(self.of_batch, batches, self.n_threads))
        return found[0] if len(found) == 1 else np.concatenate([self._room(0), *found])

    def of_batch(self, batch: Batch) -> NDArray[Any]:
        """Score the documents of a batch, by the thread at hand."""
        # A hasher serves one thread at a time. list.pop is atomic.
        try:
            hasher = self.idle.pop()
        except IndexError:
            hasher = self.options.hasher()
        out = self._room(len(batch.sizes))
        done = 0
        while done < len(out):
            more_done, count = document_margins(
                hasher.address,
                batch.addresses[done:],
                batch.sizes[done:],
                batch.prepared[done:],
                self.weighting.tf,
                self.idf,
                self.norm,
                self.weights,
                self.intercepts,
                out[done:],
            )
            done += more_done
            if count:
                self.weighting.reach(count)
        self.idle.append(hasher)
        return out

    def _room(self, n_documents: int) -> NDArray[Any]:
        return np.empty((n_documents, self.weights.shape[1]), self.weights.dtype)


def scorer_of(
    vectorizer: HashingVectorizer, weights: NDArray[Any], intercepts: NDArray[np.float64]
) -> TextScorer | None:
    """Score what a vectoriser would transform, or None where that is not the kernels' work.

    Parameters
    ----------
    vectorizer : fastada.text.HashingVectorizer
    weights : ndarray of shape (n_features, n_outputs)
    intercepts : ndarray of float64, shape (n_outputs,)
    """
    vectorizer._check_sublinear()
    if (
        not vectorizer._is_native()
        or weights.dtype != vectorizer.dtype
        or len(weights) != vectorizer.n_features
        # Such weights may be infinite: to be found and told by the vectoriser.
        or (vectorizer.use_idf and vectorizer.weight_unseen and not vectorizer.smooth_idf)
    ):
        return None
    return TextScorer(
        vectorizer._reader(),
        vectorizer._options(),
        vectorizer._weighting(vectorizer.idf_ if vectorizer.use_idf else None),
        weights,
        intercepts,
        vectorizer.n_jobs,
    )


class KnownScorer(NamedTuple):
    """A scorer, None where text goes through a matrix, and the objects that it was made of."""

    made_of: tuple[Any, ...]
    scorer: TextScorer | None


def scorer_now(
    known: KnownScorer | None, vectorizer: HashingVectorizer, state: State, settings: Settings
) -> KnownScorer:
    """Give the scorer of a model as it is now: the known one if nothing has taken a place of its.

    Making it costs more than scoring a short text.
    """
    of_vectorizer = vars(vectorizer).values()
    made_of = (state.weights(settings), *of_vectorizer)
    if (
        known is not None
        and len(known.made_of) == len(made_of)
        and all(map(operator.is_, known.made_of, made_of))
    ):
        return known
    with state.lock:
        weights, intercepts = state.weights(settings), state.intercepts(settings)
    return KnownScorer((weights, *of_vectorizer), scorer_of(vectorizer, weights, intercepts))
