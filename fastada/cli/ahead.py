"""What a command begins with before NumPy is loaded, which this module does without."""

from __future__ import annotations

import argparse

from fastada.formats import DELIMITERS, ReadOptions, look_at
from fastada.formats.source import compression_of
from fastada.hash_ahead import HashAhead, can_be_packed
from fastada.read_ahead import Piece
from fastada.text.options import ANALYZER, BITS, NGRAMS, trained_on
from fastada.workers import effective_n_jobs


def read_options(args: argparse.Namespace) -> ReadOptions:
    """Give what the flags of a command say of its file."""
    return ReadOptions(
        format=args.format,
        text_column=args.text_column,
        label_column=args.label_column,
        header=args.header,
        quoting=args.quoting,
    )


def hash_ahead(args: argparse.Namespace) -> HashAhead | None:
    """Give what hashes the texts of a table to train on; None where that is no gain."""
    options = trained_on(
        args.analyzer or ANALYZER,
        tuple(args.ngrams or NGRAMS),
        not args.keep_case,
        max(args.bits or BITS, 0),
    )
    goes_on = args.previous is not None or args.resume
    if goes_on or (args.threads or effective_n_jobs(-1)) == 1 or not can_be_packed(options):
        return None

    def look(first: Piece) -> tuple[str, int] | None:
        if compression_of(first) is not None:
            return None
        name, layout = look_at(first, args.file, read_options(args), args.file)
        return None if layout is None else (DELIMITERS[name], layout.text)

    return HashAhead(options, look)
