"""Layouts for threads: each column has one number, and lies with those of the same shares."""

import copy
import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

import fastada.relabel
from fastada.relabel import CompactState, layout_of, relabelling_pays
from fastada.rows import Rows
from fastada.scale import Scale
from fastada.settings import make_settings
from fastada.state import State

PENALTY = {"alpha": 0.1, "l1_ratio": 0.5}


def one_by_one(function, n):
    for k in range(n):
        function(k)


def rows_of(dense, index_type):
    X = sp.csr_array(dense)
    return Rows(X.indptr.astype(np.int64), X.indices.astype(index_type), X.data, X.shape[1], 10.0)


def laid_out(rows, shares, **how):
    return layout_of(rows, shares, lambda f: one_by_one(f, len(shares)), **how)


@given(
    seed=st.integers(0, 2**32 - 1),
    n_shares=st.integers(1, 4),
    n_columns=st.sampled_from([1, 7, 256, 300]),
    index_type=st.sampled_from([np.int32, np.int64]),
)
def test_columns_of_several_shares_come_first_and_then_each_share_s_own(
    seed, n_shares, n_columns, index_type
):
    rng = np.random.default_rng(seed)
    dense = rng.random((20, n_columns)) < 3 / np.arange(1, n_columns + 1)
    rows = rows_of(dense.astype(float), index_type)
    shares = [np.arange(k, 18, n_shares) for k in range(n_shares)]
    layout = laid_out(rows, shares, stamped=True, relabelled=True)
    having = np.array([dense[share].any(axis=0) for share in shares])

    n_shared = layout.ends[0]
    shared = layout.columns[:n_shared]
    assert set(shared) == set(np.flatnonzero(having.sum(axis=0) > 1))
    assert np.all(np.diff(dense[:18][:, shared].sum(axis=0)) <= 0)
    for k in range(n_shares):
        begin, end = layout.alone(k)
        alone = having[k] & (having.sum(axis=0) == 1)
        assert layout.columns[begin:end].tolist() == np.flatnonzero(alone).tolist()
        has = np.ones(n_shared) if layout.has[k] is None else layout.has[k]
        assert np.array_equal(has > 0, having[k, shared])
    assert layout.ends[-1] == len(layout.columns) == layout.rows.n_features
    visited = slice(0, rows.indptr[18])
    assert np.array_equal(layout.columns[layout.rows.indices[visited]], rows.indices[visited])


def test_counts_beyond_a_byte_do_not_wrap_around():
    dense = np.zeros((600, 3))
    dense[:2, 0] = dense[:, 1] = dense[:256, 2] = 1
    shares = [np.arange(k, 600, 2) for k in range(2)]
    layout = laid_out(rows_of(dense, np.int32), shares, stamped=False, relabelled=True)
    assert layout.ends == [3, 3, 3]
    assert layout.columns.tolist() == [1, 2, 0]


def test_columns_that_stay_as_they_are():
    dense = np.eye(4)
    rows, shares = rows_of(dense, np.int32), [np.array([0, 1]), np.array([2])]
    plain = laid_out(rows, shares, stamped=False, relabelled=False)
    assert plain.rows is rows
    assert (plain.ends, plain.has) == ([4, 4, 4], [None, None])
    stamped = laid_out(rows, shares, stamped=True, relabelled=False)
    assert [has.tolist() for has in stamped.has] == [[1, 1, 0, 0], [0, 0, 1, 0]]


@pytest.fixture(params=[{}, PENALTY], ids=["plain", "stamped"])
def some_state(request):
    settings = make_settings(Scale(0.5, 0.1, 0.3, 0.2), np.dtype(np.float32), 1.0, **request.param)
    state = State(6, 2, np.dtype(np.float32), settings, 0.1, 0.2)
    state.records[:] += np.arange(6)[:, np.newaxis]
    return state, settings


def test_a_state_is_read_as_of_the_last_step_of_its_compact_one(some_state):
    whole, settings = some_state
    before = whole.records.copy()
    compact = CompactState(whole, np.array([4, 1], np.int32))
    assert np.array_equal(compact.records, before[[4, 1]])
    compact.records[:] = -1
    compact.clock[0] += 1
    expected = before.copy()
    expected[[4, 1]] = -1
    for read in (whole, whole.copy(), copy.deepcopy(whole), pickle.loads(pickle.dumps(whole))):
        assert np.array_equal(read.records, expected)
        assert read.n_steps == 1
        assert read.n_features == 6
    compact.records[0] = -2
    compact.clock[0] += 1
    compact.end()
    expected[4] = -2
    assert np.array_equal(whole.records, expected)
    compact.clock[0] += 1
    compact.records[:] = 7
    assert np.array_equal(whole.records, expected)
    assert whole.weights(settings).shape == (6, 2)


def test_stamps_restart_in_the_whole_state():
    settings = make_settings(Scale(0.5, 0.1, 0.3, 0.2), np.dtype(np.float32), 1.0, **PENALTY)
    whole = State(3, 1, np.dtype(np.float32), settings, 0.1, 0.2)
    whole.records[:, 0] = 1
    compact = CompactState(whole, np.array([2, 0], np.int32))
    whole.clock[0] += 4
    weights = whole.weights(settings).copy()
    compact.restart_stamps(settings)
    assert compact.clock.tolist() == [4, 4]
    assert np.array_equal(compact.records, whole.records[[2, 0]])
    assert np.array_equal(whole.records[:, 0], weights[:, 0])


def test_relabelling_is_for_many_rounds_and_never_for_lack_of_memory(monkeypatch):
    rows = rows_of(np.ones((100, 50)), np.int32)
    assert not relabelling_pays(rows, 1, 2, n_rounds=1)
    assert relabelling_pays(rows, 1, 2, n_rounds=100)
    assert relabelling_pays(rows, 100, 2, n_rounds=1)
    monkeypatch.setattr(fastada.relabel, "memory_limit", lambda: 8 * 5000)
    assert not relabelling_pays(rows, 1, 2, n_rounds=100)
