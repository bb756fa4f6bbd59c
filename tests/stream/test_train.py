"""A file larger than memory gives the model of one that fits."""

import io
import sys

import numpy as np
import pytest

from fastada.formats import DataFile, FormatError, Problems, ReadOptions
from fastada.stream.options import Features, Learning
from fastada.stream.train import train
from fastada.stream.vectorise import ahead

SMALLEST_MEMORY = 1 << 20


class Notes:
    def __init__(self):
        self.notes, self.losses, self.tasks = [], [], set()

    def read(self, task, rows, n_bytes, loss):
        self.tasks.add(task)

    def epoch(self, number, of, loss, seconds):
        self.losses.append(loss)

    def note(self, line):
        self.notes.append(line)

    def learned(self, learning_rate, search, progressive_loss):
        self.learning_rate, self.search = learning_rate, search
        self.progressive_loss = progressive_loss


def make_lines(n_rows, n_classes, seed=0):
    rng = np.random.default_rng(seed)
    lines = []
    for label in rng.integers(n_classes, size=n_rows):
        words = rng.integers(400, size=20) * n_classes + label * (rng.random(20) < 0.4)
        lines.append(f"c{label}\t" + " ".join(f"w{word}" for word in words))
    return lines


@pytest.fixture(scope="module", params=[2, 3], ids=["binary", "multiclass"])
def lines(request):
    return make_lines(8000, request.param)


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr("fastada.formats.lines.BLOCK", 30_000)
    monkeypatch.setattr("fastada.formats.source.PIECE", 20_000)
    monkeypatch.setattr("fastada.read_ahead.PIECE", 20_000)


@pytest.fixture
def path(tmp_path, lines):
    path = tmp_path / "a.tsv"
    path.write_text("\n".join(lines))
    return str(path)


def trained(path, features, *, skip=False, **learning):
    notes = Notes()
    file = DataFile(path, ReadOptions(format="tsv", label_column="1", text_column="2"))
    problems = Problems(path, skip, notes.note)
    return train(file, features, Learning(**learning), problems, notes), notes


def run(path, features, **options):
    found, notes = trained(path, features, **options)
    return found.model(), notes


@pytest.mark.parametrize("use_idf", [True, False])
@pytest.mark.parametrize("threads", [1, 2])
def test_streamed_equals_held_in_memory(path, small_blocks, use_idf, threads):
    features = Features(bits=14, use_idf=use_idf)
    held, notes = run(path, features, shuffle=False, epochs=2)
    assert not notes.notes
    streamed, streamed_notes = run(
        path, features, shuffle=False, epochs=2, memory=SMALLEST_MEMORY, threads=threads
    )
    assert "reads the file again" in streamed_notes.notes[0]
    assert {"epoch 1/2", "epoch 2/2"} <= streamed_notes.tasks
    np.testing.assert_array_equal(streamed.weights, held.weights)
    np.testing.assert_array_equal(streamed.intercepts, held.intercepts)
    np.testing.assert_allclose(streamed_notes.losses, notes.losses, rtol=1e-9)
    if use_idf:
        np.testing.assert_array_equal(streamed.idf, held.idf)


@pytest.mark.parametrize("use_idf", [True, False])
@pytest.mark.parametrize("threads", [1, 2])
def test_one_epoch_without_vectors_equals_one_with_them(
    path, small_blocks, monkeypatch, use_idf, threads
):
    monkeypatch.setattr("fastada.stream.one_pass.N_COUNTED", 10_000)
    features = Features(bits=14, use_idf=use_idf)
    # Shuffled, the scale of the values would be taken from other rows.
    options = {"epochs": 1, "shuffle": False, "learning_rate": 0.7}
    once, notes = run(path, features, threads=threads, **options)
    monkeypatch.setattr("fastada.stream.train.hold", lambda chunks, *_: (None, chunks))
    held, held_notes = run(path, features, **options)
    np.testing.assert_array_equal(once.weights, held.weights)
    np.testing.assert_array_equal(once.intercepts, held.intercepts)
    np.testing.assert_allclose(notes.losses, held_notes.losses, rtol=1e-9)
    if use_idf:
        np.testing.assert_array_equal(once.idf, held.idf)


