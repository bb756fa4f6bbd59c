import contextlib
import csv
import io
import itertools
import os
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastada.formats import DataFile, FormatError, Problems, ReadOptions, lines

from .common import read

CELL = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=40)
LINE_BREAKS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029\t\x00"
LABEL = st.text(st.characters(codec="utf-8", exclude_characters=LINE_BREAKS), min_size=1).filter(
    lambda label: label == label.strip() and label
)


@given(rows=st.lists(st.tuples(LABEL, CELL.filter(str.strip)), min_size=1, max_size=20))
def test_csv_is_what_the_csv_module_wrote(tmp_path_factory, rows):
    path = tmp_path_factory.getbasetemp() / "written.csv"
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows([("label", "text"), *rows])
    path.write_bytes(buffer.getvalue().encode())
    texts, labels, problems, _ = read(path)
    assert not problems.counts
    assert list(zip(labels, texts, strict=True)) == rows


@given(
    rows=st.lists(
        st.tuples(
            LABEL,
            st.text(st.characters(codec="utf-8", exclude_characters="\n\r\t\x00")).filter(
                str.strip
            ),
        ),
        min_size=1,
        max_size=20,
    ),
    end=st.sampled_from(["\n", "\r\n"]),
    last=st.booleans(),
)
def test_tsv_takes_every_character_as_it_is(tmp_path_factory, rows, end, last):
    path = tmp_path_factory.getbasetemp() / "written.tsv"
    content = end.join(f"{label}\t{text}" for label, text in rows) + end * last
    path.write_bytes(content.encode())
    options = {"label_column": "1", "text_column": "2", "header": False}
    texts, labels, problems, _ = read(path, **options)
    assert not problems.counts
    assert list(zip(labels, texts, strict=True)) == rows


@given(st.binary(max_size=300), st.sampled_from(["csv", "tsv"]))
def test_any_bytes_are_rows_or_are_reported(tmp_path_factory, content, form):
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(b"label,text\na,b\n".replace(b",", b"," if form == "csv" else b"\t") + content)
    texts, labels, problems, bad = read(path, format=form)
    assert texts[0] == "b"
    assert len(texts) == len(labels)
    assert problems.counts.total() == len(bad)


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from([b"a,one\n", b'b,"t\nwo"\n', b'"', b"\n", b"\r\n", b"x", b",", b"\xff"])
    ),
    st.sampled_from(["csv", "tsv"]),
    st.integers(1, 40),
)
def test_blocks_do_not_show_whatever_is_in_them(tmp_path_factory, parts, form, size):
    path = tmp_path_factory.getbasetemp() / "parts"
    content = b"label,text\n" + b"".join(parts)
    path.write_bytes(content.replace(b",", b"," if form == "csv" else b"\t"))
    whole = read(path, format=form)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "BLOCK", size)
        patch.setattr("fastada.read_ahead.PIECE", size)
        patch.setattr(lines, "MOST_LINES", 1 + size // 10)
        found = read(path, format=form)
    assert (found[:2], found[2].counts, found[3]) == (whole[:2], whole[2].counts, whole[3])


@given(st.binary(min_size=1, max_size=300))
def test_any_bytes_are_a_file_or_an_error(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "unknown"
    path.write_bytes(content)
    with contextlib.suppress(FormatError):
        read(path)
    with contextlib.suppress(FormatError):
        read(path, labelled=False)


@pytest.mark.parametrize(
    ("name", "content", "options", "expected"),
    [
        ("a.csv", b"label,text\npos,so good\n", {}, [("pos", "so good")]),
        ("a.csv", b"text,id,label\nso good,1,pos\n", {}, [("pos", "so good")]),
        ("a.csv", b"body,mood\nso good,pos\n", {"label_column": "mood"}, [("pos", "so good")]),
        ("a.csv", b"so good it is,pos\nwhat a bore,neg\nthe very best,pos\n", {},
         [("pos", "so good it is"), ("neg", "what a bore"), ("pos", "the very best")]),
        ("a.csv", b'pos,"a, ""b""\nc"\n', {}, [("pos", 'a, "b"\nc')]),
        ("a.csv", b'pos,a "b" c\n', {"quoting": False}, [("pos", 'a "b" c')]),
        ("a.tsv", b'pos\t"a "b c\n', {}, [("pos", '"a "b c')]),
        ("a.tsv", b'pos\t"so\ngood"\n', {"quoting": True}, [("pos", "so\ngood")]),
        ("a.csv", b"\xef\xbb\xbflabel,text\r\npos,so good\r\n", {}, [("pos", "so good")]),
        ("a.tsv", b"pos\tso good\n\n\n", {}, [("pos", "so good")]),
        ("a.csv", b"label,text\npos,so good\n", {"header": False, "text_column": "2"},
         [("label", "text"), ("pos", "so good")]),
    ],
)  # fmt: skip
def test_tables(tmp_path, name, content, options, expected):
    path = tmp_path / name
    path.write_bytes(content)
    texts, labels, problems, _ = read(path, **options)
    assert list(zip(labels, texts, strict=True)) == expected
    assert not problems.counts


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (b"no label here", "wrong number of columns"),
        (b"pos\tone\ttwo", "wrong number of columns"),
        (b"pos\tbad \xff byte", "bad UTF-8"),
        (b"pos\thalf a surrogate \xed\xa0\x80", "bad UTF-8"),
        (b"pos\tnul \x00 byte", "NUL byte"),
        (b"pos\t", "empty text"),
        (b"pos\t \xc2\xa0", None),
        (b"\ttext", "empty label"),
        (b"", "empty row"),
    ],
)
def test_bad_rows_are_told_with_their_line(tmp_path, row, fault):
    path = tmp_path / "a.tsv"
    path.write_bytes(b"pos\tfirst text\n" + row + b"\nneg\tlast text\n")
    options = {"label_column": "1", "text_column": "2"}
    texts, labels, problems, bad = read(path, **options)
    if fault is None:
        return
    assert (texts, labels) == (["first text", "last text"], ["pos", "neg"])
    assert problems.counts == {fault: 1}
    assert bad == [2]
    assert f"1 {fault}" in problems.summary()
    with pytest.raises(FormatError, match=f":2: {fault}"):
        list(DataFile(str(path), ReadOptions(**options)).chunks(Problems("f", False, print)))


