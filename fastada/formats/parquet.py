"""Parquet, by pyarrow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from fastada.formats.chunk import Chunk
from fastada.formats.delimited import LABEL_NAMES, TEXT_NAMES
from fastada.formats.options import ReadOptions
from fastada.formats.problems import FormatError, Problems
from fastada.formats.source import Source

ROWS = 1 << 13


def read(source: Source, options: ReadOptions, problems: Problems) -> Iterator[Chunk]:
    """Read the text and label columns; numbers of rows stand for those of lines.

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
            number = 1
            for batch in file.iter_batches(ROWS, columns=wanted):
                chunk = _chunk(batch, text, label, number, problems)
                chunk.n_bytes = int(bytes_a_row * batch.num_rows)
                source.position += chunk.n_bytes
                number += batch.num_rows
                yield chunk
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise FormatError(f"{source.name}: {error}") from None


def _column(
    names: list[str], asked: str | None, usual: tuple[str, ...], file: str, what: str
) -> str:
    found = next((n for n in ((asked,) if asked else usual) if n in names), None)
    if found is None:
        raise FormatError(
            f"{file} has columns {', '.join(names)}: give the {what}'s by --{what}-column"
        )
    return found


def _chunk(batch: Any, text: str, label: str | None, first: int, problems: Problems) -> Chunk:
    texts = batch.column(text).to_pylist()
    labels = None if label is None else batch.column(label).to_pylist()
    bad = []
    for i, document in enumerate(texts):
        if not isinstance(document, str):
            fault = "no text"
        elif not document.strip():
            fault = "empty text"
        elif "\x00" in document:
            fault = "NUL byte"
        elif labels is not None and labels[i] in (None, ""):
            fault = "no label"
        else:
            continue
        bad.append(i)
        problems.bad_row(first + i, fault)
    chunk = Chunk(
        np.arange(first, first + len(texts)),
        None if labels is None else [str(value) for value in labels],
        texts,
    )
    return chunk.only(np.delete(np.arange(len(texts)), bad)) if bad else chunk
