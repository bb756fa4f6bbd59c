"""The container: what safetensors says it is, and nothing else is read."""

import json
import os

import numpy as np
import pytest

from fastada import AdaGradClassifier, load
from fastada.persistence import FORMAT_VERSION, ModelFileError, container
from fastada.persistence.container import ModelFile, write

from . import going_on, mutations


@pytest.fixture
def path(tmp_path):
    """A small model."""
    X, _ = going_on.make_data()
    model = AdaGradClassifier(max_iter=1, random_state=0)
    model.fit(X, np.resize(["ham", "spam"], X.shape[0])).save(tmp_path / "m")
    return tmp_path / "m"


def test_the_safetensors_package_reads_it(path):
    numpy = pytest.importorskip("safetensors.numpy")
    arrays = numpy.load_file(path)
    state = load(path)._state
    np.testing.assert_array_equal(arrays["records"], state.records)
    np.testing.assert_array_equal(arrays["intercepts"], state.intercept)
    with pytest.importorskip("safetensors").safe_open(path, "numpy") as file:
        assert file.metadata()["format_version"] == str(FORMAT_VERSION)
        assert json.loads(file.metadata()["about"])["classes"]["values"] == ["ham", "spam"]


@pytest.mark.parametrize("dtype", container.NAMES)
@pytest.mark.parametrize("shape", [(0,), (5,), (3, 0), (9, 7), (1025, 3)])
def test_arrays_come_back(tmp_path, dtype, shape):
    rng = np.random.default_rng(0)
    array = rng.integers(0, 100, shape).astype(dtype)
    write(tmp_path / "a", {"x": ["\u00e9", None]}, {"first": array, "odd": array[:1], "z": array})
    file = ModelFile(tmp_path / "a")
    assert file.metadata == {"x": ["\u00e9", None]}
    name = container.NAMES[array.dtype]
    for mapped in (False, True):
        for key in ("first", "z"):
            found = file.read(key, f"I32 {name}", *shape, mapped=mapped)
            assert found.dtype == array.dtype
            np.testing.assert_array_equal(found, array)
        first = file.read("first", name, *shape, mapped=mapped)
        assert first.size == 0 or first.ctypes.data % 64 == 0
    with pytest.raises(ModelFileError, match="first is"):
        file.read("first", "U8", *shape)
    with pytest.raises(ModelFileError, match="first is"):
        file.read("first", name, *shape, None)
    with pytest.raises(ModelFileError, match="missing"):
        file.read("second", name, *shape)
    file.close()


def test_any_flipped_bit_is_found(path):
    content = path.read_bytes()
    for position in range(len(content)):
        damaged = bytearray(content)
        damaged[position] ^= 1 << position % 8
        path.write_bytes(damaged)
        with pytest.raises(ModelFileError):
            load(path)


@pytest.mark.parametrize("size", [3, 8192, 40_000])
def test_checksums_see_what_sums_could_miss(size):
    rng = np.random.default_rng(0)
    data = rng.integers(256, size=size).astype(np.uint8)
    sums = {container.checksum(data)}
    for change in (
        lambda a: np.roll(a, 8), lambda a: np.roll(a, 8192), lambda a: a[::-1].copy(),
        lambda a: a ^ np.uint8(128), lambda a: np.concatenate([a[8:16], a[:8], a[16:]]),
    ):  # fmt: skip
        sums.add(container.checksum(change(data)))
    assert len(sums) >= (6 if size > 16384 else 3)


def change_header(path, change):
    header, data = mutations.split(path.read_bytes())
    found = json.loads(header)
    about = json.loads(found["__metadata__"]["about"])
    text = change(found, about)
    if "__metadata__" in found:
        found["__metadata__"]["about"] = json.dumps(about)
    text = text if isinstance(text, bytes) else json.dumps(found).encode()
    path.write_bytes(mutations.join(text, data))


def put(*keys, value):
    """A change of the header: `value` in the place that keys lead to."""

    def change(found, about):
        place = found if keys[0] in found else about
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = value

    return change


def swap(found, about):
    records, intercepts = found["records"], found["intercepts"]
    records["data_offsets"], intercepts["data_offsets"] = (
        intercepts["data_offsets"],
        records["data_offsets"],
    )


