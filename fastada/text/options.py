"""What n-grams are hashed."""

from __future__ import annotations

from typing import NamedTuple

from fastada._hashing import NgramHasher

ANALYZERS = {"word": 0, "char": 1, "char_wb": 2}


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
