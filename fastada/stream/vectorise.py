"""Chunks of text to sparse rows."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeVar

import numpy as np

from fastada.formats.chunk import Chunk, Strings, Vectors
from fastada.hash_ahead import HashAhead
from fastada.stream.options import Features
from fastada.text.documents import Batch, DocumentReader
from fastada.text.ngrams import hash_documents
from fastada.text.options import NgramOptions
from fastada.text.term_weighting import TermWeighting

Item = TypeVar("Item")

# Items that wait between a reading thread and who takes them.
AHEAD = 4


class VectorChunk(NamedTuple):
    """A chunk, and the vectors of its rows."""

    chunk: Chunk
    vectors: Vectors


def vectorise(
    chunk: Chunk, features: Features, weighting: TermWeighting, ahead: HashAhead | None = None
) -> VectorChunk:
    """Hash the n-grams of a chunk of texts; vectors stay as they are."""
    if chunk.vectors is not None:
        return VectorChunk(chunk, chunk.vectors)
    options = features.ngram_options()
    batches = batches_of(chunk, DocumentReader(lowercase=features.lowercase))
    if ahead is not None:
        batches = [with_packed(batch, ahead, options) for batch in batches]
        if not any(batch.packed.any() for batch in batches):
            ahead.forget()  # which has been caught up with
    rows = hash_documents(
        batches,
        options,
        weighting,
        n_documents=len(chunk.numbers),
    )
    indptr = np.zeros(len(rows.row_sizes) + 1, np.int64)
    np.cumsum(rows.row_sizes, out=indptr[1:])
    return VectorChunk(chunk, Vectors(indptr, rows.columns, rows.values))


def batches_of(chunk: Chunk, reader: DocumentReader) -> Iterable[Batch]:
    """Give the texts of a chunk as the kernels read them."""
    texts = chunk.texts
    return [reader.inspect(*texts)] if isinstance(texts, Strings) else reader.batches(texts)


def with_packed(batch: Batch, ahead: HashAhead, options: NgramOptions) -> Batch:
    """Tell a batch of a file's texts which of them have been hashed already."""
    found = ahead.of(batch.owners, options)
    rows = np.zeros(len(batch.sizes), np.uint64)
    if found is not None:
        found.find(batch.addresses, batch.sizes, rows)
    return batch._replace(packed=rows, owners=(batch.owners, found))


def ahead(items: Iterable[Item]) -> Iterator[Item]:
    """Yield the items, produced by a thread of their own, which is a few of them ahead."""
    waiting: queue.Queue[tuple[bool, Item | BaseException | None]] = queue.Queue(AHEAD)
    stopped = threading.Event()

    def put(entry: tuple[bool, Item | BaseException | None]) -> None:
        while not stopped.is_set():
            try:
                return waiting.put(entry, timeout=0.1)
            except queue.Full:
                continue

    def produce() -> None:
        try:
            for item in items:
                put((True, item))
                if stopped.is_set():
                    return
            put((False, None))
        except BaseException as error:
            put((False, error))

    thread = threading.Thread(target=produce, daemon=True)
    thread.start()
    try:
        while True:
            more, item = waiting.get()
            if not more:
                if isinstance(item, BaseException):
                    raise item
                return
            yield item  # type: ignore[misc]
    finally:
        stopped.set()
        thread.join()
