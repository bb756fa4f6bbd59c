"""Formats of one row a line that Python parses: JSON Lines, fastText, plain text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from fastada.formats.chunk import Chunk, sound
from fastada.formats.delimited import LABEL_NAMES, TEXT_NAMES
from fastada.formats.lines import Lines
from fastada.formats.options import ReadOptions
from fastada.formats.problems import FormatError, Problems

LABEL_PREFIX = "__label__"


class BadRowError(Exception):
    """A row cannot be used: the kind of fault, and a detail."""

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(kind)
        self.kind = kind
        self.detail = detail


def read_rows(
    blocks: Iterable[Lines],
    parse: Callable[[str], tuple[str, str]],
    labelled: bool,
    problems: Problems,
) -> Iterator[Chunk]:
    """Read lines by a function that gives text and label, or raises BadRowError."""
    for lines in blocks:
        bad: list[int] = []
        numbers: list[int] = []
        texts: list[str] = []
        labels: list[str] = []
        n_bytes = len(lines.data)
        for number, line in sound(lines, problems, bad):
            try:
                text, label = parse(line.decode())
                if not text.strip():
                    raise BadRowError("empty text")
            except BadRowError as error:
                bad.append(number)
                problems.bad_row(number, error.kind, error.detail)
                continue
            numbers.append(number)
            texts.append(text)
            labels.append(label)
        yield Chunk(
            np.array(numbers, np.int64),
            labels if labelled else None,
            texts,
            n_bytes=n_bytes,
            bad=bad,
        )


def read_plain(
    blocks: Iterable[Lines], options: ReadOptions, problems: Problems
) -> Iterator[Chunk]:
    """One document a line, no labels."""
    if options.labelled:
        raise FormatError(f"{problems.name} is plain text, without labels; see --format")
    return read_rows(blocks, lambda line: (line, ""), False, problems)


def read_fasttext(
    blocks: Iterable[Lines], options: ReadOptions, problems: Problems
) -> Iterator[Chunk]:
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

    return read_rows(blocks, parse, options.labelled, problems)


def read_jsonl(
    blocks: Iterable[Lines], options: ReadOptions, problems: Problems
) -> Iterator[Chunk]:
    """Objects with a text and a label, under the names asked for or the usual ones."""
    text_names = (options.text_column,) if options.text_column else TEXT_NAMES
    label_names = (options.label_column,) if options.label_column else LABEL_NAMES

    def parse(line: str) -> tuple[str, str]:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise BadRowError("bad JSON", str(error)) from None
        if not isinstance(row, dict):
            raise BadRowError("bad JSON", "not an object")
        text = next((row[name] for name in text_names if name in row), None)
        if not isinstance(text, str):
            raise BadRowError("no text", f"needs a string under {' or '.join(text_names)}")
        try:
            text.encode()
        except UnicodeEncodeError:
            raise BadRowError("bad UTF-8", "half of a surrogate pair") from None
        label = _label(next((row[name] for name in label_names if name in row), None))
        if options.labelled and not label:
            raise BadRowError("no label", f"needs one under {' or '.join(label_names)}")
        return text, label

    return read_rows(blocks, parse, options.labelled, problems)


def _label(value: Any) -> str:
    if value is None or isinstance(value, list | dict):
        return ""
    return value if isinstance(value, str) else json.dumps(value)
