"""Further data on top of a saved model."""

import json
from pathlib import Path

import numpy as np
import pytest

from fastada import TextClassifier, load
from fastada.cli import main
from fastada.stream.model_files import load as load_model

from .test_checkpoint import write
from .test_train import make_lines


def split(lines):
    labels, texts = zip(*(line.split("\t") for line in lines), strict=True)
    return list(texts), list(labels)


@pytest.fixture(params=[2, 3], ids=["binary", "multiclass"])
def parts(request, tmp_path):
    """Two files, and their lines."""
    lines = make_lines(3000, request.param)
    # Words of its own in the second part: new columns.
    second = [f"{line} new{i % 50}" for i, line in enumerate(lines[1500:])]
    return (
        write(tmp_path / "1.tsv", lines[:1500]),
        write(tmp_path / "2.tsv", second),
        lines[:1500],
        second,
    )


def train(*args):
    flags = ["--epochs", "1", "--no-shuffle", "--quiet", "--format", "tsv"]
    return main(["train", *map(str, args), *flags, "--label-column", "1", "--text-column", "2"])


@pytest.mark.parametrize("bits", [12, 18])
@pytest.mark.parametrize("flags", [[], ["--alpha", "1e-4"], ["--no-idf"]], ids=str)
def test_going_on_is_partial_fit(parts, tmp_path, bits, flags):
    first, second, *lines = parts
    assert train(first, tmp_path / "m1", "--bits", bits, *flags) == 0
    assert train(second, tmp_path / "m2", "--continue", tmp_path / "m1") == 0
    model = load(tmp_path / "m1")
    model.partial_fit(*split(lines[1]))
    again = load(tmp_path / "m2")
    assert again.classifier_.t_ == 3000
    for name in ("coef_", "sum_sq_grad_", "intercept_"):
        np.testing.assert_array_equal(
            getattr(again.classifier_, name), getattr(model.classifier_, name)
        )
    if model.use_idf:
        np.testing.assert_array_equal(again.vectorizer_.idf_, model.vectorizer_.idf_)
        assert again.vectorizer_.n_documents_ == 3000


def test_a_model_of_python_goes_on_in_place(parts, tmp_path):
    lines = parts[2:]
    X, y = split(lines[0])
    y = np.array([10 if label == "c1" else 2 for label in y])
    model = TextClassifier(n_features=2**12, multi_class="multinomial").partial_fit(
        X, y, [2, 10, 100]
    )
    model.save(tmp_path / "m")
    numbered = [line.replace("c1\t", "10\t").replace("c2\t", "2\t") for line in lines[1]]
    path = write(tmp_path / "3.tsv", [line.replace("c0\t", "2\t") for line in numbered])
    assert train(path, tmp_path / "m", "--continue", tmp_path / "m") == 0
    X, y = split(Path(path).read_text().split("\n"))
    model.partial_fit(X, np.array(y).astype(int))
    again = load(tmp_path / "m")
    assert again.classes_.tolist() == [2, 10, 100]
    np.testing.assert_array_equal(again.classifier_.coef_, model.classifier_.coef_)
    np.testing.assert_allclose(again.predict_proba(X), model.predict_proba(X), rtol=1e-6)


@pytest.mark.parametrize("one_pass", [False, True])
def test_ngrams_not_counted_weigh_what_they_weighed(parts, tmp_path, monkeypatch, one_pass):
    """Nothing; but where not all rows have been counted, they may have been learned."""
    first, second, *lines = parts
    if one_pass:
        monkeypatch.setattr("fastada.stream.one_pass.N_COUNTED", 100)
        if len(set(split(lines[0])[1])) > 2:
            pytest.skip("more classes are counted whole")
        assert train(first, tmp_path / "m1", "--bits", 18) == 0
    else:
        TextClassifier(n_features=2**18, random_state=0).fit(*split(lines[0])).save(tmp_path / "m1")
    assert train(second, tmp_path / "m2", "--continue", tmp_path / "m1") == 0
    for name in ("m1", "m2"):
        model = load(tmp_path / name)
        before = model.classifier_.coef_.copy()
        for _ in range(2):
            vectorizer = model.vectorizer_
            assert vectorizer.weight_unseen == one_pass
            is_seen = vectorizer.document_frequency_ > 0
            assert (vectorizer.idf_[is_seen] >= 1).all()
            assert ((vectorizer.idf_[~is_seen] > 1) == one_pass).all()
            assert (before[:, ~is_seen] != 0).any() <= one_pass
            model.partial_fit(*split(lines[1][:10]))


