import bz2
import contextlib
import gzip
import json
import lzma
import os
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import dump_svmlight_file, load_svmlight_file

from fastada.formats import DataFile, FormatError, Problems, ReadOptions, guess_format, source

from .common import read, read_vectors


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


LABEL = st.text(min_size=1).filter(lambda label: label == label.strip() and label)


@given(st.lists(st.tuples(LABEL, st.text().filter(str.strip)), min_size=1))
def test_json_lines_round_trip(tmp_path_factory, rows):
    path = tmp_path_factory.getbasetemp() / "a.jsonl"
    write(path, "".join(json.dumps({"label": a, "text": b}) + "\n" for a, b in rows) or "{}\n")
    texts, labels, *_ = read(path)
    assert list(zip(labels, texts, strict=True)) == rows


def test_json_lines_faults(tmp_path):
    good = '{"label": 1, "text": "good"}'
    bad = {
        "bad JSON": ["{", "[1]", "[" * 100_000],
        "no text": ["{}", '{"text": 3, "label": "x"}'],
        "no label": ['{"text": "a"}', '{"text": "a", "label": null}'],
        "empty text": ['{"text": " ", "label": "x"}'],
        "bad UTF-8": [r'{"text": "\ud800", "label": "x"}'],
    }
    rows = [good, *(row for rows in bad.values() for row in rows), good]
    texts, labels, problems, lines = read(write(tmp_path / "a.jsonl", "\n".join(rows)))
    assert (texts, labels) == (["good"] * 2, ["1"] * 2)
    assert problems.counts == {kind: len(rows) for kind, rows in bad.items()}
    assert lines == list(range(2, len(rows)))


def test_json_lines_under_other_names(tmp_path):
    path = write(tmp_path / "a", '{"mood": true, "said": "so good"}\n')
    assert read(path, text_column="said", label_column="mood")[:2] == (["so good"], ["True"])


def test_fasttext(tmp_path):
    path = write(
        tmp_path / "a.txt", "__label__a one\n__label__b  two\nthree\n__label__a __label__b x\n"
    )
    texts, labels, problems, _ = read(path, format="fasttext")
    assert (texts, labels) == (["one", "two"], ["a", "b"])
    assert problems.counts == {"no label": 1, "more than one label": 1}
    assert read(path, format="fasttext", labelled=False)[0] == ["one", "two", "three", "x"]


def test_plain_text_has_no_labels(tmp_path):
    path = write(tmp_path / "a.txt", "one\ntwo\n")
    assert read(path, labelled=False)[0] == ["one", "two"]
    with pytest.raises(FormatError, match="without labels"):
        read(path)


def test_parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "a.parquet"
    table = pyarrow.table({"id": [1, 2, 3, 4], "label": ["a", None, "c", "d"],
                           "text": ["one", "two", None, "four"]})  # fmt: skip
    parquet.write_table(table, path)
    texts, labels, problems, bad = read(path)
    assert (texts, labels, bad) == (["one", "four"], ["a", "d"], [2, 3])
    assert problems.counts == {"no label": 1, "no text": 1}
    with pytest.raises(FormatError, match="by --text-column"):
        read(path, text_column="body")
    with pytest.raises(FormatError, match=r"broken\.parquet"):
        read(write(tmp_path / "broken.parquet", b"PAR1 and no more"))


def test_svmlight_equals_scikit_learns(tmp_path, text_like):
    X, y = text_like
    path = tmp_path / "a.svm"
    dump_svmlight_file(X, (y == y[0]).astype(int), str(path), zero_based=True)
    expected, target = load_svmlight_file(str(path), n_features=X.shape[1], zero_based=True)
    rows, labels, weights, problems = read_vectors(path, n_features=X.shape[1])
    assert not problems.counts
    assert [float(label) for label in labels] == target.tolist()
    assert set(weights) == {1.0}
    for i, row in enumerate(rows):
        line = expected[i]
        assert row == pytest.approx(dict(zip(line.indices.tolist(), line.data, strict=True)))


def test_svmlight_faults(tmp_path):
    bad = {
        "bad feature": ["1 a:2", "1 3", "1 -1:2", "1 ²:1"],
        "bad number": ["1 3:x", "1 3:inf", "1 3:nan", "1 3:1e39", "1 3:"],
        "column out of range": ["1 8:1", "1 99999999999999999999:1"],
        "column given twice": ["1 3:1 3:1"],
        "empty row": ["# comment"],
        "no label": ["3:1"],
    }
    rows = [row for rows in bad.values() for row in rows]
    path = write(tmp_path / "a.svm", "\n".join(["1 7:2 qid:3 0:1 # x", *rows, "0"]))
    found, labels, _, problems = read_vectors(path, n_features=8)
    assert found == [{0: 1.0, 7: 2.0}, {}]
    assert labels == ["1", "0"]
    assert problems.counts == {kind: len(rows) for kind, rows in bad.items()}


