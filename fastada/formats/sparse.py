"""Formats of vectors: svmlight / libsvm, and Vowpal Wabbit's text."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from fastada.formats.chunk import Chunk, Vectors, parsed
from fastada.formats.lines import Lines
from fastada.formats.options import ReadOptions
from fastada.formats.problems import BadRowError

# Label, weight, and the value of each column.
Row = tuple[str, float, dict[int, float]]

LARGEST = float(np.finfo(np.float32).max)


def read_vectors(
    blocks: Iterable[Lines], parse: Callable[[str], Row], labelled: bool
) -> Iterator[Chunk]:
    """Read lines by a function that gives a row, or raises BadRowError."""

    def with_label(line: str) -> Row:
        row = parse(line)
        if labelled and not row[0]:
            raise BadRowError("no label")
        return row

    for lines in blocks:
        faults = list(lines.faults)
        numbers: list[int] = []
        rows: list[Row] = []
        n_bytes = len(lines.data)
        for number, row in parsed(lines, with_label, faults):
            numbers.append(number)
            rows.append(row)
        columns = [sorted(row[2]) for row in rows]
        indptr = np.concatenate(([0], np.cumsum([len(c) for c in columns]))).astype(np.int64)
        values = [
            row[2][column] for row, found in zip(rows, columns, strict=True) for column in found
        ]
        yield Chunk(
            np.array(numbers, np.int64),
            [row[0] for row in rows] if labelled else None,
            vectors=Vectors(
                indptr,
                np.array([c for found in columns for c in found], np.int32),
                np.array(values, np.float32),
            ),
            weights=np.array([row[1] for row in rows]),
            n_bytes=n_bytes,
            faults=faults,
        )


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise BadRowError("bad number", text[:40]) from None
    if not (math.isfinite(value) and abs(value) <= LARGEST):
        raise BadRowError("bad number", text[:40])
    return value


def read_svmlight(blocks: Iterable[Lines], options: ReadOptions) -> Iterator[Chunk]:
    """``label column:value ... # comment``; a ``qid:`` is left aside, a label may be missing."""

    def parse(line: str) -> Row:
        fields = line.partition("#")[0].split()
        if not fields:
            raise BadRowError("empty row")
        label = "" if ":" in fields[0] else fields.pop(0)
        row: dict[int, float] = {}
        for field in fields:
            name, colon, value = field.partition(":")
            if name == "qid":
                continue
            if not colon or not (name.isascii() and name.isdigit()):
                raise BadRowError("bad feature", field[:40])
            column = int(name) if len(name) < 12 else options.n_features
            if column >= options.n_features:
                raise BadRowError(
                    "column out of range", f"{name[:40]}, of {options.n_features:,}; see --bits"
                )
            if column in row:
                raise BadRowError("column given twice", name)
            row[column] = _number(value)
        return label, 1.0, row

    return read_vectors(blocks, parse, options.labelled)


def read_vowpal(blocks: Iterable[Lines], options: ReadOptions) -> Iterator[Chunk]:
    """``[label [importance [base]]] ['tag]|namespace[:scale] feature[:value] ... |...``.

    A feature's column is a hash of its namespace and its name.
    """
    n_features = options.n_features

    def parse(line: str) -> Row:
        head, *namespaces = line.split("|")
        if not namespaces:
            raise BadRowError("no features", "a row has a | before its features")
        fields = head.split()
        # A tag stands next to the first |, or after a quote.
        if fields and (fields[-1].startswith("'") or (len(fields) > 1 and head[-1] != " ")):
            fields.pop()
        label = fields[0] if fields else ""
        if len(fields) > 3:
            raise BadRowError("bad label", "more than label, importance and base before the |")
        weight = _number(fields[1]) if len(fields) > 1 else 1.0
        if weight < 0:
            raise BadRowError("bad number", f"importance {weight:g}")
        if len(fields) > 2 and _number(fields[2]):
            raise BadRowError("bad label", f"a base prediction, {fields[2][:40]}, which has no use")
        row: dict[int, float] = {}
        for namespace in namespaces:
            named = bool(namespace[:1].strip())
            name, *features = namespace.split() if named else ["", *namespace.split()]
            name, _, factor = name.partition(":")
            scale = _number(factor) if factor else 1.0
            seed = zlib.crc32(name.encode() + b"^")
            for feature in features:
                feature, _, value = (
                    feature.rpartition(":") if ":" in feature else (feature, "", "1")
                )
                column = zlib.crc32(feature.encode(), seed) % n_features
                row[column] = row.get(column, 0.0) + scale * _number(value)
        if not all(abs(value) <= LARGEST for value in row.values()):
            raise BadRowError("bad number", "features of one column add up to too much")
        return label, weight, row

    return read_vectors(blocks, parse, options.labelled)
