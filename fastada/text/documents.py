"""Documents of any kind as batches of UTF-8 strings that the kernels can read."""

from __future__ import annotations

import codecs
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastada._arrow import inspect, read_array, read_stream, replace, strings
from fastada._documents import collect

# Large enough for the work to outweigh the handling of a batch, small enough for its rows to stay
# in the cache until they are copied to their place.
BATCH_BYTES = 1 << 19
BATCH_DOCUMENTS = 1 << 12


class Batch(NamedTuple):
    """Documents as addresses and sizes of UTF-8.

    `prepared` marks those in lower case already; `packed` is where their packed rows are, 0 for
    those that have none, or empty; `owners` keeps all that alive.
    """

    addresses: NDArray[np.uint64]
    sizes: NDArray[np.int64]
    prepared: NDArray[np.uint8]
    owners: object
    packed: NDArray[np.uint64] = np.empty(0, np.uint64)

    def take(self, rows: NDArray[np.int64] | slice) -> Batch:
        """Some of the documents."""
        packed = self.packed[rows] if len(self.packed) else self.packed
        found = self.addresses[rows], self.sizes[rows], self.prepared[rows]
        return Batch(*found, self.owners, packed)


def join(batches: Sequence[Batch]) -> Batch:
    """Documents of all batches, in order; all or none say where packed rows are."""
    return Batch(
        np.concatenate([batch.addresses for batch in batches]),
        np.concatenate([batch.sizes for batch in batches]),
        np.concatenate([batch.prepared for batch in batches]),
        [batch.owners for batch in batches],
        np.concatenate([batch.packed for batch in batches]),
    )


def cut(batch: Batch) -> Iterator[Batch]:
    """Cut a batch into some of the usual size."""
    ends = np.cumsum(batch.sizes)
    total = int(ends[-1]) if len(ends) else 0
    cuts = np.searchsorted(ends, np.arange(BATCH_BYTES, total, BATCH_BYTES)) + 1
    for start, stop in pairwise([0, *cuts.tolist(), len(ends)]):
        if stop > start:
            yield batch.take(slice(start, stop))


def strip_accents(text: str, form: str) -> str:
    """Drop the accents of a text as scikit-learn's ``strip_accents`` does.

    ``"unicode"`` drops combining characters of the text's compatibility decomposition,
    ``"ascii"`` everything in it that is not ASCII.
    """
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFKD", text)
    if form == "ascii":
        return decomposed.encode("ascii", "ignore").decode("ascii")
    return "".join(c for c in decomposed if not unicodedata.combining(c))


