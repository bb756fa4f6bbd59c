"""Parquet, by pyarrow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from fastada.formats.chunk import Chunk
from fastada.formats.options import LABEL_NAMES, TEXT_NAMES, ReadOptions, column_of, label_of
from fastada.formats.problems import Fault, FormatError
from fastada.formats.source import Source

# Rows read at a time, and characters of text handed on at a time.
ROWS, CHARACTERS = 1 << 10, 1 << 22
# Where a value takes fewer bytes in the file, uncompressed, it is short or there more than once.
FEW_BYTES = 32


def read(source: Source, options: ReadOptions) -> Iterator[Chunk]:
    """Read the text and label columns; numbers of rows stand for those of lines.

    Columns whose values are there more than once are read as Parquet stores them, equal texts once:
    a small file can stand for many large rows.

    Raises
    ------
    FormatError
        If pyarrow is missing, the file is no Parquet, or a column is not there.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise FormatError("Parquet files need pyarrow: pip install pyarrow") from None
    if source.is_stdin:
        raise FormatError("Parquet cannot be read from standard input: give a file")
    try:
        with pyarrow.parquet.ParquetFile(source.path) as file:
            names = file.schema_arrow.names
            text = _column(names, options.text_column, TEXT_NAMES, source.name, "text")
            wanted = [text]
            label = None
            if options.labelled:
                label = _column(names, options.label_column, LABEL_NAMES, source.name, "label")
                wanted.append(label)
            bytes_a_row = (source.size or 0) / max(1, file.metadata.num_rows)
            # Reading a row checks what is written of a group; asked for it unchecked, pyarrow ends
            # the process where it is not sound.
            groups = range(file.num_row_groups)
            sound = [g for g in groups if next(file.iter_batches(1, [g], wanted), None)]
            repeated = [name for name in wanted if _bytes_a_value(file, name, sound) < FEW_BYTES]
        number = 1
        with pyarrow.parquet.ParquetFile(source.path, read_dictionary=repeated) as file:
            for batch in file.iter_batches(ROWS, columns=wanted):
                texts = _values(batch.column(text))
                labels = None if label is None else _values(batch.column(label))
                for begin, end in _parts(texts):
                    chunk = _chunk(
                        texts[begin:end], None if labels is None else labels[begin:end], number
                    )
                    chunk.n_bytes = int(bytes_a_row * (end - begin))
                    source.position += chunk.n_bytes
                    number += end - begin
                    yield chunk
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise FormatError(f"{source.name}: {error}") from None


def _column(
    names: list[str], asked: str | None, usual: tuple[str, ...], file: str, what: str
) -> str:
    found = column_of(names, asked, usual)
    if found is None:
        raise FormatError(
            f"{file} has columns {', '.join(names)}: give the {what}'s by --{what}-column"
        )
    if names.count(names[found]) > 1:
        raise FormatError(f"{file} has more than one column called {names[found]}")
    return names[found]


def _bytes_a_value(file: Any, name: str, groups: list[int]) -> float:
    """Give the mean size of a column's values as they are stored, before compression."""
    places = [i for i in range(len(file.schema)) if file.schema.column(i).path == name]
    size: int = sum(
        file.metadata.row_group(g).column(i).total_uncompressed_size for g in groups for i in places
    )
    return float(size / max(1, file.metadata.num_rows))


def _values(column: Any) -> list[Any]:
    """Give the values; equal ones may be one object."""
    if not hasattr(column, "dictionary"):
        return list(column.to_pylist())
    present = column.is_valid().to_numpy(zero_copy_only=False)
    codes = column.indices.fill_null(0).to_numpy(zero_copy_only=False)
    used, places = np.unique(codes[present], return_inverse=True)
    different = np.array([*column.dictionary.take(_arrow(used)).to_pylist(), None], object)
    found = np.full(len(codes), len(used))
    found[present] = places
    return list(different[found])


def _arrow(numbers: np.ndarray[Any, Any]) -> Any:
    import pyarrow

    return pyarrow.array(numbers)


def _parts(texts: list[Any]) -> Iterator[tuple[int, int]]:
    """Cut texts where they come to too many characters."""
    begin = size = 0
    for i, text in enumerate(texts):
        n = len(text) if isinstance(text, str) else 0
        if size and size + n > CHARACTERS:
            yield begin, i
            begin, size = i, 0
        size += n
    yield begin, len(texts)


def _chunk(texts: list[Any], values: list[Any] | None, first: int) -> Chunk:
    labels = None if values is None else [label_of(value) for value in values]
    faults = []
    for i, document in enumerate(texts):
        if not isinstance(document, str):
            kind = "no text"
        elif not document.strip():
            kind = "empty text"
        elif "\x00" in document:
            kind = "NUL byte"
        elif labels is not None and not labels[i]:
            kind = "no label"
        else:
            continue
        faults.append(Fault(first + i, kind))
    chunk = Chunk(np.arange(first, first + len(texts)), labels, texts, faults=faults)
    bad = [fault.line - first for fault in faults]
    return chunk.only(np.delete(np.arange(len(texts)), bad)) if bad else chunk
