"""What each n-gram of a text adds to a model's margin."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fastada.formats.chunk import Chunk
from fastada.stream.model import Model, best_classes
from fastada.stream.options import Features
from fastada.stream.vectorise import vectorise

if TYPE_CHECKING:
    from fastada.text import HashingVectorizer


class Explanation(NamedTuple):
    """A class, and what speaks for it; the strongest contribution first."""

    label: str
    probability: float
    intercept: float
    contributions: list[tuple[str, float]]


def explain(model: Model, text: str, label: str | None) -> Explanation:
    """Explain the margin of a class, by default of the one predicted.

    N-grams that share a column are named together, separated by " | ".
    """
    from fastada.names import columns_of_ngrams

    features = model.features
    chunk = Chunk(np.ones(1, np.int64), None, [text])
    vectors = vectorise(chunk, features, model.weighting()).vectors
    margins = model.margins(vectors)
    best = int(best_classes(margins)[0]) if label is None else model.classes.index(label)
    output, sign = (0, 1 if best else -1) if margins.shape[1] == 1 else (best, 1)
    values = sign * model.weights[vectors.indices, output] * vectors.data
    names = columns_of_ngrams(vectorizer_of(features), text)
    contributions = [
        (" | ".join(names[column]), float(value))
        for column, value in zip(vectors.indices.tolist(), values, strict=True)
    ]
    return Explanation(
        model.classes[best],
        float(model.probabilities(margins)[0, best]),
        sign * float(model.intercepts[output]),
        sorted(contributions, key=lambda item: -abs(item[1])),
    )


def vectorizer_of(features: Features) -> HashingVectorizer:
    """Give the vectoriser that names n-grams as the model's columns do."""
    from fastada.text import HashingVectorizer

    return HashingVectorizer(
        analyzer=features.analyzer,
        ngram_range=features.ngrams,
        lowercase=features.lowercase,
        n_features=features.n_features,
    )
