"""Files of every format so far keep loading. They stay as they were written."""

from pathlib import Path

import numpy as np
import pytest

from fastada import load
from fastada.persistence import FORMAT_VERSION
from fastada.stream import model_files

FILES = Path(__file__).with_name("files")


def test_there_is_a_file_of_each_version():
    for version in range(1, FORMAT_VERSION + 1):
        assert (FILES / f"version-{version}.safetensors").exists()


@pytest.mark.parametrize("mmap", [False, True])
def test_version_1_for_training(mmap):
    model = load(FILES / "version-1.safetensors", mmap=mmap)
    text = ["salt sea and ship"]
    before = [[0.20508688688278198, -1.10548996925354, -0.692206859588623]]
    after = [[0.6767495274543762, -1.2676572799682617, -1.2416019439697266]]
    assert model.classes_.tolist() == ["sea", "sky", "sun"]
    np.testing.assert_allclose(model.decision_function(text), before, rtol=1e-5)
    model.partial_fit([*text, "bird in the sky"], ["sea", "sky"])
    assert model.classifier_.t_ == 8
    np.testing.assert_allclose(model.decision_function(text), after, rtol=1e-5)


def test_version_1_for_serving():
    whole = load(FILES / "version-1.safetensors")
    served = load(FILES / "version-1-serving.safetensors")
    # The penalty of absent features is worked out as the whole file is read: to rounding.
    np.testing.assert_allclose(served.classifier_.coef_, whole.classifier_.coef_, rtol=1e-6)
    text = ["bird in the sky", "unseen"]
    np.testing.assert_allclose(served.predict_proba(text), whole.predict_proba(text), rtol=1e-6)


def test_version_1_on_the_command_line():
    trained = model_files.load(FILES / "version-1.safetensors")
    assert trained.classes == ["sea", "sky", "sun"]
    assert trained.model().weights.shape == (32, 3)
