"""The examples do what they say."""

import importlib.util
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest

from fastada.corpus import docstring_corpus

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture(scope="module")
def learning_rates():
    """The example, and what it finds on the docstrings of a few packages."""
    library = Path(sysconfig.get_path("stdlib"))
    roots = {"python": library / "email", "numpy": Path(np.__file__).parent / "linalg"}
    example = load_example("learning_rates")
    return example, example.train(docstring_corpus(roots))


def load_example(name):
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_diabetes_comes_out_as_published():
    """A published run, its weights unseeded, went from 29,525 (epoch 1) to 28,177 (epoch 100)."""
    example = load_example("diabetes")
    X_train, _, y_train, _ = example.load()
    losses = np.array([example.train(X_train, y_train, seed)[1] for seed in range(20)])
    assert losses.shape == (20, 100)
    np.testing.assert_allclose(losses[:, [0, -1]].mean(axis=0), [29_525, 28_177], rtol=0.01)
    assert (np.diff(losses) < 0).all()


def test_diabetes_saves_its_curve(tmp_path):
    pytest.importorskip("matplotlib", reason="the curve needs matplotlib")
    file = tmp_path / "loss.png"
    command = [sys.executable, EXAMPLES / "diabetes.py", file]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "epoch 100" in done.stdout
    assert file.read_bytes().startswith(b"\x89PNG")


def test_diabetes_says_what_is_missing_without_matplotlib(tmp_path, monkeypatch):
    example = load_example("diabetes")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(SystemExit, match="fastada\\[plot\\]"):
        example.plot([1.0], str(tmp_path / "loss.png"))


def test_rare_words_keep_larger_learning_rates(learning_rates):
    example, rates = learning_rates
    assert len(rates.document_frequency) > 500
    for rate in rates.learning_rate.values():
        assert rate.shape == rates.document_frequency.shape
        assert 0 < rate.min() <= rate.max() <= rates.largest
    _, median = example.medians(rates.document_frequency, rates.learning_rate[1])
    assert median[0] > 0.95 * rates.largest
    assert median[-1] < 0.7 * median[0]


def test_minibatches_leave_larger_learning_rates(learning_rates):
    """Their mean gradients are fewer and smaller."""
    example, rates = learning_rates
    _, online = example.medians(rates.document_frequency, rates.learning_rate[1])
    _, batched = example.medians(rates.document_frequency, rates.learning_rate[16])
    assert np.all(batched > online)
    assert batched[-1] > 1.3 * online[-1]


def test_learning_rates_are_drawn(learning_rates, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib", reason="the picture needs matplotlib")
    monkeypatch.setenv("MPLBACKEND", "Agg")
    example, rates = learning_rates
    example.plot(rates, str(tmp_path / "rates.png"))
    assert (tmp_path / "rates.png").read_bytes().startswith(b"\x89PNG")


@pytest.fixture(scope="module")
def optimizers():
    """The example, its tasks in short, and every rule at a few rates."""
    library = Path(sysconfig.get_path("stdlib"))
    roots = {"python": library / "email", "numpy": Path(np.__file__).parent / "linalg"}
    example = load_example("optimizers")
    tasks = {
        "text": example.text_task(docstring_corpus(roots), "python", n_epochs=2),
        "diabetes": example.diabetes_task(n_epochs=10),
    }
    return example, tasks, {k: example.compare(task, (1e-3, 0.1)) for k, task in tasks.items()}


def test_optimizers_learn_and_are_reported(optimizers, capsys):
    example, tasks, results = optimizers
    for key, task in tasks.items():
        example.report(task, results[key])
        for runs in results[key].values():
            assert [len(r.validation) for r in runs] == [task.n_epochs] * 2
            best = example.best_of(runs)
            assert task.least < best.train[-1] < best.train[0]
            assert best.validation[-1] == min(r.validation[-1] for r in runs)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if line][2:8] == list(example.RULES)


def test_rare_words_get_more_from_adagrad_than_from_sgd(optimizers):
    example, tasks, results = optimizers
    share = {}
    for name in ("AdaGrad", "SGD"):
        best = example.best_of(results["text"][name])
        _, size = example.weights_by_frequency(tasks["text"], best)
        share[name] = size[0] / size[-1]
    assert share["AdaGrad"] > 3 * share["SGD"]


def test_a_rate_that_diverges_is_told_as_infinite_loss(optimizers):
    example, tasks, _ = optimizers
    task = tasks["diabetes"]
    run = example.run(task, example.SGD, 1e6)
    assert len(run.validation) == task.n_epochs
    assert run.validation[-1] == run.test == np.inf


def test_optimizers_are_drawn_and_read_text(optimizers, tmp_path):
    pytest.importorskip("matplotlib", reason="the picture needs matplotlib")
    example, tasks, results = optimizers
    example.plot(tasks, results, str(tmp_path / "optimizers.png"))
    assert (tmp_path / "optimizers.png").read_bytes().startswith(b"\x89PNG")
    (tmp_path / "text.tsv").write_text("b\tone\nc\ttwo\ttabs\na\tthree\nd\tfour\n")
    corpus = example.read_lines(str(tmp_path / "text.tsv"))
    assert corpus.texts == ["one", "two\ttabs", "three", "four"]
    assert corpus.labels == ["first", "other", "first", "other"]