def test_quote_that_never_closes_costs_its_line_alone(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b'label,text\na,one\nb,"two\nc,three\nd,four\n')
    texts, _, problems, bad = read(path)
    assert texts == ["one", "three", "four"]
    assert problems.counts == {"bad quoting": 1}
    assert bad == [3]


def test_line_too_long_is_skipped(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "LONGEST_LINE", 1 << 20)
    path = tmp_path / "a.tsv"
    path.write_bytes(b"a\tone\nb\t" + b"x" * (5 << 20) + b"\nc\tthree\n" + b"d\tfour\n")
    texts, _, problems, bad = read(path, label_column="1", text_column="2")
    assert texts == ["one", "three", "four"]
    assert problems.counts == {"line too long": 1}
    assert bad == [2]


def test_line_too_long_inside_of_quotes(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "LONGEST_LINE", 1 << 20)
    path = tmp_path / "a.csv"
    long = b"x" * (5 << 20)
    path.write_bytes(b'a,one\nb,"open\nc,three\n' + long + b'\nd,"four"\n')
    texts, _, problems, bad = read(path, header=False, label_column="1", text_column="2")
    assert texts == ["one", "three", "four"]
    assert problems.counts == {"line too long": 1, "bad quoting": 1}
    assert bad == [2, 4]


@pytest.mark.parametrize("name", ["a.tsv", "a.csv"])
def test_many_short_lines(tmp_path, monkeypatch, name):
    """Lines that come in parts: empty ones before, among and after rows, at the end untold."""
    monkeypatch.setattr(lines, "MOST_LINES", 3)
    delimiter = "\t" if name == "a.tsv" else ","
    rows = [f"a{delimiter}text", "", "", "", "", f"b{delimiter}text", "cell", "", f"c{delimiter}x"]
    path = tmp_path / name
    path.write_text("\n".join([*rows, *[""] * 8]))
    options = {"header": False, "label_column": "1", "text_column": "2"}
    texts, labels, problems, bad = read(path, **options)
    assert (texts, labels) == (["text", "text", "x"], ["a", "b", "c"])
    assert problems.counts == {"empty row": 5, "wrong number of columns": 1}
    assert bad == [2, 3, 4, 5, 7, 8]


