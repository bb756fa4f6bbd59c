"""Names of hashed columns, found again in text by scikit-learn's own analyser."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils import murmurhash3_32

# Documents looked at for each column: enough to tell its own n-gram from a rare one that shares it.
LOOKED_AT = 5


def columns_of_ngrams(vectorizer: Any, text: Any) -> dict[int, Counter[str]]:
    """Map each column of a document to its n-grams and their counts.

    Parameters
    ----------
    vectorizer : fastada.text.HashingVectorizer
    text : str or bytes
    """
    columns: dict[int, Counter[str]] = {}
    for ngram in vectorizer.build_analyzer()(text):
        # The hash of sklearn.feature_extraction.FeatureHasher; -2**31 has no int32 opposite.
        column = abs(murmurhash3_32(ngram, seed=0)) % vectorizer.n_features
        columns.setdefault(column, Counter())[ngram] += 1
    return columns


def names_of_columns(
    vectorizer: Any, texts: Any, vectors: Any, columns: npt.NDArray[Any]
) -> dict[int, str]:
    """Name columns by the n-gram that is most frequent in a few documents that have them.

    Parameters
    ----------
    vectorizer : fastada.text.HashingVectorizer
    texts : sequence or column of strings, of length n_samples
    vectors : CSR matrix of shape (n_samples, n_features)
        The texts, transformed by the vectoriser.
    columns : array of int
        Each of them in one of the texts at least.
    """
    entries = np.flatnonzero(np.isin(vectors.indices, columns))
    rows = np.searchsorted(vectors.indptr, entries, side="right") - 1
    documents: dict[int, list[int]] = {int(column): [] for column in columns}
    for column, row in zip(vectors.indices[entries].tolist(), rows.tolist(), strict=True):
        if len(documents[column]) < LOOKED_AT:
            documents[column].append(row)
    needed = {row for found in documents.values() for row in found}
    ngrams = {row: columns_of_ngrams(vectorizer, _text(texts, row)) for row in needed}
    names = {}
    for column, found in documents.items():
        counts: Counter[str] = Counter()
        for row in found:
            counts.update(ngrams[row][column])
        names[column] = counts.most_common(1)[0][0]
    return names


def _text(texts: Any, row: int) -> Any:
    text = texts.iloc[row] if hasattr(texts, "iloc") else texts[row]
    return text.as_py() if hasattr(text, "as_py") else text
