"""How text becomes vectors, and how a model learns them."""

from __future__ import annotations

from typing import Any, NamedTuple

from fastada.formats.options import LONGEST_LINE
from fastada.settings import check_choice, check_learning, check_number
from fastada.text.options import ANALYZER, ANALYZERS, BITS, NGRAMS, NgramOptions, trained_on

LARGEST_BITS = 30
# Of a text; each takes 8 bytes while they are counted.
MOST_NGRAMS = 2 * LONGEST_LINE


class Features(NamedTuple):
    """What the columns of a model are; kept with the model.

    Attributes
    ----------
    kind : {"text", "svmlight", "vw"}
        Where rows come from; all but the first bring vectors, which the rest does not touch.
    bits : int
        There are 2**bits columns.
    """

    kind: str = "text"
    bits: int = BITS
    analyzer: str = ANALYZER
    ngrams: tuple[int, int] = NGRAMS
    lowercase: bool = True
    sublinear_tf: bool = True
    use_idf: bool = True

    def checked(self) -> Features:
        """Give itself, or raise ValueError where that makes no sense."""
        check_number("bits", self.bits, at_least=1, at_most=LARGEST_BITS, integer=True)
        check_choice("analyzer", self.analyzer, ANALYZERS)
        low, high = self.ngrams
        if not 1 <= low <= high:
            raise ValueError(f"ngrams must be two numbers, 1 <= min <= max; got {low} and {high}")
        return self

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return 1 << self.bits

    @property
    def longest_text(self) -> int:
        """Bytes of a text whose n-grams, one for each byte and size, are not too many."""
        low, high = self.ngrams
        return min(LONGEST_LINE, MOST_NGRAMS // (high - low + 1))

    def ngram_options(self) -> NgramOptions:
        """Options of the vectoriser."""
        return trained_on(self.analyzer, self.ngrams, self.lowercase, self.bits)

    def as_dict(self) -> dict[str, Any]:
        """Give what JSON can hold."""
        return {**self._asdict(), "ngrams": list(self.ngrams)}


class Learning(NamedTuple):
    """How to learn.

    Attributes
    ----------
    epochs : int
    learning_rate : float or "auto"
    alpha, l1_ratio : float
    shuffle : bool
    seed : int
    memory : int
        Bytes that hashed rows may take; more are read again in each epoch.
    threads : int
        That turn text into vectors.
    learners : int
        Threads that learn, each a share of the rows on a replica; their number decides the model.
    """

    epochs: int = 5
    learning_rate: float | str = "auto"
    alpha: float = 0.0
    l1_ratio: float = 0.0
    shuffle: bool = True
    seed: int = 0
    memory: int = 1 << 30
    threads: int = 1
    learners: int = 1

    def checked(self) -> Learning:
        """Give itself, or raise ValueError where that makes no sense."""
        check_number("epochs", self.epochs, at_least=1, integer=True)
        check_learning(self.learning_rate, self.alpha, self.l1_ratio)
        check_number("seed", self.seed, at_least=0, integer=True)
        check_number("memory", self.memory, at_least=1 << 20, integer=True)
        check_number("threads", self.threads, at_least=1, integer=True)
        check_number("learners", self.learners, at_least=1, integer=True)
        return self
