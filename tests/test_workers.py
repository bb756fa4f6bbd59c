"""Results come in the order of the items, and errors come through."""

import threading

import pytest

from fastada.stream.vectorise import ahead
from fastada.workers import in_order


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
