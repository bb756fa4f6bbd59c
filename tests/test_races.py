"""That the build of `make sanitize-threads` sees a race: two are planted in what threads do."""

import os
import re
import subprocess
import sys

import pytest

SCRIPT = """
import numpy as np
import scipy.sparse as sp
from fastada import AdaGradClassifier, combine, threads

merge_records, blank_copy, shared = combine.merge_records, threads.State.blank_copy, dict()

def merge_all(base, replicas, has, n_steps, n_steps_of_all, settings, begin, end):
    merge_records(base, replicas, has, n_steps, n_steps_of_all, settings, 0, base.n_features)

def with_the_same_records(state):
    copy = blank_copy(state)
    copy.records = shared.setdefault("records", copy.records)
    return copy

{plant}
columns = np.random.default_rng(0).integers(100_000, size=2_000_000)
X = sp.csr_array((np.ones(len(columns)), columns, np.arange(0, len(columns) + 1, 50)))
y = np.arange(40_000) % 2
AdaGradClassifier(n_jobs=4, alpha=1e-4, max_iter=2, random_state=0).fit(X, y)
"""


@pytest.mark.skipif("tsan" not in os.environ.get("LD_PRELOAD", ""), reason="no ThreadSanitizer")
@pytest.mark.parametrize(
    ("plant", "race"),
    [
        ("", None),
        ("combine.merge_records = merge_all", "_merge_merge"),
        ("threads.State.blank_copy = with_the_same_records", "mem(cpy|move)|single_learn"),
    ],
    ids=["none", "merging", "learning"],
)
def test_race_is_reported(plant, race):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(plant=plant)], capture_output=True, text=True
    )
    if race is None:
        assert done.returncode == 0, done.stderr
    else:
        assert "WARNING: ThreadSanitizer: data race" in done.stderr
        assert re.search(race, done.stderr)
