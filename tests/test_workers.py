"""Results come in the order of the items, and errors come through."""

import threading
from itertools import pairwise

import numpy as np
import pytest

import fastada.workers
from fastada.stream.vectorise import ahead
from fastada.validation import canonical_rows
from fastada.workers import by_rows, in_order


def test_threads_keep_the_order_and_pass_errors_on():
    assert list(in_order(lambda i: i * i, ahead(range(100)), 3)) == [i * i for i in range(100)]

    def failing():
        yield 1
        raise ValueError("here")

    with pytest.raises(ValueError, match="here"):
        list(in_order(lambda i: i, ahead(failing()), 2))

    with pytest.raises(ZeroDivisionError):
        list(in_order(lambda i: 1 // i, ahead([1, 0, 1]), 2))


def test_no_more_is_taken_than_was_promised():
    taken = []

    def items():
        for i in range(50):
            taken.append(i)
            yield i

    for given, _ in enumerate(in_order(lambda i: i, items(), 2)):
        assert len(taken) <= given + 4


def test_threads_end_with_the_results_or_without():
    before = threading.active_count()
    results = in_order(lambda i: i, range(100), 3)
    assert next(results) == 0
    results.close()
    assert threading.active_count() == before


@pytest.mark.parametrize("sizes", [[3, 0, 0, 9, 1, 1, 0], [0, 0], [20], [1] * 50])
@pytest.mark.parametrize("n_threads", [1, 2, 5])
def test_ranges_of_rows_follow_each_other_and_share_the_entries(sizes, n_threads, monkeypatch):
    monkeypatch.setattr(fastada.workers, "FEWEST_ENTRIES", 1)
    indptr = np.concatenate([[0], np.cumsum(sizes)])
    ranges = by_rows(lambda begin, end: (begin, end), indptr, n_threads)
    assert ranges[0][0] == 0
    assert ranges[-1][1] == len(sizes)
    assert all(before[1] == after[0] for before, after in pairwise(ranges))
    assert len(ranges) == max(1, min(n_threads, sum(sizes)))
    most = sum(sizes) / len(ranges) + max(sizes)
    assert all(indptr[end] - indptr[begin] <= most for begin, end in ranges)


@pytest.mark.parametrize("bad", [np.nan, np.inf, None])
@pytest.mark.parametrize("place", [0, 700, 1999])
def test_threads_see_in_rows_what_one_sees(bad, place, monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 10)).astype(np.float32)
    X.ravel()[place] = bad if bad is not None else 100
    one = canonical_rows(X) if bad is None else None
    monkeypatch.setattr(fastada.workers, "FEWEST_ENTRIES", 100)
    if one is None:
        with pytest.raises(ValueError, match="NaN" if np.isnan(bad) else "infinity"):
            canonical_rows(X, n_threads=3)
        return
    rows = canonical_rows(X, n_threads=3)
    assert rows.largest_value == one.largest_value == 100