HOSTILE = {
    "huge shape": put("records", "shape", value=[2**40, 2**20]),
    "shape beyond 64 bits": put("records", "shape", value=[2**64, 2]),
    "shape that wraps": put("records", "shape", value=[2**63, 4]),
    "negative shape": put("records", "shape", value=[-60, -2]),
    "shape of floats": put("records", "shape", value=[60.0, 2]),
    "shape of truths": put("intercepts", "shape", value=[True, 2]),
    "many dimensions": put("records", "shape", value=[60, 2] + [1] * 1000),
    "no dimensions": put("records", "shape", value=[]),
    "overlap": put("intercepts", "data_offsets", value=[0, 16]),
    "gap": put("intercepts", "data_offsets", value=[968, 984]),
    "negative place": put("intercepts", "data_offsets", value=[-16, 0]),
    "backwards": put("intercepts", "data_offsets", value=[16, 0]),
    "beyond the end": put("records", "data_offsets", value=[0, 2**62]),
    "places swapped": swap,
    "wrong dtype": put("records", "dtype", value="F32"),
    "another dtype": put("intercepts", "dtype", value="I64"),
    "unknown dtype": put("records", "dtype", value="O"),
    "dtype of no text": put("records", "dtype", value=["F64"]),
    "an entry more": put("records", "code", value="import os"),
    "an array more": lambda f, a: f.update(
        {str(i): {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for i in range(10**4)}
    ),
    "an array less": lambda f, a: f.pop("records"),
    "no metadata": lambda f, a: f.pop("__metadata__"),
    "deep metadata": lambda f, a: b'{"__metadata__":' + b'{"a":' * 10**5 + b"1" + b"}" * 10**5,
    "deep list": lambda f, a: b'{"a":' + b"[" * 10**6 + b"]" * 10**6 + b"}",
    "duplicate keys": lambda f, a: json.dumps(f).encode()[:-1] + b',"records":{}}',
    "long number": lambda f, a: b'{"a":' + b"9" * 10**5 + b"}",
    "NaN": lambda f, a: put("scale", "rate", value=float("nan"))(f, a),
    "endless rate": put("settings", "rate", value=10**400),
    "negative rate": put("settings", "rate", value=-1.0),
    "no rate": put("settings", "rate", value=0),
    "another update": put("settings", "update", value=3),
    "regressor's loss": put("settings", "loss", value=4),
    "batches of nothing": put("settings", "batch_size", value=0),
    "batches of everything": put("settings", "batch_size", value=2**63),
    "stamps where none are": put("settings", "l1", value=0.1),
    "a setting more": put("settings", "code", value=1),
    "clock backwards": put("clock", value=[-1, 0]),
    "clock of one": put("clock", value=[1]),
    "many features": put("n_features", value=2**31),
    "other features": put("n_features", value=59),
    "other outputs": put("n_outputs", value=3),
    "three classes": put("classes", "values", value=["a", "b", "c"]),
    "unsorted classes": put("classes", "values", value=["b", "a"]),
    "same classes": put("classes", "values", value=["a", "a"]),
    "classes of numbers": put("classes", "values", value=[1, 2]),
    "wide classes": put("classes", "dtype", value="<U99999999"),
    "classes of objects": put("classes", value={"dtype": "object", "values": [[], {}]}),
    "classes of records": put("classes", "dtype", value="i4,i4"),
    "multinomial of two": put("multinomial", value=True),
    "absurd parameter": put("parameters", "max_iter", value=-5),
    "unknown parameter": put("parameters", "code", value="x"),
    "parameter of unknown kind": put("parameters", "tol", value={"eval": "1"}),
    "another estimator": put("estimator", value="os.system"),
    "no estimator": lambda f, a: a.pop("estimator"),
    "losses of texts": put("loss_curve_", value=["x"]),
    "another format": put("__metadata__", "format", value="pt"),
    "version zero": put("__metadata__", "format_version", value="0"),
    "version of letters": put("__metadata__", "format_version", value="\u0661"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_made_up_headers_are_refused(path, name):
    change_header(path, HOSTILE[name])
    with pytest.raises(ModelFileError, match="not a fastada model"):
        load(path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("serving", [False, True])
def test_weights_that_are_no_numbers_are_refused(path, value, serving, monkeypatch):
    model = load(path)
    model._state.records[3, 0] = value
    with monkeypatch.context() as other_program:
        other_program.setattr("fastada.persistence.linear._check_trained", lambda arrays: None)
        model.save(path, serving=serving)
    for mapped in (False, True):
        with pytest.raises(ModelFileError, match="NaN, infinity"):
            load(path, mmap=mapped)


def test_negative_accumulators_and_stamps_to_come_are_refused(path):
    X, _ = going_on.make_data()
    fitted = AdaGradClassifier(alpha=1e-3).fit(X, np.resize([1, 2, 3], X.shape[0]))
    fitted.save(path)
    for column, value, message in [(4, -1, "accumulators"), (6, -1, "stamps"), (6, 1e6, "to come")]:
        model = load(path)
        model._state.records[5, column] = value
        model.save(path)
        with pytest.raises(ModelFileError, match=message):
            load(path)
        fitted.save(path)


def test_a_newer_format_is_told_so(path):
    change_header(path, put("__metadata__", "format_version", value=str(FORMAT_VERSION + 1)))
    with pytest.raises(ModelFileError, match=f"format {FORMAT_VERSION + 1}.*a newer fastada"):
        load(path)


def test_what_is_no_model_at_all(path, tmp_path):
    for content in (
        b"",
        b"{",
        b"PK\x03\x04" * 100,
        bytes(100),
        b"\xff" * 100,
        b"label\ttext\n" * 9,
    ):
        path.write_bytes(content)
        with pytest.raises(ModelFileError, match="not a fastada model"):
            load(path)
    with pytest.raises(ModelFileError, match="not a fastada model"):
        load(os.devnull)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "missing")
    with pytest.raises(IsADirectoryError):
        load(tmp_path)


def test_headers_that_no_reader_accepts_are_not_written(tmp_path):
    with pytest.raises(ModelFileError, match="of which a model file may have"):
        write(tmp_path / "a", {"classes": ["x" * 2**24]}, {})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write(tmp_path / "a", {"loss": np.nan}, {})
    assert not os.listdir(tmp_path)


def test_a_sparse_file_takes_no_memory(path):
    """A terabyte of nothing, of which the header says that it is the weights."""
    header, _ = mutations.split(path.read_bytes())
    found = json.loads(header)
    size = 2**40
    found["records"].update(shape=[2**36, 2], data_offsets=[0, size])
    found["intercepts"]["data_offsets"] = [size, size + 16]
    found["checksums"]["data_offsets"] = [size + 16, size + 28]
    header = mutations.join(json.dumps(found).encode(), b"")
    path.write_bytes(header)
    os.truncate(path, len(header) + size + 28)
    with pytest.raises(ModelFileError, match="not a fastada model"):
        load(path)


def test_some_mutated_files():
    """A sample; this module's neighbour tries any number."""
    counts, _ = mutations.run(400, seed=1)
    refused = sum(count for (_, fate), count in counts.items() if fate == "refused")
    assert refused > 250
    assert counts["arrays", "read"] > 5