@pytest.mark.parametrize("threads", [1, 2])
def test_one_epoch_counts_terms_in_the_first_rows(tmp_path, monkeypatch, threads):
    monkeypatch.setattr("fastada.stream.one_pass.N_COUNTED", 500)
    features = Features(bits=14)
    lines = make_lines(2000, 2)
    for name, part in (("all", lines), ("first", lines[:500])):
        (tmp_path / name).write_text("\n".join(part))
    options = {"epochs": 1, "shuffle": False, "threads": threads}
    every, _ = run(str(tmp_path / "all"), features, **options)
    first, _ = run(str(tmp_path / "first"), features, **options)
    is_counted = first.idf > 0
    np.testing.assert_array_equal(every.idf[is_counted], first.idf[is_counted])
    assert (every.idf[~is_counted] > every.idf[is_counted].max()).all()
    assert not np.array_equal(every.weights, first.weights)


@pytest.mark.parametrize("memory", [SMALLEST_MEMORY, 1 << 30])
def test_columns_that_do_not_occur_change_nothing(path, small_blocks, monkeypatch, memory):
    features = Features(bits=16, ngrams=(1, 1))
    compact, _ = trained(path, features, epochs=2, memory=memory)
    assert len(compact.linear.columns) < 2**15
    monkeypatch.setattr(
        "fastada.stream.counts.Counts.columns", lambda self: np.arange(self.n_features)
    )
    whole, _ = trained(path, features, epochs=2, memory=memory)
    assert whole.linear.columns is None
    np.testing.assert_array_equal(compact.model().weights, whole.model().weights)


def test_shuffling_is_decided_by_the_seed(path, small_blocks):
    features = Features(bits=14)
    options = {"memory": SMALLEST_MEMORY, "epochs": 1}
    one, again, other = (run(path, features, seed=s, **options)[0].weights for s in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


def read_stdin(monkeypatch, lines, **learning):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("\n".join(lines).encode())))
    return run("-", Features(bits=14), **learning)


def test_standard_input_that_fits_can_be_learned_often(lines, path, small_blocks, monkeypatch):
    held, _ = run(path, Features(bits=14), epochs=3)
    piped, _ = read_stdin(monkeypatch, lines, epochs=3)
    np.testing.assert_array_equal(piped.weights, held.weights)


def test_standard_input_beyond_memory_is_learned_once(lines, small_blocks, monkeypatch):
    with pytest.raises(FormatError, match="--epochs 1"):
        read_stdin(monkeypatch, lines, epochs=2, memory=SMALLEST_MEMORY)
    model, notes = read_stdin(monkeypatch, lines, epochs=1, memory=SMALLEST_MEMORY)
    assert "of its beginning" in notes.notes[0]
    assert len(notes.losses) == 1
    assert notes.losses[0] < 0.9 * np.log(len(model.classes))


def test_labels_that_come_too_late_are_bad_rows(lines, small_blocks, monkeypatch):
    late = [*lines, "late\tw1 w2 w3"]
    options = {"epochs": 1, "memory": SMALLEST_MEMORY, "shuffle": False}
    with pytest.raises(FormatError, match=rf":{len(late)}: unknown label: late"):
        read_stdin(monkeypatch, late, **options)
    skipped, notes = read_stdin(monkeypatch, late, skip=True, **options)
    assert any("unknown label: late; row skipped" in note for note in notes.notes)
    plain, _ = read_stdin(monkeypatch, lines, **options)
    np.testing.assert_array_equal(skipped.weights, plain.weights)


def test_bad_rows_are_told_once_however_often_the_file_is_read(tmp_path, lines, small_blocks):
    path = tmp_path / "a.tsv"
    path.write_text("\n".join([*lines, "no tab", lines[0]]))
    _, notes = run(str(path), Features(bits=14), skip=True, epochs=3, memory=SMALLEST_MEMORY)
    assert sum("wrong number of columns" in note for note in notes.notes) == 1


@pytest.mark.parametrize("epochs", [1, 2])
def test_rows_without_an_ngram_count_too(tmp_path, epochs):
    """A row takes memory whether or not there is anything in it."""
    (tmp_path / "a.tsv").write_text("a\tx\nb\ty\n" * 50_000)
    _, notes = run(tmp_path / "a.tsv", Features(bits=8), epochs=epochs, memory=SMALLEST_MEMORY)
    assert any("larger than --memory" in note for note in notes.notes)


def test_one_label_is_nothing_to_learn(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("a\tone\na\ttwo\n")
    with pytest.raises(FormatError, match="nothing to tell apart"):
        run(str(path), Features())


def test_a_reader_that_is_no_longer_wanted_stops():
    produced = []

    def endless():
        for i in range(10**9):
            produced.append(i)
            yield i

    items = ahead(endless())
    assert next(items) == 0
    items.close()
    count = len(produced)
    assert count < 20
    assert len(produced) == count
