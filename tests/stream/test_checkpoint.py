"""A training that is killed ends with the bits of one that is not."""

import io
import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from fastada import load
from fastada.cli import main
from fastada.formats import DataFile, Problems, ReadOptions
from fastada.persistence import ModelFileError
from fastada.stream import checkpoint, model_files
from fastada.stream.checkpoint import Checkpoints
from fastada.stream.options import Features, Learning
from fastada.stream.train import train

from .test_train import SMALLEST_MEMORY, Notes, make_lines

# The command as a process, reading in small pieces so that small files are streamed.
COMMAND = (
    "import sys; import fastada.formats.lines as lines; import fastada.read_ahead as read_ahead;"
    "lines.BLOCK, read_ahead.PIECE = 30_000, 20_000;"
    "from fastada.cli import main; sys.exit(main(sys.argv[1:]))"
)


class Killed(BaseException):
    """What stands for SIGKILL inside a process."""


def write(path, lines):
    path.write_text("\n".join(lines))
    return str(path)


@pytest.fixture(scope="module", params=[2, 3], ids=["binary", "multiclass"])
def path(request, tmp_path_factory):
    return write(tmp_path_factory.mktemp("data") / "a.tsv", make_lines(6000, request.param))


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr("fastada.formats.lines.BLOCK", 30_000)
    monkeypatch.setattr("fastada.formats.source.PIECE", 20_000)
    monkeypatch.setattr("fastada.read_ahead.PIECE", 20_000)


def run(path, model, *, die_after=None, every=500, features=None, previous=None, **learning):
    """Train with checkpoints; die_after of them no more is done."""
    features, learning = features or Features(bits=14), Learning(**learning)
    file = DataFile(path, ReadOptions(format="tsv", label_column="1", text_column="2"))
    checkpoints = Checkpoints(str(model), every, file, features, learning)
    real, written = checkpoints.write, []

    def mortal(*args):
        real(*args)
        written.append(args)
        if die_after is not None and len(written) == die_after:
            raise Killed

    checkpoints.write = mortal
    notes = Notes()
    trained = train(
        file, features, learning, Problems(path, True, notes.note), notes,
        checkpoints=checkpoints, resume=True, previous=previous,
    )  # fmt: skip
    model_files.save(trained, model)
    checkpoints.remove()
    return len(written)


