"""The examples do what they say."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def load_example(name):
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
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