def test_svmlight_without_labels(tmp_path):
    path = write(tmp_path / "a.svm", "3:1 5:2\n1 3:1\n")
    rows, labels, *_ = read_vectors(path, n_features=8, labelled=False)
    assert (rows, labels) == ([{3: 1.0, 5: 2.0}, {3: 1.0}], [])


def column(namespace, name, n_features):
    return zlib.crc32(f"{namespace}^{name}".encode()) % n_features


def test_vowpal_wabbit(tmp_path):
    n = 1 << 20
    path = write(
        tmp_path / "a.vw",
        "1 | a b:2\n-1 0.5 |x a:3 b |y:2 a\n2 1.5 'tag|x http://a:4\n1 tag|x a a\n"
        "| a\n1 |x a:b:c\n1\n1 2 0 3 | a\n1 -1 | a\n1 1 0.5 | a\n1 | a:3e38 a:3e38\n",
    )
    rows, labels, weights, problems = read_vectors(path, n_features=n)
    assert labels == ["1", "-1", "2", "1"]
    assert weights == [1.0, 0.5, 1.5, 1.0]
    assert rows == [
        {column("", "a", n): 1.0, column("", "b", n): 2.0},
        {column("x", "a", n): 3.0, column("x", "b", n): 1.0, column("y", "a", n): 2.0},
        {column("x", "http://a", n): 4.0},
        {column("x", "a", n): 2.0},
    ]
    assert problems.counts == {
        "no label": 1, "bad number": 3, "no features": 1, "bad label": 2
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "line", "expected"),
    [
        ("a.csv", "", "csv"),
        ("a.TSV.gz", "", "tsv"),
        ("b.jsonl.xz", "", "jsonl"),
        ("-", "1 3:4 5:6", "svmlight"),
        ("-", '{"a": 1}', "jsonl"),
        ("-", "__label__a b", "fasttext"),
        ("-", "1 |x a b:3", "vw"),
        ("-", "| a b", "vw"),
        ("-", "-1 0.5 'tag|x a", "vw"),
        ("-", "pos\tso good", "tsv"),
        ("-", "so good", "text"),
        ("-", "at 10:30 he said | or not", "text"),
    ],
)
def test_guesses(name, line, expected):
    assert guess_format(name, [line]) == expected


CONTENT = "".join(f"label{i % 3}\ttext number {i}\n" for i in range(80_000)).encode()
COMPRESS = {"gz": gzip.compress, "xz": lzma.compress, "bz2": bz2.compress}


def compress(form, content):
    if form == "zst":
        return pytest.importorskip("pyarrow").compress(content, "zstd", asbytes=True)
    return COMPRESS[form](content)


@pytest.mark.parametrize("form", ["gz", "xz", "bz2", "zst"])
def test_compressed_files_are_told_by_their_content(tmp_path, form):
    plain = read(write(tmp_path / "a.tsv", CONTENT))
    path = write(tmp_path / "whatever.tsv", compress(form, CONTENT))
    assert read(path)[:2] == plain[:2]


@pytest.mark.parametrize("form", ["gz", "xz", "bz2"])
def test_members_follow_each_other(tmp_path, form):
    half = len(CONTENT) // 2
    content = compress(form, CONTENT[:half]) + compress(form, CONTENT[half:])
    plain = read(write(tmp_path / "a.tsv", CONTENT))
    assert read(write(tmp_path / "b.tsv", content))[:2] == plain[:2]