@pytest.mark.parametrize(
    "options",
    [{"loss": "modified_huber"}, {"loss": "hinge"}, {"loss": "squared_hinge", "calibrate": False}],
)
def test_the_loss_is_kept(parts, tmp_path, options):
    first, second = map(split, parts[2:])
    model = TextClassifier(n_features=2**12, random_state=0, **options).fit(*first)
    model.save(tmp_path / "m")
    margins = model.decision_function(second[0])
    if hasattr(model, "predict_proba"):
        found = load_model(tmp_path / "m").model().probabilities(margins.reshape(len(margins), -1))
        np.testing.assert_allclose(found, model.predict_proba(second[0]), atol=1e-12)
    assert train(parts[1], tmp_path / "m", "--continue", tmp_path / "m") == 0
    model.partial_fit(*second)
    again = load(tmp_path / "m")
    assert again.loss == again.classifier_.loss == options["loss"]
    assert hasattr(again, "predict_proba") == hasattr(model, "predict_proba")
    if hasattr(model, "predict_proba"):
        X = first[0][:100]
        np.testing.assert_allclose(again.predict_proba(X), model.predict_proba(X), rtol=1e-6)


@pytest.mark.parametrize("loss", ["auto", "hinge"])
def test_so_does_one_whose_probabilities_were_calibrated(parts, tmp_path, loss):
    first, second = map(split, parts[2:])
    model = TextClassifier(n_features=2**12, loss=loss, random_state=0).fit(*first)
    model.save(tmp_path / "m")
    assert train(parts[1], tmp_path / "m", "--continue", tmp_path / "m") == 0
    model.partial_fit(*second)
    again = load(tmp_path / "m")
    X = second[0][:100]
    np.testing.assert_allclose(again.predict_proba(X), model.predict_proba(X), rtol=1e-6)
    assert again.classifier_.temperature_ == model.classifier_.temperature_ != 1
    np.testing.assert_array_equal(
        again.partial_fit(*first).classifier_.coef_, model.partial_fit(*first).classifier_.coef_
    )


def test_vectors_go_on(tmp_path, capsys):
    first = write(tmp_path / "1.svm", ["a 1:1 2:1", "b 3:1", "a 1:2", "b 3:2 2:1"] * 10)
    second = write(tmp_path / "2.svm", ["a 1:1 200:1", "b 3:1 201:1"] * 10)
    base = ["--bits", "8", "--quiet"]
    assert main(["train", first, str(tmp_path / "m1"), *base]) == 0
    command = ["train", second, str(tmp_path / "m2"), "--continue", str(tmp_path / "m1"), *base]
    assert main(command) == 0
    before, after = load(tmp_path / "m1"), load(tmp_path / "m2")
    assert after.t_ == before.t_ + 5 * 20
    assert np.count_nonzero(after.coef_) == np.count_nonzero(before.coef_) + 2
    assert main(["evaluate", str(tmp_path / "m2"), second, "--json", "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] == 1


def test_what_cannot_go_on_is_refused(parts, tmp_path, capsys):
    first, second, *_ = parts
    assert train(first, tmp_path / "m", "--bits", 12) == 0
    assert train(first, tmp_path / "served", "--bits", 12, "--save", "serving") == 0
    new = write(tmp_path / "new.tsv", ["c0\tw1 w2", "other\tw3"])
    vectors = write(tmp_path / "a.svm", ["c0 1:1", "c1 2:1"])
    for arguments, message in [
        ([second, "--continue", tmp_path / "m", "--bits", "13"], "--bits: "),
        ([second, "--continue", tmp_path / "m", "--no-idf"], "--no-idf: "),
        ([second, "--continue", tmp_path / "m", "--alpha", "0.1"], "without a penalty"),
        ([second, "--continue", tmp_path / "served"], "saved for serving"),
        ([second, "--continue", second], "not a fastada model"),
        ([new, "--continue", tmp_path / "m"], "new.tsv:2: unknown label: other"),
    ]:
        capsys.readouterr()
        assert train(arguments[0], tmp_path / "out", *arguments[1:]) == 1
        captured = capsys.readouterr().err
        assert message in captured
        assert captured.count("\n") == 1
        assert not (tmp_path / "out").exists()
    command = ["train", vectors, str(tmp_path / "out"), "--continue", str(tmp_path / "m")]
    assert main([*command, "--quiet"]) == 1
    assert "has learned text" in capsys.readouterr().err
    assert train(new, tmp_path / "out", "--continue", tmp_path / "m", "--bad-rows", "skip") == 0
    assert load(tmp_path / "out").classifier_.t_ == 1501


def test_rate_and_penalty_stay_unless_given(parts, tmp_path):
    first, second, *_ = parts
    flags = ["--bits", "12", "--alpha", "0.001", "--l1-ratio", "0.5"]
    assert train(first, tmp_path / "m", *flags, "--learning-rate", "0.3") == 0
    assert train(second, tmp_path / "same", "--continue", tmp_path / "m") == 0
    changed = ["--alpha", "0.01", "--learning-rate", "0.1"]
    assert train(second, tmp_path / "other", "--continue", tmp_path / "m", *changed) == 0
    same, other = load(tmp_path / "same").classifier_, load(tmp_path / "other").classifier_
    assert (same._settings["rate"], same._settings["l1"]) == (0.3, 0.0005)
    assert (other._settings["rate"], other._settings["l1"]) == (0.1, 0.005)
    assert same.n_nonzero_ > other.n_nonzero_
