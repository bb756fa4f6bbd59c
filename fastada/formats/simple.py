"""Formats of one row a line that Python parses: JSON Lines, fastText, plain text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

import numpy as np

from fastada.formats.chunk import Chunk, parsed
from fastada.formats.lines import Lines
from fastada.formats.options import (
    LABEL_NAMES,
    LABEL_PREFIX,
    TEXT_NAMES,
    ReadOptions,
    column_of,
    label_of,
)
from fastada.formats.problems import BadRowError


def read_rows(
    blocks: Iterable[Lines], parse: Callable[[str], tuple[str, str]], labelled: bool
) -> Iterator[Chunk]:
    """Read lines by a function that gives text and label, or raises BadRowError."""

    def with_text(line: str) -> tuple[str, str]:
        text, label = parse(line)
        if not text.strip():
            raise BadRowError("empty text")
        return text, label

    for lines in blocks:
        faults = list(lines.faults)
        numbers: list[int] = []
        texts: list[str] = []
        labels: list[str] = []
        n_bytes = len(lines.data)
        for number, (text, label) in parsed(lines, with_text, faults):
            numbers.append(number)
            texts.append(text)
            labels.append(label)
        yield Chunk(
            np.array(numbers, np.int64),
            labels if labelled else None,
            texts,
            n_bytes=n_bytes,
            faults=faults,
        )


def read_plain(blocks: Iterable[Lines], options: ReadOptions) -> Iterator[Chunk]:
    """One document a line, no labels."""
    return read_rows(blocks, lambda line: (line, ""), False)


def read_fasttext(blocks: Iterable[Lines], options: ReadOptions) -> Iterator[Chunk]:
    """``__label__x text``; without labels, lines are text."""

    def parse(line: str) -> tuple[str, str]:
        labels = []
        while line.startswith(LABEL_PREFIX):
            label, _, line = line.partition(" ")
            labels.append(label.removeprefix(LABEL_PREFIX))
            line = line.lstrip()
        if options.labelled and not (labels and labels[0]):
            raise BadRowError("no label")
        if options.labelled and len(labels) > 1:
            raise BadRowError(
                "more than one label",
                f"{', '.join(labels)}; here a row has one, write a row for each, or skip such rows "
                "(--bad-rows skip); AdaGradClassifier learns several in Python",
            )
        return line, labels[0] if labels else ""

    return read_rows(blocks, parse, options.labelled)


def read_jsonl(blocks: Iterable[Lines], options: ReadOptions) -> Iterator[Chunk]:
    """Objects with a text and a label, under the names asked for or the usual ones."""

    # Rows of a file mostly have the same keys.
    @lru_cache(maxsize=4)
    def places(names: tuple[str, ...]) -> tuple[str | None, str | None]:
        text = column_of(names, options.text_column, TEXT_NAMES)
        label = column_of(names, options.label_column, LABEL_NAMES)
        return None if text is None else names[text], None if label is None else names[label]

    def parse(line: str) -> tuple[str, str]:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise BadRowError("bad JSON", str(error)) from None
        if not isinstance(row, dict):
            raise BadRowError("bad JSON", "not an object")
        text_name, label_name = places(tuple(row))
        text = None if text_name is None else row[text_name]
        if not isinstance(text, str):
            wanted = options.text_column or " or ".join(TEXT_NAMES)
            raise BadRowError("no text", f"needs a string under {wanted}")
        label = "" if label_name is None else label_of(row[label_name])
        try:
            (text + label).encode()
        except UnicodeEncodeError:
            raise BadRowError("bad UTF-8", "half of a surrogate pair") from None
        if options.labelled and not label:
            wanted = options.label_column or " or ".join(LABEL_NAMES)
            raise BadRowError("no label", f"needs one under {wanted}")
        return text, label

    return read_rows(blocks, parse, options.labelled)