class DocumentReader:
    """How documents become text: scikit-learn's parameters of the same names.

    With ``allow_surrogates`` they pass through to the kernels, which take them for no letters.
    """

    def __init__(
        self,
        input: str = "content",
        encoding: str = "utf-8",
        decode_error: str = "strict",
        strip_accents: str | None = None,
        lowercase: bool = True,
        allow_surrogates: bool = True,
    ) -> None:
        self.input, self.encoding, self.decode_error = input, encoding, decode_error
        self.strip_accents, self.lowercase = strip_accents, lowercase
        self.allow_surrogates = allow_surrogates

    def batches(self, documents: Any) -> Iterator[Batch]:
        """Yield the documents in order, in batches.

        Parameters
        ----------
        documents : iterable of str or bytes, or a column of strings
            A column is anything with the Arrow PyCapsule interface and a string type (string,
            large_string, string_view); its documents are read in place.

        Raises
        ------
        TypeError
            If the documents are neither, or a table instead of a column.
        ValueError
            If a document is missing.
        UnicodeError
            If one cannot be decoded.
        """
        columns = self._arrow_chunks(documents)
        if columns is not None:
            for addresses, sizes, owner in columns:
                unread = np.zeros(len(sizes), np.uint8)
                for batch in cut(Batch(addresses, sizes, unread, owner)):
                    yield self.inspect(batch.addresses, batch.sizes, owner)
            return
        iterator = self._contents(documents)
        utf8 = codecs.lookup(self.encoding).name == "utf-8"
        while True:
            addresses = np.empty(BATCH_DOCUMENTS, np.uint64)
            sizes = np.empty(BATCH_DOCUMENTS, np.int64)
            prepared = np.empty(BATCH_DOCUMENTS, np.uint8)
            count, owners = collect(
                iterator,
                self.prepare,
                self.lowercase,
                utf8,
                self.strip_accents is not None,
                BATCH_BYTES,
                addresses,
                sizes,
                prepared,
            )
            if count == 0:
                return
            yield Batch(addresses[:count], sizes[:count], prepared[:count], owners)

    def objects(self, documents: Any) -> Iterable[Any]:
        """Return the documents for Python code: columns as str, anything else as it is."""
        columns = self._arrow_chunks(documents)
        if columns is None:
            return documents  # type: ignore[no-any-return]
        return chain.from_iterable(
            strings(addresses, sizes, self.decode_error) for addresses, sizes, _ in columns
        )

    def prepare(self, document: object) -> bytes:
        """UTF-8 of one document, decoded, in lower case and without accents as asked for."""
        text = document
        if isinstance(text, bytes):
            text = text.decode(self.encoding, self.decode_error)
        if not isinstance(text, str):
            text = self.convert(text)
        if self.lowercase:
            text = text.lower()
        if self.strip_accents is not None:
            text = strip_accents(text, self.strip_accents)
        try:
            return text.encode()
        except UnicodeEncodeError:
            if not self.allow_surrogates:
                self.check_surrogates(text)
            return text.encode("utf-8", "surrogatepass")

    def convert(self, document: object) -> str:
        """Text of a document that is neither str nor bytes."""
        raise TypeError(f"documents must be str or bytes, not {type(document).__name__}")

    def check_surrogates(self, text: str) -> None:
        """Raise UnicodeEncodeError if an n-gram of the text has no UTF-8."""
        text.encode()

    def _contents(self, documents: Any) -> Iterator[object]:
        if isinstance(documents, np.ndarray) and documents.ndim == 1:
            # Python's own str is read faster than NumPy's.
            array = documents
            documents = chain.from_iterable(
                array[start : start + BATCH_DOCUMENTS].tolist()
                for start in range(0, len(array), BATCH_DOCUMENTS)
            )
        if self.input == "content":
            return iter(documents)
        return self._read(documents)

    def _read(self, documents: Iterable[Any]) -> Iterator[object]:
        for document in documents:
            if self.input == "filename":
                with open(document, "rb") as file:
                    yield file.read()
            else:
                yield document.read()

    def _arrow_chunks(
        self, documents: Any
    ) -> list[tuple[NDArray[np.uint64], NDArray[np.int64], object]] | None:
        if self.input != "content" or getattr(documents, "dtype", None) == np.dtype(object):
            return None
        if hasattr(documents, "__arrow_c_stream__"):
            return read_stream(documents.__arrow_c_stream__())
        if hasattr(documents, "__arrow_c_array__"):
            return read_array(*documents.__arrow_c_array__())
        return None

    def inspect(
        self,
        addresses: NDArray[np.uint64],
        sizes: NDArray[np.int64],
        owner: object,
        kinds: NDArray[np.uint8] | None = None,
    ) -> Batch:
        """Look at strings where they lie, unless that has been done, and prepare what needs it."""
        if kinds is None:
            kinds = np.empty(len(sizes), np.uint8)
            inspect(addresses, sizes, kinds)
        if self.strip_accents is not None:
            needed = kinds > 0
        elif self.lowercase:
            needed = kinds > 1
        else:
            needed = kinds > 2
        prepared = needed.astype(np.uint8)
        if not needed.any():
            return Batch(addresses, sizes, prepared, owner)
        addresses, sizes = addresses.copy(), sizes.copy()
        replaced = replace(addresses, sizes, prepared, self.prepare, self.decode_error)
        return Batch(addresses, sizes, prepared, (owner, replaced))
