import re
import sys

import numpy as np
import pytest

from fastada import demo
from fastada.cli import main


def numbers_after(output: str, line_start: str) -> list[float]:
    line = next(line for line in output.splitlines() if line.startswith(line_start))
    return [float(n) for n in re.findall(r"[\d.]+", line.removeprefix(line_start).replace(",", ""))]


def test_demo_learns_the_docstrings(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["demo"]) == 0
    out = capsys.readouterr().out
    learned, held_out = numbers_after(out, "documents")
    assert learned + held_out > 10_000
    assert held_out / (learned + held_out) == pytest.approx(0.2, abs=0.001)
    accuracy, loss, _ = numbers_after(out, "fastada ")
    majority_accuracy, majority_loss = numbers_after(out, "majority class")
    assert accuracy >= 0.90
    assert majority_accuracy < 0.7
    assert loss < majority_loss / 2
    confusion = np.array(
        [numbers_after(out, f"{name} ") for name in ("numpy", "python", "scipy", "sklearn")]
    )
    assert confusion.sum() == held_out
    assert confusion.trace() / held_out == pytest.approx(accuracy, abs=1e-4)
    epochs = re.findall(r"^epoch (\d)/5  loss ([\d.]+)", out, re.MULTILINE)
    assert [int(epoch) for epoch, _ in epochs] == [1, 2, 3, 4, 5]


def small_split() -> demo.Split:
    texts = [f"{word} number {i}" for word in "abcdefghijkl" for i in range(5)]
    texts = [text.replace(text[0], text[0] * 3, 1) for text in texts]
    labels = np.array([text[:3] for text in texts])
    return demo.Split(texts, labels, texts, labels)


@pytest.fixture
def small(monkeypatch, tmp_path):
    monkeypatch.setitem(demo.DATASETS, "docstrings", small_split)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_loss_curve_is_a_picture(small, capsys):
    pytest.importorskip("matplotlib")
    assert main(["demo"]) == 0
    assert (small / "demo-loss.png").read_bytes().startswith(b"\x89PNG")
    assert "demo-loss.png" in capsys.readouterr().out


def test_without_matplotlib_it_says_so(small, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    assert main(["demo"]) == 0
    assert not (small / "demo-loss.png").exists()
    assert "matplotlib is not installed" in capsys.readouterr().out


def test_many_classes_are_numbered(small, capsys):
    assert main(["demo"]) == 0
    matrix = capsys.readouterr().out.split("predicted)\n")[1].splitlines()
    assert matrix[0].split() == [str(i) for i in range(1, 13)]
    assert matrix[12].split()[:2] == ["12", "lll"]


def test_newsgroups_offline_is_one_line(monkeypatch, capsys):
    def no_network(**_):
        raise OSError("no route to host")

    monkeypatch.setattr("sklearn.datasets.fetch_20newsgroups", no_network)
    assert main(["demo", "--dataset", "20newsgroups"]) == 1
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert "go online" in captured.err


def test_newsgroups_online(monkeypatch, tmp_path, capsys):
    class Part:
        target_names = ("a", "b")
        data = ("first sort of text", "another kind") * 5
        target = np.array([0, 1] * 5)

    monkeypatch.setattr("sklearn.datasets.fetch_20newsgroups", lambda **_: Part)
    monkeypatch.chdir(tmp_path)
    assert main(["demo", "--dataset", "20newsgroups"]) == 0
    accuracy, *_ = numbers_after(capsys.readouterr().out, "fastada ")
    assert accuracy == 1
