"""What `make peers` computes from its runs, and that it runs."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.datasets import dump_svmlight_file, load_svmlight_file
from sklearn.metrics import accuracy_score, log_loss

from benchmarks.peers import environments, rows, sets
from benchmarks.peers.environments import Environment
from benchmarks.peers.results import (
    Results,
    Summary,
    seconds_to_accuracy,
    seconds_to_loss,
    summary_of,
    targets,
)
from benchmarks.peers.systems import BINARY, MANY, systems_for
from benchmarks.peers.table import markdown
from benchmarks.peers.worker import scores

ROOT = Path(__file__).parents[2]
CURVE = [(0.1, 0.30, 0.80), (0.2, 0.25, 0.91), (0.4, 0.24, 0.90), (0.8, 0.26, 0.89)]


def run_of(seconds, losses, reference_ns=2.0, peak=1_000_000, key="epochs"):
    points = [
        {"point": {key: n}, "seconds": s, "entries": 1_000 * n, "log_loss": loss, "accuracy": 0.9}
        for n, s, loss in zip((1, 2, 5), seconds, losses, strict=True)
    ]
    return {"points": points, "reference_ns": reference_ns, "peak": peak}


def test_time_to_quality_is_of_the_first_point_that_gets_there():
    assert seconds_to_loss(CURVE, 0.25) == 0.2
    assert seconds_to_loss(CURVE, 0.2499) == 0.4
    assert seconds_to_loss(CURVE, 0.23) is None
    assert seconds_to_accuracy(CURVE, 0.905) == 0.2
    assert seconds_to_accuracy(CURVE, 0.95) is None


def test_targets_are_near_the_best_of_all_systems():
    summaries = [
        Summary("a", CURVE, None, None, None),
        Summary("b", [(1.0, 0.20, 0.85)], None, None, None),
    ]
    (within_5, within_1), accuracy = targets(summaries)
    assert within_5 == pytest.approx(0.21)
    assert within_1 == pytest.approx(0.202)
    assert accuracy == pytest.approx(0.905)


def test_summary_takes_medians_and_divides_by_the_reference_of_the_same_run():
    runs = [
        run_of((3e-6, 5e-6, 11e-6), (0.5, 0.4, 0.3), reference_ns=1.0),
        run_of((4e-6, 8e-6, 20e-6), (0.5, 0.4, 0.3), reference_ns=2.0, peak=None),
        run_of((9e-6, 9e-6, 81e-6), (0.8, 0.4, 0.2), reference_ns=2.0, peak=3_000_000),
    ]
    summary = summary_of("a", runs)
    assert summary.curve == [(4e-6, 0.5, 0.9), (8e-6, 0.4, 0.9), (20e-6, 0.3, 0.9)]
    # Of four more epochs over 1,000 entries: 2, 4 and 18 ns; over 1, 2 and 2 of the reference.
    assert summary.ns == pytest.approx(4.0)
    assert summary.ratio == pytest.approx(2.0)
    assert summary.peak == 2_000_000


def test_solvers_with_tolerances_have_no_time_per_epoch():
    summary = summary_of("a", [run_of((1, 2, 3), (0.5, 0.4, 0.3), key="tol")])
    assert summary.ns is None
    assert summary.ratio is None


def test_results_survive(tmp_path):
    results = Results(tmp_path / "results.jsonl")
    for data, system in (("zipf", "a"), ("zipf", "b"), ("imdb", "a")):
        results.add({"data": data, "system": system, **run_of((1, 2, 3), (3, 2, 1))})
    again = Results(tmp_path / "results.jsonl")
    assert again.runs == results.runs
    assert len(again.of("zipf")) == 2
    assert len(again.of("zipf", "a")) == 1
    again.forget({"a"})
    assert Results(results.path).runs == again.runs == results.of("zipf", "b")


def test_table_orders_by_time_to_one_percent():
    summaries = [
        Summary("never", [(0.01, 0.3, 0.8)], 12.3, 6.0, None),
        Summary("slow", [(10.0, 0.2, 0.9)], 1234.5, 99.9, 2e6),
        Summary("fastada", [(0.1, 0.201, 0.9)], 2.0, 1.0, 1e6),
    ]
    lines = markdown(summaries).splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| **fastada**", "| slow", "| never"]
    assert lines[2] == ("| **fastada** | 2 | 1.0 | 0.10 | 0.10 | 0.10 | 0.2010 | 0.9000 | 1 |")
    assert lines[3].startswith("| slow | 1,234 | 99.9 | 10.00 |")
    assert lines[4] == "| never | 12.3 | 6.0 | – | – | – | 0.3000 | 0.8000 | – |"
    assert len({line.count("|") for line in lines}) == 1


def test_names_are_kept_apart():
    pytest.importorskip("matplotlib")
    from benchmarks.peers.picture import spread

    @given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
    def check(places):
        places = sorted(places)
        moved = spread(places, 0.05)
        assert moved[0] == places[0]
        assert all(new >= old for new, old in zip(moved, places, strict=True))
        assert np.all(np.diff(moved) >= 0.05 - 1e-12)

    check()


def test_rows_come_back(tmp_path):
    X = sp.random(6, 5, 0.5, "csr", random_state=0)
    rows.save(tmp_path, X[:4], X[4:], np.array(["b", "a", "b", "c"]), np.array(["c", "z"]))
    train, test = rows.load(tmp_path, "train"), rows.load(tmp_path, "test")
    np.testing.assert_allclose(train.X.toarray(), X[:4].toarray(), rtol=1e-6)
    np.testing.assert_allclose(test.X.toarray(), X[4:5].toarray(), rtol=1e-6)
    assert train.X.dtype == np.float32
    assert train.y.tolist() == [1, 0, 1, 2]
    assert test.y.tolist() == [2]
    assert train.n_classes == test.n_classes == 3


def test_text_for_peers_says_the_same(tmp_path):
    X = sp.random(20, 30, 0.3, "csr", dtype=np.float32, random_state=0)
    y = np.arange(20) % 2
    path = tmp_path / "rows.svm"
    rows.write_text(path, rows.Rows(X, y, 2), str, "{}:{:.9g}".format)
    X_read, y_read = load_svmlight_file(str(path), n_features=30, zero_based=True, dtype=np.float32)
    np.testing.assert_array_equal(X_read.toarray(), X.toarray())
    np.testing.assert_array_equal(y_read, y)


def test_probabilities_of_margins():
    margins = np.array([[-800.0, 0.0, 3.0], [1.0, 2.0, -1.0]])
    found = rows.sigmoids(margins)
    np.testing.assert_allclose(found, expit(margins) / expit(margins).sum(axis=1, keepdims=True))
    two = rows.sigmoids(margins[:, :1])
    np.testing.assert_allclose(two, np.column_stack([expit(-margins[:, 0]), expit(margins[:, 0])]))


def test_scores_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    probability = rng.dirichlet(np.ones(4), size=50)
    y = rng.integers(4, size=50)
    found = scores(probability, y)
    assert found["accuracy"] == accuracy_score(y, probability.argmax(axis=1))
    assert found["log_loss"] == pytest.approx(log_loss(y, probability, labels=range(4)))


def test_why_a_peer_is_absent(tmp_path, monkeypatch):
    monkeypatch.setitem(environments.ENVIRONMENTS, "old", Environment((), "old", python="2.3"))
    assert "Python 2.3" in environments.set_up("old", tmp_path)
    assert environments.set_up("sklearn", tmp_path) is None


def test_every_system_has_an_adapter_and_an_environment():
    for system in (*BINARY, *MANY):
        assert (ROOT / f"benchmarks/peers/adapters/{system.peer}.py").exists()
        assert system.peer in (*environments.AT_HAND, *environments.ENVIRONMENTS)
    for systems in (BINARY, MANY):
        assert len({system.name for system in systems}) == len(systems)
    assert systems_for(2) == BINARY
    assert systems_for(20) == MANY


def test_a_file_of_ones_own(tmp_path):
    X, _, y, _ = sets._split("zipf-quick")
    file = tmp_path / "mine.svm"
    dump_svmlight_file(X, y, str(file), zero_based=False)
    command = [sys.executable, "-m", "benchmarks.peers", str(file), "--rounds", "1"]
    command += ["--only", "sklearn", "--folder", tmp_path]
    out = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert re.search(r"^### mine.svm-[0-9a-f]{8} \(rounds: 1 or more\)$", out, re.MULTILINE)
    assert "| scikit-learn SGD |" in out
    runs = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    assert [run["system"] for run in runs] == ["scikit-learn SGD", "scikit-learn SGD, averaged"]
    assert all(0 < point["log_loss"] < 1 for run in runs for point in run["points"])
    # Nothing is run again.
    again = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert "round 1:" not in again
    assert "| scikit-learn SGD |" in again