OPTIONS = [
    {"memory": SMALLEST_MEMORY},
    {"memory": SMALLEST_MEMORY, "alpha": 1e-4, "l1_ratio": 0.5, "threads": 2},
    {"memory": SMALLEST_MEMORY, "shuffle": False, "learning_rate": 0.5},
    {},
    {"alpha": 1e-4, "l1_ratio": 1.0, "seed": 3},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_every_checkpoint_leads_to_the_same_bits(path, tmp_path, small_blocks, options):
    options = {"epochs": 3, **options}
    undisturbed = run(path, tmp_path / "whole", **options)
    assert undisturbed >= (6 if "memory" in options else 2)
    deaths = 0
    while True:
        try:
            run(path, tmp_path / "halves", die_after=1, **options)
            break
        except Killed:
            deaths += 1
    assert deaths >= undisturbed - 1
    assert (tmp_path / "halves").read_bytes() == (tmp_path / "whole").read_bytes()
    assert sorted(os.listdir(tmp_path)) == ["halves", "whole"]
    run(path, tmp_path / "plain", every=None, **options)
    assert (tmp_path / "plain").read_bytes() == (tmp_path / "whole").read_bytes()


def command(path, model, *flags):
    fixed = ["--bits", "14", "--epochs", "4", "--memory", "1", "--resume", "--quiet"]
    return [sys.executable, "-c", COMMAND, "train", path, str(model), *fixed, *flags]


@pytest.mark.parametrize("flags", [[], ["--memory", "64"]], ids=["streamed", "held"])
def test_killed_by_the_system_at_random_moments(path, tmp_path, flags):
    """Each life is a little longer than the last; most end in the middle of something."""
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    start = time.perf_counter()
    subprocess.run(command(path, whole, *flags), check=True)
    seconds = time.perf_counter() - start
    rng = random.Random(len(flags))
    deaths, life = 0, 0.3 * seconds
    while True:
        process = subprocess.Popen(command(path, halves, "--checkpoint-every", "300", *flags))
        try:
            process.wait(rng.uniform(0.5, 1.0) * life)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            deaths += 1
            life *= 1.15
            continue
        assert process.returncode == 0
        assert halves.read_bytes() == whole.read_bytes()
        assert sorted(os.listdir(tmp_path)) == ["halves", "whole"]
        if deaths >= 2:
            break
        life /= 2


def test_another_training_is_not_resumed(path, tmp_path, small_blocks):
    options = {"memory": SMALLEST_MEMORY, "epochs": 3}
    with pytest.raises(Killed):
        run(path, tmp_path / "m", die_after=2, **options)
    before = (tmp_path / "m.checkpoint").read_bytes()
    other = write(tmp_path / "b.tsv", make_lines(6000, 2, seed=9))
    for change, message in [
        ({"alpha": 0.1}, "learning alpha was 0.0 and is 0.1"),
        ({"features": Features(bits=13)}, "features bits was 14 and is 13"),
        ({"memory": 2 * SMALLEST_MEMORY}, "learning memory"),
    ]:
        with pytest.raises(ModelFileError, match=message):
            run(path, tmp_path / "m", **{**options, **change})
    with pytest.raises(ModelFileError, match=r"file \w+ was"):
        run(other, tmp_path / "m", **options)
    assert (tmp_path / "m.checkpoint").read_bytes() == before
    (tmp_path / "m.checkpoint").write_bytes(before[:-1])
    with pytest.raises(ModelFileError, match="not a fastada model"):
        run(path, tmp_path / "m", **options)


def test_more_epochs_than_before(path, tmp_path, small_blocks):
    run(path, tmp_path / "long", epochs=4)
    with pytest.raises(Killed):
        run(path, tmp_path / "m", die_after=1, epochs=2)
    run(path, tmp_path / "m", epochs=4)
    assert (tmp_path / "m").read_bytes() == (tmp_path / "long").read_bytes()


def test_a_checkpoint_is_a_model(path, tmp_path, small_blocks, capsys):
    with pytest.raises(Killed):
        run(path, tmp_path / "m", die_after=3, memory=SMALLEST_MEMORY)
    assert load(tmp_path / "m.checkpoint").classifier_.t_ > 1000
    assert main(["inspect", str(tmp_path / "m.checkpoint")]) == 0
    capsys.readouterr()
    assert main(["evaluate", str(tmp_path / "m.checkpoint"), path, "--quiet"]) == 0


def test_skipped_rows_are_counted_across_lives(tmp_path, small_blocks, capsys):
    lines = make_lines(6000, 2)
    lines[100] = lines[5000] = "no tab"
    path = write(tmp_path / "a.tsv", lines)
    command = ["train", path, str(tmp_path / "m"), "--bits", "14", "--memory", "1", "--resume"]
    command += ["--bad-rows", "skip", "--checkpoint-every", "300", "--json", "--quiet"]
    real, written = checkpoint.Checkpoints.write, []

    def mortal(self, *args):
        real(self, *args)
        written.append(args)
        if len(written) == 3:
            raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint.Checkpoints, "write", mortal)
        with pytest.raises(Killed):
            main(command)
        assert main(command) == 0
    assert json.loads(capsys.readouterr().out)["skipped"] == {"wrong number of columns": 2}


def test_standard_input_has_no_checkpoints(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a\tone\nb\ttwo\n")))
    assert main(["train", "-", str(tmp_path / "m"), "--format", "tsv", "--resume", "--quiet"]) == 1
    assert "checkpoints need a file" in capsys.readouterr().err


def test_a_model_is_no_checkpoint(path, tmp_path, capsys):
    flags = ["--bits", "12", "--epochs", "1", "--quiet"]
    assert main(["train", path, str(tmp_path / "m.checkpoint"), *flags]) == 0
    assert main(["train", path, str(tmp_path / "m"), "--resume", *flags]) == 1
    assert "it is a model and no checkpoint" in capsys.readouterr().err


def test_a_fresh_run_forgets_the_last_checkpoint(path, tmp_path, small_blocks):
    with pytest.raises(Killed):
        run(path, tmp_path / "m", die_after=1, epochs=2)
    flags = ["--bits", "14", "--epochs", "1", "--checkpoint-every", "10000000", "--quiet"]
    assert main(["train", path, str(tmp_path / "m"), *flags]) == 0
    assert not (tmp_path / "m.checkpoint").exists()
