import os
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import settings

# CI tries the same examples every time, so that it is red for what a change did; elsewhere every
# run tries new ones. How long one takes says how busy the machine is.
settings.register_profile("fastada", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("fastada")

SHARED_DATA = Path(os.environ.get("FASTADA_DATA") or Path(__file__).parents[2] / "shared" / "data")


@pytest.fixture
def shared_data():
    """The folder of real data sets (docs/benchmarks.md); without it tests skip."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the shared data sets are not on this machine")
    return SHARED_DATA


@pytest.fixture
def text_like():
    """Three classes of Zipf-distributed columns: (X csr float64, y of str)."""
    rng = np.random.default_rng(0)
    n_rows, n_features = 300, 200
    labels = rng.integers(3, size=n_rows)
    popularity = 1 / np.arange(1, n_features + 1)
    dense = np.zeros((n_rows, n_features))
    for row, label in enumerate(labels):
        p = popularity * (1 + 4 * (np.arange(n_features) % 3 == label))
        columns, counts = np.unique(
            rng.choice(n_features, size=12, p=p / p.sum()), return_counts=True
        )
        dense[row, columns] = counts
    dense /= np.linalg.norm(dense, axis=1, keepdims=True)
    return sp.csr_array(dense), np.array(["ham", "spam", "eggs"])[labels]