@pytest.mark.parametrize("form", ["gz", "xz", "bz2", "zst"])
def test_truncated_files_are_told(tmp_path, form, monkeypatch):
    monkeypatch.setattr(source, "PIECE", 4096)
    whole = compress(form, CONTENT)
    path = write(tmp_path / "a.tsv", whole[: len(whole) * 2 // 3])
    texts, _, problems, _ = read(path)
    assert texts
    assert problems.counts == {"file cut short": 1}
    assert texts == [f"text number {i}" for i in range(len(texts))]
    with pytest.raises(FormatError, match="file cut short"):
        list(DataFile(str(path), ReadOptions()).chunks(Problems("f", False, print)))


def test_damaged_gzip_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(source, "PIECE", 4096)
    whole = bytearray(gzip.compress(CONTENT))
    whole[len(whole) // 2 :] = bytes(len(whole) - len(whole) // 2)
    _, _, problems, _ = read(write(tmp_path / "a.tsv", bytes(whole)))
    assert problems.counts["file cut short"] == 1


def test_bomb_is_read_in_pieces(tmp_path):
    path = write(tmp_path / "a.tsv", gzip.compress(b"a\tb\n" + bytes(1 << 27)))
    sizes = [len(piece) for piece in source.Source(str(path)).pieces()]
    assert max(sizes) <= source.PIECE


def test_empty_file(tmp_path):
    with pytest.raises(FormatError, match="is empty"):
        DataFile(str(write(tmp_path / "a", b"")), ReadOptions())


def test_a_table_is_the_same_in_every_format(tmp_path):
    """Header of another case, columns by number, labels that are no texts or have white space."""
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    for labels in ([True, False], [" a ", "b"], [1, 2], [1.5, 2.0]):
        rows = [
            {"Label": a, "ID": "x", "Text": b} for a, b in zip(labels, ["one", "two"], strict=True)
        ]
        (tmp_path / "a.csv").write_text("Label,ID,Text\n" + "".join(
            ",".join(map(str, row.values())) + "\n" for row in rows))  # fmt: skip
        (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "a.parquet")
        expected = ["one", "two"], [str(label).strip() for label in labels]
        for name in ("a.csv", "a.jsonl", "a.parquet"):
            for asked in ({}, {"text_column": "3", "label_column": "1"}, {"text_column": "tEXT"}):
                texts, found, problems, _ = read(tmp_path / name, **asked)
                assert (texts, list(found)) == expected, (name, asked)
                assert not problems.counts
            with contextlib.suppress(FormatError):
                assert not read(tmp_path / name, text_column="²")[0]


def test_parquet_texts_are_held_once(tmp_path, monkeypatch):
    """Rows that share a text come in parts, and a text that is too long is a bad row."""
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    texts = [["long " * 200, "short", None][i % 3] for i in range(300)]
    labels = pyarrow.array(["a", "b"] * 150).dictionary_encode()
    parquet.write_table(pyarrow.table({"text": texts, "label": labels}), tmp_path / "a.parquet")
    whole = read(tmp_path / "a.parquet")
    assert whole[0] == [text for text in texts if text]
    assert whole[3] == list(range(3, 301, 3))
    monkeypatch.setattr("fastada.formats.parquet.CHARACTERS", 3000)
    file = DataFile(str(tmp_path / "a.parquet"), ReadOptions())
    assert max(len(chunk) for chunk in file.chunks(Problems("f", True, print))) < 10
    assert read(tmp_path / "a.parquet")[:2] == whole[:2]
    found, _, problems, bad = read(tmp_path / "a.parquet", longest_text=100)
    assert set(found) == {"short"}
    assert problems.counts == {"text too long": 100, "no text": 100}
    assert len(bad) == 200


@pytest.mark.skipif(
    "asan" in os.environ.get("LD_PRELOAD", ""), reason="AddressSanitizer keeps memory that is freed"
)
@pytest.mark.parametrize("bomb", ["newlines", "parquet"])
def test_small_files_take_little_memory(tmp_path, bomb):
    """Three million empty lines, and 8,192 rows of one text of 30 kB, by the peak of a process."""
    if not Path("/proc/self/status").exists():
        pytest.skip("the peak of a process by itself is told by Linux alone")
    if bomb == "newlines":
        path = tmp_path / "a.tsv.gz"
        path.write_bytes(
            gzip.compress(b"a\tone\n" + b"\n" * 3_000_000, 1) + gzip.compress(b"b\ttwo\n")
        )
    else:
        pyarrow = pytest.importorskip("pyarrow")
        parquet = pytest.importorskip("pyarrow.parquet")
        path = tmp_path / "a.parquet"
        table = pyarrow.table({"label": ["a"] * 8192, "text": ["x" * 30_000] * 8192})
        parquet.write_table(table, path)
    code = (
        "import sys; from fastada.formats import DataFile, Problems, ReadOptions\n"
        "def peak(): return int(next(line for line in open('/proc/self/status')"
        " if line.startswith('VmHWM')).split()[1])\n"
        "for path in sys.argv[1:]:\n"
        "    file = DataFile(path, ReadOptions())\n"
        "    for chunk in file.chunks(Problems('f', True, lambda line: None)): pass\n"
        "    print(peak())"
    )
    small = tmp_path / ("b.tsv" if bomb == "newlines" else "b.parquet")
    if bomb == "newlines":
        small.write_text("a\tone\n\nb\ttwo\n")
    else:
        parquet.write_table(table.slice(0, 1), small)
    options = [sys.executable, "-c", code, str(small), str(path)]
    done = subprocess.run(options, capture_output=True, text=True, check=True)
    before, after = map(int, done.stdout.split())
    assert os.path.getsize(path) < 100_000
    assert after - before < 60_000
