import gzip
import io
import json
import mmap
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import dump_svmlight_file
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, log_loss

from fastada import TextClassifier, formats, load
from fastada.cli import main, parser
from fastada.hash_ahead import HashAhead
from fastada.read_ahead import ReadAhead

WORDS = {"sea": "ship sail wave fish salt", "sky": "bird wind cloud hill", "sun": "heat noon sand"}
COMMON = "the and of with some more not that which"


def make_rows(labels, n, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.choice(labels, size=n).tolist()
    X = [
        " ".join([*rng.choice(WORDS[label].split(), 4), *rng.choice(COMMON.split(), 5)])
        for label in y
    ]
    return X, y


def write(path, X, y):
    path.write_text("".join(f"{label}\t{text}\n" for label, text in zip(y, X, strict=True)))
    return str(path)


@pytest.fixture(params=[["sea", "sky"], ["sea", "sky", "sun"]], ids=["binary", "multiclass"])
def labels(request):
    return request.param


@pytest.fixture
def files(tmp_path, labels):
    """Paths of training set, test set and model, which is trained."""
    train = write(tmp_path / "train.tsv", *make_rows(labels, 400))
    test = write(tmp_path / "test.tsv", *make_rows(labels, 100, seed=1))
    model = str(tmp_path / "model.safetensors")
    assert main(["train", train, model, "--bits", "14", "--quiet"]) == 0
    return train, test, model


def predicted(capsys, *args):
    assert main(["predict", *args, "--quiet"]) == 0
    return capsys.readouterr().out.splitlines()


def test_evaluation_equals_scikit_learns(files, labels, capsys):
    _, test, model = files
    _, y = make_rows(labels, 100, seed=1)
    rows = [json.loads(line) for line in predicted(capsys, model, test, "--json")]
    found = [row["label"] for row in rows]
    p = np.array([[row["probabilities"][label] for label in labels] for row in rows])
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
    p /= p.sum(axis=1, keepdims=True)
    assert found == np.array(labels)[p.argmax(axis=1)].tolist()
    assert main(["evaluate", model, test, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["accuracy"] == accuracy_score(y, found) > 0.95
    assert result["log_loss"] == pytest.approx(log_loss(y, p, labels=labels), rel=1e-4)
    assert result["macro_f1"] == pytest.approx(f1_score(y, found, average="macro"))
    assert result["confusion"] == confusion_matrix(y, found, labels=labels).tolist()
    assert main(["evaluate", model, test]) == 0
    assert f"accuracy  {result['accuracy']:.4f}" in capsys.readouterr().out


def test_without_shuffling_it_is_the_text_classifier(tmp_path, labels, capsys):
    X, y = make_rows(labels, 1200)
    train, model = write(tmp_path / "train.tsv", X, y), str(tmp_path / "m")
    args = ["--bits", "12", "--no-idf", "--no-shuffle", "--epochs", "1", "--quiet"]
    args += ["--learning-rate", "0.7"]
    assert main(["train", train, model, *args]) == 0
    expected = TextClassifier(n_features=2**12, use_idf=False, learning_rate=0.7)
    expected.partial_fit(X, y, labels)
    rows = [json.loads(line) for line in predicted(capsys, model, train, "--json")]
    p = [[row["probabilities"][label] for label in labels] for row in rows]
    np.testing.assert_allclose(p, expected.predict_proba(X), rtol=2e-4, atol=1e-7)


@pytest.mark.parametrize("threads", ["1", "3"])
def test_output_is_in_input_order_and_the_same_for_any_threads(files, capsys, threads, monkeypatch):
    _, test, model = files
    whole = predicted(capsys, model, test, "--proba")
    monkeypatch.setattr("fastada.formats.lines.BLOCK", 500)
    monkeypatch.setattr("fastada.formats.source.PIECE", 400)
    monkeypatch.setattr("fastada.read_ahead.PIECE", 400)
    assert predicted(capsys, model, test, "--proba", "--threads", threads) == whole
    assert len(whole) == 100
    label, probability = whole[0].split("\t")
    assert label in WORDS
    assert 0.3 < float(probability) <= 1


def test_what_is_guessed_is_told(tmp_path, capsys):
    path = tmp_path / "a.csv.gz"
    rows = "id,review,sentiment\n1,so good,pos\n2,so bad,neg\n"
    path.write_bytes(gzip.compress(rows.encode()))
    assert main(["train", str(path), str(tmp_path / "m"), "--bits", "10"]) == 0
    assert (
        f"{path}: read as csv, gzip, text in column 2, label in column 3, a header\n"
        in capsys.readouterr().err
    )


def test_skipped_rows_leave_an_empty_line(files, tmp_path, capsys):
    _, _, model = files
    path = tmp_path / "bad.tsv"
    path.write_bytes(b"x\tship sail\nno tab\nx\tbird wind\nx\t\nx\t\xff\n\nx\tship wave\n\n")
    args = ["predict", model, str(path), "--text-column", "2", "--bad-rows"]
    assert main([*args, "skip"]) == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines() == ["sea", "", "sky", "", "", "", "sea"]
    assert "bad.tsv:2: wrong number of columns: 1, not 2; row skipped" in captured.err
    assert "skipped 4 rows" in captured.err
    assert main([*args, "skip", "--json"]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "null"
    assert main([*args, "refuse"]) == 1
    assert "bad.tsv:2: wrong number of columns" in capsys.readouterr().err


def test_without_known_labels_there_is_nothing_to_compare(files, tmp_path, capsys):
    path = write(tmp_path / "a.tsv", ["cold"] * 3, ["winter"] * 3)
    assert main(["evaluate", files[2], path, "--bad-rows", "skip"]) == 1
    assert "a.tsv has no rows to compare" in capsys.readouterr().err


def test_unknown_labels_are_bad_rows(files, tmp_path, capsys):
    _, _, model = files
    path = write(tmp_path / "a.tsv", ["ship sail", "bird wind", "ice"], ["sea", "sky", "winter"])
    assert main(["evaluate", model, path]) == 1
    assert "a.tsv:3: unknown label: winter" in capsys.readouterr().err
    assert main(["evaluate", model, path, "--bad-rows", "skip", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["rows"], result["skipped"]) == (2, {"unknown label": 1})


def test_explanation_adds_up(files, labels, capsys):
    _, _, model = files
    text = "salt wave, and some more wind"
    for label in labels:
        assert main(["explain", model, text, "--label", label, "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        margin = found["intercept"] + sum(c["contribution"] for c in found["contributions"])
        if len(labels) == 2:
            assert 1 / (1 + np.exp(-margin)) == pytest.approx(found["probability"], rel=1e-4)
        names = {n for c in found["contributions"] for n in c["ngram"].split(" | ")}
        assert {"salt", "salt wave", "more wind"} <= names
    assert main(["explain", model, "ship", "--top", "1"]) == 0
    assert "ship" in capsys.readouterr().out
    assert main(["explain", model, "ship", "--label", "ice"]) == 1


def test_reads_standard_input(files, labels, capsys, monkeypatch):
    X, _ = make_rows(labels, 50, seed=2)
    stdin = io.TextIOWrapper(io.BytesIO("\n".join(X).encode()))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert len(predicted(capsys, files[2], "-", "--format", "text")) == 50


def test_vectors_are_learned(tmp_path, text_like, capsys):
    X, y = text_like
    path, model = str(tmp_path / "a.svm"), str(tmp_path / "m")
    dump_svmlight_file(X, np.unique(y, return_inverse=True)[1], path)
    assert main(["train", path, model, "--bits", "8", "--quiet", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["classes"] == ["0", "1", "2"]
    assert summary["loss_curve"][-1] < summary["loss_curve"][0]
    assert main(["evaluate", model, path, "--json", "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] > 0.8
    other = write(tmp_path / "b.tsv", ["ship sail"], ["sea"])
    assert main(["predict", model, other]) == 1
    assert "has learned svmlight" in capsys.readouterr().err
    assert main(["explain", model, "text"]) == 1


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["train", "missing.tsv", "m"], "missing.tsv: No such file"),
        (["train", "train.tsv", "no/where/m"], "cannot be written"),
        (["train", "train.tsv", "m", "--epochs", "0"], "epochs must be >= 1"),
        (["train", "train.tsv", "m", "--bits", "99"], "bits must be"),
        (["train", "train.tsv", "m", "--ngrams", "3", "2"], "ngrams must be"),
        (["train", "train.tsv", "m", "--learning-rate", "-1"], "learning_rate must be > 0"),
        (["train", "train.tsv", "m", "--text-column", "body"], "none called 'body'"),
        (["train", "one.tsv", "m"], "nothing to tell apart"),
        (["train", "train.tsv", "m", "--alpha", "1e300"], "alpha must be >= 0 and <= 1e+30"),
        (["train", "train.tsv", "m", "--learning-rate", "1e300"], "training diverged in epoch 1"),
        (["train", "train.tsv", "m", "--seed", "-1"], "seed must be >= 0"),
        (["train", "train.tsv", "m", "--memory", "0"], "--memory must be at least 1"),
        (["train", "empty.tsv", "m"], "is empty"),
        (["predict", "train.tsv", "train.tsv"], "train.tsv is not a fastada model"),
        (["predict", "model.safetensors", "train.tsv", "--threads", "0"], "--threads must be"),
        (["evaluate", "model.safetensors", "lines.txt"], "without labels"),
    ],
)
def test_errors_are_one_line(files, tmp_path, monkeypatch, capsys, args, message):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "one.tsv", ["ship sail"] * 3, ["sea"] * 3)
    (tmp_path / "empty.tsv").write_text("")
    (tmp_path / "lines.txt").write_text("ship sail\n")
    assert main([*args, *(["--quiet"] if args[0] != "explain" else [])]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("fastada: error: ")
    assert captured.err.count("\n") == 1
    assert message in captured.err
    assert captured.out == ""
    assert not (tmp_path / "m").exists()


def test_every_format_can_be_asked_for():
    assert set(parser.FORMATS) == set(formats.FORMATS)


def test_wrong_usage_is_2(capsys):
    for args in ([], ["train"], ["demo", "--dataset", "no"], ["train", "a", "b", "--epochs", "x"]):
        with pytest.raises(SystemExit) as stop:
            main(args)
        assert stop.value.code == 2
    capsys.readouterr()


COMMANDS = ["train", "predict", "evaluate", "explain", "report", "inspect", "demo"]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_examples(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    assert f"examples:\n  fastada {command}" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["--help"])
    assert f"\n  fastada {command}" in capsys.readouterr().out


def test_inspection(files, labels, capsys):
    _, _, model = files
    assert main(["inspect", model, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["bytes"] == os.path.getsize(model)
    assert found["estimator"] == "TextClassifier"
    assert (found["saved_for"], found["columns"]) == ("training", 2**14)
    assert (found["classes"], found["documents"]) == (labels, 400)
    assert found["loss_curve"][-1] < found["loss_curve"][0]
    assert found["nonzero_weights"] == np.count_nonzero(load(model).classifier_.coef_) > 0
    assert found["parameters"]["ngram_range"] == [1, 2]
    assert found["arrays"]["records"]["dtype"] == "F32"
    assert main(["inspect", model]) == 0
    out = capsys.readouterr().out
    assert "16,384" in out
    assert "sea" in out
    X, y = make_rows(labels, 50)
    TextClassifier(n_features=2**10).fit(X, y).save(model, serving=True)
    assert main(["inspect", model]) == 0
    assert "serving" in capsys.readouterr().out


def test_inspection_reads_the_header_alone(files, capsys):
    _, _, model = files
    content = bytearray(Path(model).read_bytes())
    content[len(content) // 2] ^= 1
    Path(model).write_bytes(content)
    assert main(["inspect", model]) == 0
    assert main(["predict", model, files[1]]) == 1
    assert "checksum of records does not fit" in capsys.readouterr().err


@pytest.mark.parametrize("save", ["training", "serving", "serving-float16"])
def test_models_of_the_command_line_in_python(files, labels, tmp_path, capsys, save):
    train, test, _ = files
    path = str(tmp_path / "saved")
    assert main(["train", train, path, "--bits", "14", "--quiet", "--save", save]) == 0
    model = load(path)
    rows = [json.loads(line) for line in predicted(capsys, path, test, "--json")]
    p = [[row["probabilities"][label] for label in labels] for row in rows]
    X, y = make_rows(labels, 100, seed=1)
    np.testing.assert_allclose(model.predict_proba(X), p, rtol=1e-5, atol=1e-9)
    assert model.score(X, y) > 0.95
    if save == "training":
        assert model.partial_fit(X, y).vectorizer_.n_documents_ == 500
    model.set_params(max_iter=2).fit(X, y)
    assert os.path.getsize(path) < 2**14 * 8


def test_models_of_python_on_the_command_line(tmp_path, labels, capsys):
    X, y = make_rows(labels, 300)
    test = write(tmp_path / "test.tsv", X, y)
    for options in (
        {"multi_class": "multinomial"},
        {"use_idf": False, "analyzer": "char"},
        {"loss": "log_loss"},
        {"calibrate": False},
    ):
        if len(labels) == 2 and "multi_class" in options:
            continue
        model = TextClassifier(n_features=2**12, random_state=0, **options).fit(X, y)
        assert (model.classifier_.temperature_ == 1) == ("calibrate" in options)
        model.save(tmp_path / "m")
        rows = [json.loads(line) for line in predicted(capsys, str(tmp_path / "m"), test, "--json")]
        p = [[row["probabilities"][label] for label in labels] for row in rows]
        np.testing.assert_allclose(p, model.predict_proba(X), rtol=1e-5, atol=1e-9)
    for kind in ({"n_features": 1000}, {"strip_accents": "ascii", "n_features": 2**10}):
        TextClassifier(**kind).fit(X, y).save(tmp_path / "m")
        assert main(["predict", str(tmp_path / "m"), test]) == 1
        assert "fastada.load reads it in Python" in capsys.readouterr().err


def run(args, **options):
    return subprocess.run([sys.executable, "-c", *args], capture_output=True, text=True, **options)


def test_commands_load_no_more_than_they_use(files):
    _, test, model = files
    loaded = (
        "import sys; from fastada.cli import main\ntry: main(sys.argv[1:])\n"
        "except SystemExit: pass\nprint('loaded', *(m for m in ('numpy','sklearn','scipy')"
        " if m in sys.modules))"
    )
    assert run([loaded, "--help"]).stdout.splitlines()[-1] == "loaded"
    assert run([loaded, "predict", model, test]).stdout.splitlines()[-1] == "loaded numpy"
    assert run([loaded, "train", test, model]).stdout.splitlines()[-1] == "loaded numpy"


def test_what_begins_before_numpy_does_without():
    code = "import sys, fastada.cli, fastada.cli.ahead; print('numpy' in sys.modules)"
    assert run([code]).stdout == "False\n"


@pytest.mark.parametrize("labels", [["sea", "sky"], ["sea", "sky", "sun"]], ids=["two", "three"])
@pytest.mark.parametrize("epochs", ["1", "2"])
@pytest.mark.parametrize("suffix", ["tsv", "csv", "tsv.gz"])
def test_texts_hashed_ahead_give_the_same_model(
    tmp_path, monkeypatch, capsys, suffix, epochs, labels
):
    monkeypatch.setattr("fastada.read_ahead.PIECE", 20_000)
    monkeypatch.setattr("fastada.formats.lines.BLOCK", 2_000)
    between = "," if suffix == "csv" else "\t"
    lines = [
        f"{y}{between}{x} \N{SNOWMAN} n{i}"
        for i, (x, y) in enumerate(zip(*make_rows(labels, 4000), strict=True))
    ]
    bad = ["bad row", f"x\0y{between}z", f"{between}a", f"sea{between}", f"odd{between}\udcff"]
    lines[7::400] = [*bad, f'"sky"{between}"so ""it"" is"', *bad[:4]]
    data = "\r\n".join(lines).encode("utf-8", "surrogateescape")
    path, one, other = (str(tmp_path / name) for name in (f"a.{suffix}", "one", "other"))
    Path(path).write_bytes(gzip.compress(data) if suffix == "tsv.gz" else data)
    found = []

    def spied(self, piece, options):
        found.append(of(self, piece, options) is not None)
        return of(self, piece, options)

    def pieces_of_all(self):
        self.wait()
        return pieces(self)

    of, pieces = HashAhead.of, ReadAhead.pieces
    monkeypatch.setattr(HashAhead, "of", spied)
    monkeypatch.setattr(ReadAhead, "pieces", pieces_of_all)
    flags = ("--bits", "12", "--epochs", epochs, "--bad-rows", "skip", "--threads", "2")
    assert main(["train", path, one, *flags]) == 0
    assert not found
    told = capsys.readouterr().err
    assert main(["train", path, other, *flags], read_ahead=True) == 0
    assert Path(one).read_bytes() == Path(other).read_bytes()
    assert "skipped 9 rows" in told
    assert "skipped 9 rows" in capsys.readouterr().err
    assert any(found) == (suffix != "tsv.gz")


@pytest.mark.parametrize("wrong", ["--ngrams 0 2", "--ngrams -1 1", "--bits -1"])
def test_what_is_hashed_ahead_is_checked_as_it_is_without(tmp_path, capsys, wrong):
    path = tmp_path / "a.tsv"
    path.write_text("sea\tship sail wave\nsky\tbird wind\n" * 100)
    command = ["train", str(path), str(tmp_path / "model"), "--threads", "2", *wrong.split()]
    assert main(command) == 1
    told = capsys.readouterr().err
    assert wrong.split()[0].strip("-") in told
    assert main(command, read_ahead=True) == 1
    assert capsys.readouterr().err == told


def test_reader_that_goes_away_is_no_error(files, tmp_path):
    _, _, model = files
    path = tmp_path / "many.tsv"
    path.write_text("sea\tship sail\n" * 200_000)
    process = subprocess.Popen(
        [sys.executable, "-m", "fastada", "predict", model, str(path), "--quiet"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "sea\n"
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait() == 141
    process.stderr.close()


@pytest.mark.skipif(not hasattr(signal, "SIGBUS"), reason="there are no bus errors here")
def test_file_cut_short_while_in_use_is_told(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(bytes(10 * mmap.PAGESIZE))
    read = (
        "import mmap, os, sys; from fastada._bus_error import tell_of_bus_errors\n"
        "tell_of_bus_errors(); file = open(sys.argv[1], 'rb')\n"
        "mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)\n"
        "os.truncate(sys.argv[1], 1); print(mapped[-1])"
    )
    found = run([read, str(path)])
    assert found.returncode == 1
    assert found.stdout == ""
    assert found.stderr == (
        "fastada: error: a file was cut short, or could not be read on, while it was in use\n"
    )


def test_progress_bar_on_a_terminal(files, monkeypatch, capsys):
    monkeypatch.setattr("fastada.cli.progress.BAR_EVERY", 0.0)
    monkeypatch.setattr("fastada.formats.lines.BLOCK", 500)
    monkeypatch.setattr("fastada.formats.source.PIECE", 400)
    monkeypatch.setattr("fastada.read_ahead.PIECE", 400)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    train, _, model = files
    assert main(["train", train, model]) == 0
    err = capsys.readouterr().err
    assert "ETA" in err
    assert "MB/s" in err
    assert "\r\x1b[K[" in err


def test_model_is_written_whole_or_not_at_all(files, tmp_path, monkeypatch, capsys):
    train, _, model = files
    before = Path(model).read_bytes()

    def full_disk(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    assert main(["train", train, model, "--quiet"]) == 1
    assert "No space left" in capsys.readouterr().err
    assert Path(model).read_bytes() == before
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".")]


def test_what_is_read_is_not_overwritten(files, tmp_path, monkeypatch, capsys):
    train, test, model = files
    monkeypatch.chdir(tmp_path)
    os.symlink(train, "link.tsv")
    os.link(train, "m.checkpoint")
    commands = [
        ["train", train, train],
        ["train", train, "link.tsv"],
        ["train", "train.tsv", train],
        ["train", train, "m", "--checkpoint-every", "10"],
        ["train", train, "m", "--resume"],
        ["report", model, test, "-o", model],
        ["report", model, test, "-o", "test.tsv"],
    ]
    before = {path: Path(path).read_bytes() for path in files}
    for command in commands:
        assert main([*command, "--quiet"]) == 1
        assert "is read, and would be overwritten" in capsys.readouterr().err
        assert {path: Path(path).read_bytes() for path in files} == before
    assert main(["train", train, model, "--continue", model, "--quiet"]) == 0
    assert main(["train", train, "no/where/m"]) == 1
    assert "there is no folder" in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["--analyzer=char", "--ngrams=1 2", "--no-idf", "--keep-case"])
@pytest.mark.parametrize("form", ["vw", "svmlight"])
def test_flags_of_texts_are_refused_for_vectors(tmp_path, capsys, flag, form):
    rows = {"vw": "1 | good:2\n-1 | bad\n", "svmlight": "1 1:2\n-1 2:1\n"}
    (tmp_path / "rows").write_text(rows[form])
    command = ["train", str(tmp_path / "rows"), str(tmp_path / "m"), "--format", form, "--quiet"]
    assert main([*command, *flag.replace("=", " ").split()]) == 1
    assert f"{flag.split('=')[0]} is for texts" in capsys.readouterr().err
    assert main([*command, "--bits", "8"]) == 0


def test_importances_that_are_all_zero_are_nothing_to_learn(tmp_path, capsys):
    (tmp_path / "rows.vw").write_text("1 0 | good\n-1 0 | bad\n")
    assert main(["train", str(tmp_path / "rows.vw"), str(tmp_path / "m"), "--quiet"]) == 1
    assert "nothing to learn from" in capsys.readouterr().err
    assert not (tmp_path / "m").exists()


def test_a_rate_that_is_searched_for_is_lower_for_more_threads(
    files, tmp_path, monkeypatch, capsys
):
    """By a tenth of an octave for each doubling, as that of the estimators is."""
    monkeypatch.setattr("fastada.threads.SMALLEST_SHARE", 1)
    rates = []
    for threads in ("1", "2", "4"):
        command = ["train", files[0], str(tmp_path / "m"), "--bits", "12", "--quiet", "--json"]
        assert main([*command, "--threads", threads]) == 0
        rates.append(json.loads(capsys.readouterr().out)["learning_rate"])
    np.testing.assert_allclose(np.diff(np.log2(rates)), -0.1, rtol=1e-6)


def test_a_line_for_each_row(files, tmp_path, capsys):
    """No line for a header, one for a row that is skipped, wherever blocks begin and end."""
    _, _, model = files
    path = tmp_path / "a.csv"
    args = [model, str(path), "--text-column", "text", "--bad-rows", "skip"]
    path.write_text("label,text\n")
    assert predicted(capsys, *args) == []
    path.write_text(f'label,text\nsea,"{"ship sail " * 150_000}"\nsky,bird wind\n')
    assert predicted(capsys, *args) == ["sea", "sky"]
    path.write_text('label,text\nsea,ship sail\nsky,"bird wind\nsky,cloud hill\nsea,wave fish\n')
    assert predicted(capsys, *args) == ["sea", "", "sky", "sea"]
    path.write_text("label,text\nsea,ship sail\n\nsea\nsky,bird wind\nsky\n\n\n")
    assert predicted(capsys, *args) == ["sea", "", "", "sky", ""]
    assert predicted(capsys, *args, "--threads", "3") == ["sea", "", "", "sky", ""]


def test_a_line_for_each_row_whatever_is_in_its_label(tmp_path, capsys):
    texts = ["ship sail", "bird wind"] * 20
    labels = ["a\nb", "c\td"] * 20
    rows = [{"text": text, "label": label} for text, label in zip(texts, labels, strict=True)]
    path, model = tmp_path / "a.jsonl", str(tmp_path / "m")
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main(["train", str(path), model, "--bits", "8", "--quiet"]) == 0
    assert predicted(capsys, model, str(path)) == [r"a\nb", r"c\td"] * 20
    first = predicted(capsys, model, str(path), "--proba")[1]
    assert first.split("\t")[0] == r"c\td"
    first = predicted(capsys, model, str(path), "--json")[0]
    assert json.loads(first)["label"] == "a\nb"


@pytest.mark.parametrize(
    ("name", "flags"),
    [
        ("a.jsonl", ["--header"]),
        ("a.jsonl", ["--no-quoting"]),
        ("a.txt", ["--text-column", "1"]),
        ("a.vw", ["--label-column", "1"]),
    ],
)
def test_flags_that_say_nothing_about_a_format_are_refused(files, tmp_path, capsys, name, flags):
    (tmp_path / name).write_text("ship sail\n")
    assert main(["predict", files[2], str(tmp_path / name), *flags]) == 1
    assert f"is read as {formats.guess_format(name, [])}; see --format" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["parquet", "tsv.zst"])
def test_files_that_pyarrow_reads(files, labels, tmp_path, capsys, form):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    X, y = make_rows(labels, 400)
    path = str(tmp_path / f"a.{form}")
    if form == "parquet":
        parquet.write_table(pyarrow.table({"label": y, "text": X}), path)
    else:
        with pyarrow.CompressedOutputStream(path, "zstd") as stream:
            stream.write(Path(files[0]).read_bytes())
    model = str(tmp_path / "again")
    assert main(["train", path, model, "--bits", "14", "--quiet"]) == 0
    assert predicted(capsys, model, path) == predicted(capsys, files[2], files[0])
    np.testing.assert_array_equal(load(model).classifier_.coef_, load(files[2]).classifier_.coef_)


def test_a_text_of_too_many_ngrams_is_a_bad_row(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("fastada.stream.options.MOST_NGRAMS", 1000)
    path = write(tmp_path / "a.tsv", ["ship sail", "bird wind", "x" * 200] * 4, ["a", "b", "a"] * 4)
    command = ["train", path, str(tmp_path / "m"), "--bits", "8", "--quiet", "--analyzer", "char"]
    assert main([*command, "--ngrams", "1", "5"]) == 0
    assert main([*command, "--ngrams", "1", "6"]) == 1
    assert "a.tsv:3: text too long: 200 bytes, 166 at most" in capsys.readouterr().err
