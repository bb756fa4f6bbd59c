"""What n-grams are hashed."""

from __future__ import annotations

from typing import NamedTuple

from fastada._hashing import NgramHasher

ANALYZERS = {"word": 0, "char": 1, "char_wb": 2}
# What the command line trains on unless it is told otherwise.
ANALYZER, NGRAMS, BITS = "word", (1, 2), 20


class NgramOptions(NamedTuple):
    """What is counted in a document; scikit-learn's parameters of the same names."""

    analyzer: str = "word"
    ngram_range: tuple[int, int] = (1, 1)
    lowercase: bool = True
    alternate_sign: bool = True
    binary: bool = False
    n_features: int = 1 << 20

    def hasher(self) -> NgramHasher:
        """Make a hasher; it serves one thread."""
        return NgramHasher(
            ANALYZERS[self.analyzer],
            *self.ngram_range,
            self.lowercase,
            self.alternate_sign,
            self.binary,
            self.n_features,
        )


def trained_on(analyzer: str, ngrams: tuple[int, int], lowercase: bool, bits: int) -> NgramOptions:
    """Give the counts that models of the command line are trained on."""
    return NgramOptions(analyzer, ngrams, lowercase, False, False, 1 << bits)