def test_blocks_do_not_show(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    rows = [f'label{i % 7},"text, of {i}"' if i % 3 else f"l,text {i}" for i in range(5000)]
    path.write_text("\n".join(rows))
    whole = read(path, header=False, label_column="1")
    monkeypatch.setattr(lines, "BLOCK", 1000)
    monkeypatch.setattr("fastada.formats.source.PIECE", 777)
    assert read(path, header=False, label_column="1")[:2] == whole[:2]
    assert len(whole[0]) == 5000


def test_columns_that_are_not_there(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("label,text\npos,so good\n")
    for options in ({"text_column": "body"}, {"label_column": "3"}):
        with pytest.raises(FormatError, match="columns are label, text"):
            DataFile(str(path), ReadOptions(**options))
    path.write_text("one column\n")
    with pytest.raises(FormatError, match="no labels"):
        DataFile(str(path), ReadOptions())


def write_mixed(path, delimiter, quote):
    """Rows good and bad, empty ones and records of several lines among them."""
    rng = np.random.default_rng(0)
    rows = []
    for i in range(3000):
        kind = rng.integers(60)
        text = f"text {i} is Ünsound" if kind % 2 else f"text {i}"
        if quote and kind < 10:
            text = f'"several\nlines, {i}"'
        row = f"label{i % 5}{delimiter}{text}".encode()
        bad = [b"", b"one cell", row + b"\xff", row + b"\0", f"x{delimiter}".encode(),
               f"{delimiter}no label".encode()]  # fmt: skip
        rows.append(bad[kind - 20] if 20 <= kind < 26 else row)
    path.write_bytes(b"\n".join(rows))


@pytest.mark.parametrize(("name", "delimiter", "quote"), [("a.tsv", "\t", 0), ("a.csv", ",", 1)])
def test_pieces_do_not_show(tmp_path, monkeypatch, name, delimiter, quote):
    write_mixed(tmp_path / name, delimiter, quote)

    def found():
        told = []
        problems = Problems("f", True, told.append)
        file = DataFile(str(tmp_path / name), ReadOptions(label_column="1", text_column="2"))
        chunks = list(file.chunks(problems))
        numbers = [number for chunk in chunks for number in chunk.numbers.tolist()]
        labels = [label for chunk in chunks for label in chunk.labels]
        return numbers, labels, told, problems.counts

    one = found()
    monkeypatch.setattr(lines, "BLOCK", 2000)
    monkeypatch.setattr("fastada.read_ahead.PIECE", 2500)
    assert found() == one
    assert len(one[3]) == 6
    # In the order of the file.
    lines_told = [int(line.split(":")[1]) for line in one[2]]
    assert lines_told == sorted(lines_told)


def test_the_first_bad_row_is_refused(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_bytes(b"a\tone\nb\ttwo\nno tab\n\nb\tnul\0\nb\t\xff\n")
    file = DataFile(str(path), ReadOptions(label_column="1", text_column="2"))
    with pytest.raises(FormatError, match=":3: wrong number of columns"):
        list(file.chunks(Problems("f", False, print)))


def test_empty_rows_of_quoted_tables_are_told(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b'label,text\n\na,"one\n\nrecord"\n\nb,two\n\n\n')
    texts, _, problems, bad = read(path)
    assert texts == ["one\n\nrecord", "two"]
    assert problems.counts == {"empty row": 2}
    assert bad == [2, 6]


def test_a_quote_open_for_many_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "BLOCK", 100)
    monkeypatch.setattr("fastada.read_ahead.PIECE", 100)
    path = tmp_path / "a.csv"
    long = "\n".join(f"line {i}, of it" for i in range(300))
    path.write_text(f'label,text\na,one\nb,"{long}"\nc,three\n')
    assert read(path)[0] == ["one", long, "three"]
    monkeypatch.setattr("fastada.formats.delimited.LONGEST_LINE", 1000)
    texts, labels, problems, _ = read(path)
    assert texts[0] == "one"
    assert problems.counts["bad quoting"] == 2
    assert "line 7" in labels


def test_labels_of_rows_that_are_left_out(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_bytes(b"gone\t \nb\tone\na\ttwo\nb \tthree\n")
    file = DataFile(str(path), ReadOptions(label_column="1", text_column="2", header=False))
    (chunk,) = file.chunks(Problems("f", True, lambda line: None))
    assert list(chunk.labels) == ["b", "a", "b"]
    assert chunk.labels.names == ["b", "a"]
    assert chunk.labels.codes.tolist() == [0, 1, 0]


def same_hash(n_blocks):
    """Labels whose FNV-1a hashes have the same lower 22 bits (Joux 2004)."""
    state, pairs = 0x811C9DC5, []
    for _ in range(n_blocks):
        seen = {}
        for block in itertools.product(b"abcdefghijklmnopqrstuvwxyz", repeat=4):
            h = state
            for byte in block:
                h = (h ^ byte) * 0x01000193 & 0x3FFFFF
            if h in seen:
                break
            seen[h] = block
        pairs.append((bytes(seen[h]).decode(), bytes(block).decode()))
        state = h
    return ["".join(blocks) for blocks in itertools.product(*pairs)]


def test_labels_made_to_share_a_hash_are_told_apart(tmp_path):
    labels = same_hash(11)
    rows = [(label, "some text") for label in labels + labels[::-1]]
    (tmp_path / "made.csv").write_text("label,text\n" + "".join(f"{a},{b}\n" for a, b in rows))
    _, found, problems, _ = read(tmp_path / "made.csv")
    assert not problems.counts
    assert list(found) == labels + labels[::-1]


def test_a_pipe_that_gives_its_first_line_bit_by_bit(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)

    def fill():
        with open(path, "wb", buffering=0) as pipe:
            for part in (b"so go", b"od,p", b"os\nbad,neg\n"):
                pipe.write(part)
                time.sleep(0.05)

    writer = threading.Thread(target=fill)
    writer.start()
    texts, labels, problems, _ = read(path, format="csv", label_column="2")
    writer.join()
    assert (texts, labels, problems.counts) == (["so good", "bad"], ["pos", "neg"], {})
