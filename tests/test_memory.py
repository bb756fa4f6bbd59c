import os
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

import fastada.memory
from fastada import AdaGradClassifier
from fastada.memory import LARGE_PAGE, aligned_zeros, fill_rows, memory_limit
from fastada.scale import Scale
from fastada.settings import make_settings
from fastada.state import State


def test_a_container_s_limit_counts(tmp_path, monkeypatch):
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(fastada.memory, "CONTAINER_LIMITS", (tmp_path / "missing", limit))
    limit.write_text("max\n")
    of_machine = memory_limit()
    assert of_machine > 2**20
    limit.write_text("1048576\n")
    assert memory_limit() == 2**20
    X = sp.csr_array((np.ones(2), ([0, 1], [0, 2**20 - 1])), shape=(2, 2**20))
    with pytest.raises(MemoryError, match="1,048,576"):
        AdaGradClassifier().fit(X, [0, 1])
    limit.write_text(f"{2**60}\n")
    assert memory_limit() == of_machine
    AdaGradClassifier(max_iter=1).fit(X, [0, 1])


@pytest.mark.parametrize(("n", "boundary"), [(1, 64), (2**18 - 1, 64), (2**18, LARGE_PAGE)])
def test_records_begin_on_boundaries(n, boundary):
    for _ in range(3):
        records = aligned_zeros((n, 2), np.dtype(np.float32))
        assert records.ctypes.data % boundary == 0
        assert records.shape == (n, 2)
        assert not records.any()


@pytest.mark.parametrize("shape", [(0, 2), (1, 2), (1000, 2), (1025, 6), (3, 5000)])
def test_rows_are_filled(shape):
    row = np.arange(shape[1], dtype=np.float32)
    array = np.full(shape, -1, dtype=np.float32)
    fill_rows(array, row)
    np.testing.assert_array_equal(array, np.broadcast_to(row, shape))


@pytest.mark.parametrize("parameters", [{}, {"alpha": 1e-4, "l1_ratio": 0.5}])
def test_a_state_in_memory_lent_is_as_any_other(parameters):
    dtype = np.dtype(np.float32)
    settings = make_settings(Scale(0.5, 0.1, 0.3, 0.2), dtype, 1.0, **parameters)

    def state(n_features, n_outputs, *more):
        return State(n_features, n_outputs, dtype, settings, 0.1, 0.2, *more)

    lender = state(100, 4)
    lender.records[:] = np.nan
    for shape in ((100, 4), (60, 3), (30, 9)):
        borrower, own = state(*shape, lender), state(*shape)
        assert np.shares_memory(borrower.records, lender.records)
        np.testing.assert_array_equal(borrower.records, own.records)
        np.testing.assert_array_equal(borrower.intercept, own.intercept)
        borrower.records[:] = np.nan
    lender.take_back(0.1, 0.2)
    np.testing.assert_array_equal(lender.records, state(100, 4).records)


def test_columns_that_do_not_occur_take_no_memory_without_a_first_accumulator():
    statm = Path("/proc/self/statm")
    if not statm.exists():
        pytest.skip("tells the memory in use on Linux alone")

    def n_bytes():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    X = sp.csr_array(np.ones((300, 4), np.float32))
    X = sp.csr_array((X.data, X.indices, X.indptr), shape=(300, 2**22))
    before = n_bytes()
    model = AdaGradClassifier(initial_accumulator=0.0, max_iter=1, random_state=0)
    model.fit(X, np.arange(300) % 4)
    assert model._state.records.nbytes > 2**26 > n_bytes() - before


def test_a_state_has_memory_of_its_own_where_the_lender_s_would_not_do():
    dtype = np.dtype(np.float32)
    settings = make_settings(Scale(0.5, 0.1, 0.3, 0.2), dtype, 1.0)
    lender = State(10, 3, dtype, settings, 0.1, 0.2)
    wide = np.dtype(np.float64)
    for borrower in (
        State(11, 3, dtype, settings, 0.1, 0.2, lender),
        State(10, 3, wide, settings, 0.1, 0.2, lender),
        # Columns of G_0 = 0 take no memory until they occur.
        State(5, 3, dtype, settings, 0.1, 0.2, State(10, 3, dtype, settings, 0.0, 0.0)),
    ):
        assert borrower.records.base is not lender.records.base
        assert (borrower.accumulators == borrower.dtype.type(0.1)).all()
