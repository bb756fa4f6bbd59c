"""Rows of texts hashed ahead are those hashed when they are wanted."""

import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastada._packed_texts import Slabs, pack_texts
from fastada.hash_ahead import HashAhead, can_be_packed
from fastada.stream.vectorise import with_packed
from fastada.text.documents import Batch
from fastada.text.ngrams import hash_documents
from fastada.text.options import NgramOptions
from fastada.text.term_weighting import TermWeighting

OPTIONS = NgramOptions("word", (1, 2), True, False, False, 1 << 20)
PLAIN = TermWeighting(np.float32, norm=None)
IDF = np.linspace(1, 3, 1 << 20, dtype=np.float32)


def rows_of(piece, cells):
    """Batch of the texts that lie in cells, (begin, end), of the piece."""
    begin = np.frombuffer(piece, np.uint8).ctypes.data
    addresses = np.array([begin + a for a, _ in cells], np.uint64)
    sizes = np.array([b - a for a, b in cells], np.int64)
    return Batch(addresses, sizes, np.zeros(len(cells), np.uint8), piece)


def cells_of(lines, column, line_break):
    cells, at = [], 0
    for line in lines:
        before = b"".join(cell + b"\t" for cell in line[:column])
        if len(line) > column:
            cells.append((at + len(before), at + len(before) + len(line[column])))
        at += len(b"\t".join(line)) + len(line_break)
    return cells


def ahead_of(piece, column, options=OPTIONS):
    ahead = HashAhead(options, lambda first: ("\t", column))
    ahead.add(piece)
    return ahead


def assert_equal(found, expected):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


TEXT = st.text(st.characters(exclude_characters="\t\r\n", exclude_categories=("Cs",)), max_size=80)
CELL = TEXT.map(str.encode) | st.binary(max_size=20).map(
    lambda data: bytes(c for c in data if c not in b"\t\r\n")
)


@given(
    st.lists(st.lists(CELL, min_size=1, max_size=3), max_size=20),
    st.integers(0, 2),
    st.sampled_from([b"\n", b"\r\n"]),
    st.sampled_from(
        [
            OPTIONS,
            OPTIONS._replace(analyzer="char_wb", ngram_range=(2, 4), n_features=1000),
            OPTIONS._replace(lowercase=False, binary=True, n_features=1 << 24),
        ]
    ),
    st.booleans(),
    st.sampled_from([np.float32, np.float64]),
)
def test_rows_are_those_that_would_be_hashed(lines, column, line_break, options, as_view, dtype):
    piece = b"".join(b"\t".join(line) + line_break for line in lines)
    piece = memoryview(bytearray(piece)) if as_view else piece
    cells = cells_of(lines, column, line_break)
    cells = [(a, b) for a, b in cells if is_utf8(bytes(piece[a:b]))]
    batch = rows_of(piece, cells)
    weighting = TermWeighting(dtype, "l2", not options.binary, IDF[: options.n_features])
    if options.n_features > len(IDF):
        weighting = TermWeighting(dtype, "l1")
    expected = hash_documents([batch], options, weighting, n_documents=None)
    known = with_packed(batch, ahead_of(piece, column, options), options)
    assert_equal(hash_documents([known], options, weighting, n_documents=None), expected)
    sigma = ["\N{GREEK CAPITAL LETTER SIGMA}".encode() in bytes(piece[a:b]) for a, b in cells]
    # All but those that Python has to turn to lower case.
    has_row = known.packed != 0
    assert has_row.tolist() == [not (s and options.lowercase) for s in sigma]


def is_utf8(text):
    try:
        return text.decode() is not None
    except UnicodeDecodeError:
        return False


def test_counts_that_do_not_fit_are_hashed_when_they_are_wanted():
    piece = b"a\t" + b"word " * 255 + b"\nb\t" + b"word " * 256 + b"\n"
    batch = rows_of(piece, cells_of([line.split(b"\t") for line in piece.splitlines()], 1, b"\n"))
    known = with_packed(batch, ahead_of(piece, 1), OPTIONS)
    assert (known.packed != 0).tolist() == [True, False]
    found = hash_documents([known], OPTIONS, PLAIN, n_documents=None)
    assert_equal(found, hash_documents([batch], OPTIONS, PLAIN, n_documents=None))
    assert sorted(found.values.tolist()) == [254, 255, 255, 256]


def test_a_text_has_a_row_only_where_all_of_it_lay():
    piece = b"a\tone two\nb\tthree\nc\tcut in t"
    ahead = ahead_of(piece, 1)
    begin = piece.index(b"one")

    def has_row(first, last, of=piece, options=OPTIONS):
        return bool(with_packed(rows_of(of, [(first, last)]), ahead, options).packed[0])

    assert has_row(begin, begin + 7)
    assert not has_row(begin, begin + 3)
    assert not has_row(begin + 4, begin + 7)
    assert not has_row(0, 1)
    # Of the last line there may be more in another piece.
    assert not has_row(piece.index(b"cut"), len(piece))
    # The same bytes elsewhere are not known, nor is what other n-grams there are.
    assert not has_row(begin, begin + 7, bytes(bytearray(piece)))
    assert not has_row(begin, begin + 7, options=OPTIONS._replace(ngram_range=(1, 1)))
    ahead.forget()
    assert not has_row(begin, begin + 7)


def test_rows_outlive_who_hashed_them():
    words = [b"w%d" % i for i in range(3000)]
    piece = b"".join(b"%d\t%s\n" % (i, b" ".join(words[i:])) for i in range(1000))
    cells = cells_of([line.split(b"\t") for line in piece.splitlines()], 1, b"\n")
    batch = rows_of(piece, cells)
    known = with_packed(batch, ahead_of(piece, 1), OPTIONS)
    assert known.packed.all()
    # More than one slab of memory.
    assert np.ptp(known.packed) > 1 << 22
    expected = hash_documents([batch], OPTIONS, PLAIN, n_documents=None)
    for n_jobs in (1, 2):
        found = hash_documents([known], OPTIONS, PLAIN, n_documents=1000, n_jobs=n_jobs)
        assert_equal(found, expected)


def test_what_cannot_be_hashed_is_left_to_who_wants_it():
    for look in (lambda first: None, lambda first: ("\t", 1)):
        for options in (OPTIONS, OPTIONS._replace(n_features=1 << 40)):
            ahead = HashAhead(options, look)
            ahead.add(b"a\tb\n")
            assert ahead.goes_on == (look(b"") is not None and options is OPTIONS)

    def fails(first):
        raise csv.Error

    ahead = HashAhead(OPTIONS, fails)
    ahead.add(b"a\tb\n")
    assert not ahead.goes_on


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (OPTIONS, True),
        (OPTIONS._replace(n_features=1 << 25), False),
        (OPTIONS._replace(ngram_range=(1, 5)), False),
        (OPTIONS._replace(ngram_range=(2, 1)), False),
        (OPTIONS._replace(ngram_range=(0, 2)), False),
        (OPTIONS._replace(ngram_range=(-1, 1)), False),
        (OPTIONS._replace(n_features=0), False),
    ],
)
def test_which_rows_can_be_packed(options, expected):
    assert can_be_packed(options) is expected


def test_a_piece_may_be_empty():
    packed = pack_texts(OPTIONS.hasher().address, Slabs(), b"", ord("\t"), 0)
    rows = np.ones(1, np.uint64)
    packed.find(np.ones(1, np.uint64), np.ones(1, np.int64), rows)
    assert rows.tolist() == [0]
