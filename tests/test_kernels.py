"""Both builds of a kernel give the same bits."""

import numpy as np
import pytest
import scipy.sparse as sp

from fastada import AdaGradClassifier, _cpu, _merge, _multi, _single, combine, epoch, threads
from fastada.kernels import merge, multi, single

two_builds = pytest.mark.skipif(
    not _cpu.uses_avx2(), reason="one build only: no AVX2 here, or a debug build"
)


def weights_of(X, y, **parameters):
    model = AdaGradClassifier(max_iter=2, tol=None, random_state=0, **parameters).fit(X, y)
    return np.column_stack([model.coef_, model.intercept_])


def test_the_wide_build_is_taken_where_the_cpu_has_it():
    ending = "_avx2" if _cpu.uses_avx2() else ""
    assert multi.__name__ == f"fastada._multi{ending}"
    assert single.__name__ == f"fastada._single{ending}"
    assert merge.__name__ == f"fastada._merge{ending}"


@two_builds
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_classes", [2, 3, 8, 21])
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"alpha": 1e-3},
        {"alpha": 1e-3, "l1_ratio": 1.0},
        {"decay": 0.9},
        {"update": "rda", "alpha": 1e-4, "multi_class": "multinomial"},
        {"update": "ftrl", "alpha": 1e-2, "l1_ratio": 0.5, "batch_size": 7},
    ],
)
def test_both_builds_give_the_same_bits(monkeypatch, dtype, n_classes, parameters):
    rng = np.random.default_rng(n_classes)
    X = sp.random_array((200, 60), density=0.2, rng=rng, dtype=dtype, format="csr")
    y = rng.integers(n_classes, size=200)
    weights = []
    for kernels in ((multi, single), (_multi, _single)):
        for name, kernel in zip(("multi", "single"), kernels, strict=True):
            monkeypatch.setattr(epoch, name, kernel)
        weights.append(weights_of(X, y, **parameters))
    np.testing.assert_array_equal(weights[0], weights[1])


@two_builds
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("parameters", [{}, {"alpha": 1e-3, "l1_ratio": 0.5}, {"update": "ftrl"}])
def test_both_builds_combine_to_the_same_bits(monkeypatch, dtype, n_classes, parameters):
    monkeypatch.setattr(threads, "SMALLEST_SHARE", 10)
    rng = np.random.default_rng(n_classes)
    X = sp.random_array((200, 600), density=0.1, rng=rng, dtype=dtype, format="csr")
    y = rng.integers(n_classes, size=200)
    weights = []
    for kernel in (merge, _merge):
        monkeypatch.setattr(combine, "merge", kernel)
        weights.append(weights_of(X, y, n_jobs=2, **parameters))
    np.testing.assert_array_equal(weights[0], weights[1])
