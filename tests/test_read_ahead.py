"""Pieces of a file are the file, read by whom and when it may be."""

import errno
import io
import mmap
import os
import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastada import read_ahead
from fastada.formats import DataFile, Problems, ReadOptions
from fastada.hash_ahead import HashAhead
from fastada.read_ahead import ReadAhead, last_break, mapped_pieces, pieces
from fastada.text.options import NgramOptions


def check_pieces(found, data, sizes, piece):
    assert b"".join(found) == data
    assert all(0 < len(part) <= piece for part in found)
    if piece > 70 and max(sizes, default=0) < 32:
        assert all(part.endswith(b"\n") for part in found[:-1])


@given(
    st.lists(st.integers(0, 70), max_size=40), st.sampled_from([16, 64, 100]), st.integers(0, 20)
)
def test_pieces_are_the_file(sizes, piece, begin):
    data = b"\n".join(b"x" * size for size in sizes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(read_ahead, "PIECE", piece)
        patch.setattr(read_ahead, "WINDOW", 32)
        file = io.BytesIO(data)
        file.seek(begin)
        found = list(pieces(file))
    check_pieces(found, data[begin:], sizes, piece)


@given(
    st.lists(st.integers(0, 70), max_size=40),
    st.sampled_from([16, 64, 100]),
    st.integers(0, 3),
)
def test_mapped_pieces_are_the_file(sizes, piece, n_pages):
    page = mmap.ALLOCATIONGRANULARITY
    # Lines that cross from one mapped part of the file to the next.
    lines = [*sizes, *[31] * (n_pages * page // 32), *sizes]
    data = b"\n".join(b"x" * size for size in lines)
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryFile() as file:
        patch.setattr(read_ahead, "PIECE", piece)
        patch.setattr(read_ahead, "SLAB", page + piece)
        patch.setattr(read_ahead, "WINDOW", 32)
        file.write(data)
        file.flush()
        found = [bytes(part) for part in mapped_pieces(file)]
    check_pieces(found, data, sizes, piece)


@pytest.mark.parametrize("n_mapped", [0, 2])
def test_what_cannot_be_mapped_is_read(tmp_path, monkeypatch, n_mapped):
    path = tmp_path / "a"
    path.write_bytes(b"some words\n" * 3 * mmap.ALLOCATIONGRANULARITY)
    left = [read_ahead._mapped] * n_mapped

    def mapped(*args):
        if not left:
            raise OSError(errno.ENODEV, "no such device")
        return left.pop()(*args)

    monkeypatch.setattr(read_ahead, "_mapped", mapped)
    monkeypatch.setattr(read_ahead, "PIECE", 1000)
    monkeypatch.setattr(read_ahead, "SLAB", 3 * mmap.ALLOCATIONGRANULARITY)
    with path.open("rb", buffering=0) as file:
        assert b"".join(mapped_pieces(file)) == path.read_bytes()


@pytest.mark.skipif(os.name == "nt", reason="files that are mapped cannot be cut short there")
def test_a_file_cut_short_before_it_is_mapped_is_told(tmp_path, monkeypatch):
    page = mmap.ALLOCATIONGRANULARITY
    monkeypatch.setattr(read_ahead, "PIECE", page)
    monkeypatch.setattr(read_ahead, "SLAB", 2 * page)
    path = tmp_path / "a"
    path.write_bytes(b"\n" * 6 * page)
    with path.open("rb", buffering=0) as file:
        found = mapped_pieces(file)
        next(found)
        os.truncate(path, 3 * page)
        with pytest.raises(OSError, match="a was cut short while it was in use"):
            list(found)


def test_what_cannot_seek_is_read_as_it_comes(monkeypatch):
    class Pipe(io.BytesIO):
        def seekable(self):
            return False

        def seek(self, *_):
            raise OSError

    monkeypatch.setattr(read_ahead, "PIECE", 10)
    assert list(pieces(Pipe(b"a\n" * 12))) == [b"a\n" * 5, b"a\n" * 5, b"a\n" * 2]


def test_read_ahead_gives_the_same_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(read_ahead, "PIECE", 1000)
    path = tmp_path / "a.tsv"
    path.write_text("\n".join(f"label{i % 3}\ttext number {i}" for i in range(5000)))

    def numbers(begun):
        file = DataFile(str(path), ReadOptions(), begun)
        return [
            [
                n
                for chunk in file.chunks(Problems("f", False, print))
                for n in chunk.numbers.tolist()
            ]
            for _ in range(2)  # once more from the beginning
        ]

    # More pieces than may wait.
    assert path.stat().st_size > 1000 * read_ahead.MOST_WAITING
    assert numbers(ReadAhead(str(path))) == numbers(None)


def test_errors_of_reading_come_where_it_is_read(tmp_path):
    with pytest.raises(IsADirectoryError):
        list(ReadAhead(str(tmp_path)).pieces())


def test_a_file_that_there_is_no_memory_for_does_not_seem_to_end(tmp_path, monkeypatch):
    def fails(*_):
        raise MemoryError

    path = tmp_path / "a.tsv"
    path.write_text("a\tb\n")
    monkeypatch.setattr(read_ahead, "_mapped", fails)
    with pytest.raises(MemoryError):
        list(ReadAhead(str(path)).pieces())


@given(st.binary(max_size=40), st.integers(1, 20))
def test_last_break_is_the_last(data, window):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(read_ahead, "WINDOW", window)
        assert last_break(data) == last_break(memoryview(data)) == data.rfind(b"\n")


def test_what_has_been_read_is_hashed_until_nobody_wants_it(tmp_path, monkeypatch):
    monkeypatch.setattr(read_ahead, "PIECE", 1000)
    path = tmp_path / "a.tsv"
    path.write_text("\n".join(f"label{i % 3}\ttext number {i}" for i in range(5000)))
    options = NgramOptions("word", (1, 2), True, False, False, 1 << 10)

    class Counted(HashAhead):
        def __init__(self, most):
            super().__init__(options, lambda first: ("\t", 1))
            self.most, self.added = most, []

        def add(self, piece):
            super().add(piece)
            self.added.append(bytes(piece))
            self.goes_on = len(self.added) < self.most

    for most in (5, 1000):
        hashed = Counted(most)
        begun = ReadAhead(str(path), hashed)
        found = list(begun.pieces())
        begun.wait()
        assert b"".join(found) == path.read_bytes()
        assert hashed.added == [bytes(piece) for piece in found[: min(most, 40)]]
        known = [hashed.of(piece, options) is not None for piece in found]
        assert known == [i < min(most, 40) for i in range(len(found))]
