"""The texts of a table hashed while a process is still loading what it needs.

Hashing takes as long as loading NumPy, and has no use for it. What is a row of the table, and what
is wrong with one, is decided later by who reads it: texts are found again by where they lie. This
module loads no NumPy, to be there before it.
"""

from __future__ import annotations

from collections.abc import Callable

from fastada._hashing import NgramHasher
from fastada._packed_texts import MOST_FEATURES, PackedTexts, Slabs, pack_texts
from fastada.read_ahead import Piece
from fastada.text.options import NgramOptions

# Of n-grams of so many sizes a text has not many more than bytes.
MOST_SIZES = 4


def can_be_packed(options: NgramOptions) -> bool:
    """Whether rows of such n-grams can be, and are worth to be, packed.

    Nobody has looked yet at what users ask for, and the hasher trusts what it is given.
    """
    low, high = options.ngram_range
    return 1 <= low <= high < low + MOST_SIZES and 1 <= options.n_features <= MOST_FEATURES


class HashAhead:
    """Texts of a table, hashed as far as time allows.

    Parameters
    ----------
    options : NgramOptions
    look : callable
        Takes the first piece of a file; gives the delimiter of the table and the column of its
        texts, or None where there is nothing to hash.
    """

    def __init__(
        self, options: NgramOptions, look: Callable[[Piece], tuple[str, int] | None]
    ) -> None:
        self.options = options
        # Whether there is time to hash more.
        self.goes_on = True
        self._look = look
        self._place: tuple[str, int] | None = None
        self._hasher: NgramHasher | None = None
        self._slabs = Slabs()
        # By the identity of pieces, which they keep.
        self._packed: dict[int, PackedTexts] = {}

    def add(self, piece: Piece) -> None:
        """Hash the texts of a piece, the first of a file being the first."""
        if not self.goes_on:
            return
        # What is wrong here is told by who does it when it is wanted.
        try:
            if self._hasher is None:
                self._place = self._look(piece)
                self._hasher = self.options.hasher()
            if self._place is not None:
                delimiter, column = self._place
                found = pack_texts(self._hasher.address, self._slabs, piece, ord(delimiter), column)
                if self.goes_on:
                    self._packed[id(piece)] = found
        except Exception:
            self.goes_on = False
        if self._place is None:
            self.goes_on = False

    def forget(self) -> None:
        """Hash no more, and keep nothing."""
        self.goes_on = False
        self._packed.clear()
        self._slabs = Slabs()

    def of(self, piece: object, options: NgramOptions) -> PackedTexts | None:
        """Give what has been hashed of a piece, if these are the n-grams."""
        return self._packed.get(id(piece)) if options == self.options else None
