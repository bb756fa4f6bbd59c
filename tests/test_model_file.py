import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastada.model_file import ModelFileError, load, save
from fastada.stream.model import Model
from fastada.stream.options import Features


def make_model(n_classes, *, idf=True):
    rng = np.random.default_rng(0)
    n_outputs = 1 if n_classes == 2 else n_classes
    weights = rng.normal(size=(64, n_outputs)).astype(np.float32)
    weights[::3] = 0
    return Model(
        Features(bits=6, ngrams=(1, 3), use_idf=idf),
        [f"class é {i}" for i in range(n_classes)],
        weights,
        rng.normal(size=n_outputs),
        np.where(np.arange(64) % 4, np.float32(3.7), np.float32(1.5)) if idf else None,
    )


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("idf", [True, False])
def test_round_trip(tmp_path, n_classes, idf):
    model = make_model(n_classes, idf=idf)
    path = str(tmp_path / "m")
    save(model, path)
    again = load(path)
    assert (again.features, again.classes) == (model.features, model.classes)
    np.testing.assert_array_equal(again.weights, model.weights)
    np.testing.assert_array_equal(again.intercepts, model.intercepts)
    np.testing.assert_array_equal(again.idf, model.idf)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(content)
    with pytest.raises(ModelFileError):
        load(str(path))


@given(st.integers(0, 3000), st.integers(1, 255))
def test_a_changed_byte_is_refused_or_harmless(tmp_path_factory, position, change):
    path = tmp_path_factory.getbasetemp() / "changed"
    save(make_model(3), str(path))
    content = bytearray(path.read_bytes())
    content[position % len(content)] ^= change
    path.write_bytes(content)
    try:
        model = load(str(path))
    except ModelFileError:
        return
    assert model.weights.shape == (64, 3)


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"format": "other"},
        {"classes": ["a"]},
        {"classes": ["a", "b", "c", "d"]},
        {"features": {}},
        {"features": {"bits": 99, "ngrams": [1, 2]}},
        {"features": {"bits": 2, "ngrams": [1, 2]}},
        {"features": {"bits": 6, "ngrams": [1, 2], "code": "x"}},
    ],
)
def test_metadata_that_does_not_fit_is_refused(tmp_path, change):
    path = str(tmp_path / "m.npz")
    save(make_model(3), path)
    with np.load(path) as arrays:
        content = dict(arrays)
    about = {**json.loads(content["about"].tobytes()), **change}
    content["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
    np.savez(path, **content)
    with pytest.raises(ModelFileError):
        load(path)


def test_pickles_are_not_opened(tmp_path):
    path = str(tmp_path / "m.npz")
    np.savez(path, about=np.array([object()], dtype=object))
    with pytest.raises(ModelFileError):
        load(path)
