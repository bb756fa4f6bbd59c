"""fastada.optim: every rule against its recurrence stepped through every zero gradient."""

from dataclasses import asdict

import numpy as np
import optim_reference as reference
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from fastada.optim import SGD, AdaDelta, AdaGrad, Adam, Momentum, RMSProp

TOLERANCE = {np.float64: {"rtol": 1e-12, "atol": 1e-14}, np.float32: {"rtol": 2e-5, "atol": 2e-6}}

rate = st.floats(1e-3, 1)
small = st.floats(1e-6, 1e-1)
RULES = {
    AdaGrad: {
        "learning_rate": rate,
        "l1": st.one_of(st.just(0.0), small),
        "l2": st.one_of(st.just(0.0), small, st.floats(1, 100)),
        "initial_accumulator": st.floats(1e-3, 1),
    },
    SGD: {"learning_rate": rate},
    Momentum: {
        "learning_rate": rate,
        "momentum": st.one_of(st.just(0.0), st.floats(0.1, 0.999)),
        "nesterov": st.booleans(),
    },
    RMSProp: {"learning_rate": rate, "rho": st.floats(0, 0.999)},
    AdaDelta: {"rho": st.floats(0, 0.999)},
    Adam: {
        "learning_rate": rate,
        "beta_1": st.one_of(st.just(0.0), st.just(0.9), st.floats(0.01, 0.94)),
        "beta_2": st.one_of(st.just(0.999), st.floats(0.9, 0.9999)),
        "epsilon": st.sampled_from([1e-12, 1e-8, 1e-3, 0.1]),
    },
}


def expected(optimizer, start, history, n_steps):
    """Weights after n_steps; history has (step, places, gradients)."""
    recurrence = reference.recurrence_of(optimizer)
    result = []
    for j, w in enumerate(start):
        gradients = np.zeros(n_steps)
        for step, places, values in history:
            if j in places:
                gradients[step - 1] = values[list(places).index(j)]
        steps = recurrence(float(w), **asdict(optimizer))
        result.append(float(reference.after(steps, gradients.tolist())))
    return np.array(result)


def skip(optimizer, n_steps):
    """Let n_steps pass without gradient, as updates with an empty CSR gradient would."""
    state = optimizer.state_dict()
    for entry in state["parameters"].values():
        entry["step"] += n_steps
    optimizer.load_state_dict(state)


def play(optimizer, start, moves, dtype):
    """Take moves (gap, places, gradients); give the flushed weights and what the formulas say."""
    params = {"w": start.astype(dtype)}
    history, n_steps = [], 0
    optimizer.update(params, {"w": sp.csr_array((1, len(start)))})
    n_steps += 1
    for gap, places, values in moves:
        skip(optimizer, gap)
        n_steps += gap + 1
        places = sorted(places)
        values = np.asarray(values, dtype)[: len(places)]
        row = sp.csr_array((values, places, [0, len(places)]), shape=(1, len(start)))
        optimizer.update(params, {"w": row})
        history.append((n_steps, places, values))
    optimizer.flush(params)
    return params["w"], expected(optimizer, start.astype(dtype), history, n_steps)


N_WEIGHTS = 4
gradient = st.floats(1e-4, 10).flatmap(lambda g: st.sampled_from([g, -g]))
moves = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 5), st.integers(0, 300)),
        st.sets(st.integers(0, N_WEIGHTS - 1)),
        st.lists(gradient, min_size=N_WEIGHTS, max_size=N_WEIGHTS),
    ),
    min_size=1,
    max_size=6,
)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@settings(max_examples=60)
@given(data=st.data())
def test_equals_the_recurrence(rule, dtype, data):
    optimizer = rule(**data.draw(st.fixed_dictionaries(RULES[rule])))
    start = np.array(data.draw(st.lists(gradient, min_size=N_WEIGHTS, max_size=N_WEIGHTS)))
    result, by_formula = play(optimizer, start, data.draw(moves), dtype)
    assert_allclose(result, by_formula, **TOLERANCE[dtype])


LONG = [
    AdaGrad(0.5, initial_accumulator=0.1),
    AdaGrad(0.5, l1=1e-7, initial_accumulator=0.1),
    AdaGrad(0.5, l2=1e-6, initial_accumulator=0.1),
    AdaGrad(0.5, l1=1e-8, l2=1e-7, initial_accumulator=0.1),
    SGD(0.1),
    Momentum(0.1),
    Momentum(0.1, momentum=0.99999, nesterov=True),
    RMSProp(0.1),
    RMSProp(0.1, rho=0.99999),
    AdaDelta(),
    AdaDelta(rho=0.99999),
    Adam(0.01),
    Adam(0.01, epsilon=0.1),
    Adam(0.01, beta_1=0.99, beta_2=0.99999),
]


@pytest.mark.parametrize("optimizer", LONG, ids=repr)
def test_gaps_of_a_million_steps(optimizer):
    rng = np.random.default_rng(5)
    start = rng.standard_normal(3)
    moves = [
        (gap, places, rng.standard_normal(3))
        for gap, places in [(3, {0, 1}), (41, {1, 2}), (900, {0, 2}), (30_000, {1}), (10**6, {0})]
    ]
    result, by_formula = play(optimizer, start, moves, np.float64)
    assert_allclose(result, by_formula, rtol=1e-12, atol=0)


def test_skipping_equals_updates_without_entries():
    def first(optimizer):
        params = {"w": np.ones(3)}
        optimizer.update(params, {"w": sp.csr_array([[0.0, 1.0, 2.0]])})
        return params

    by_updates, by_state = AdaGrad(l1=0.1, l2=0.1), AdaGrad(l1=0.1, l2=0.1)
    a, b = first(by_updates), first(by_state)
    for _ in range(7):
        by_updates.update(a, {"w": sp.csr_array((1, 3))})
    skip(by_state, 7)
    assert by_updates.flush(a)["w"].tolist() == by_state.flush(b)["w"].tolist()


@pytest.mark.parametrize(("first", "gap"), [(0, 1), (0, 30), (3, 1000), (60, 7), (5000, 200)])
def test_adam_coasts_exactly_however_small_the_gradient(first, gap):
    # From far above epsilon, where one formula is in reach, to far below it.
    size = np.logspace(-11, 1, 97)
    optimizer = Adam(1.0)
    params = {"w": np.zeros(len(size))}
    optimizer.update(params, {"w": sp.csr_array((1, len(size)))})
    skip(optimizer, first)
    optimizer.update(params, {"w": size})
    skip(optimizer, gap)
    optimizer.flush(params)
    by_formula = [
        reference.after(reference.adam(0.0, 1.0), [0.0] * (1 + first) + [g] + [0.0] * gap)
        for g in size.tolist()
    ]
    assert_allclose(params["w"], by_formula, rtol=1e-12)


@pytest.mark.parametrize("optimizer", LONG, ids=repr)
def test_flush_of_some_places_brings_those_current_and_no_others(optimizer):
    def after_a_gap():
        fresh = type(optimizer)(**asdict(optimizer))
        params = {"w": np.linspace(-1, 1, 6).reshape(2, 3), "other": np.ones(2)}
        fresh.update(params, {"w": np.ones((2, 3)), "other": np.ones(2)})
        for _ in range(9):
            fresh.update(params, {"w": sp.csr_array((2, 3)), "other": sp.csr_array((1, 2))})
        return fresh, params

    whole, flushed = after_a_gap()
    whole.flush(flushed)
    some, params = after_a_gap()
    left = {name: p.copy() for name, p in params.items()}
    assert some.flush(params, {"w": [4, 1, 1]}) is params
    assert params["w"].flat[[1, 4]].tolist() == flushed["w"].flat[[1, 4]].tolist()
    assert params["w"].flat[[0, 2, 3, 5]].tolist() == left["w"].flat[[0, 2, 3, 5]].tolist()
    assert params["other"].tolist() == left["other"].tolist()
    some.flush(params, {"w": []})
    some.flush(params)
    assert params["w"].tolist() == flushed["w"].tolist()
    assert params["other"].tolist() == flushed["other"].tolist()


@pytest.mark.parametrize(
    ("places", "error", "message"),
    [
        ({"w": [0, 3]}, ValueError, "between 0 and 2"),
        ({"w": [-1]}, ValueError, "between 0 and 2"),
        ({"w": [0.5]}, TypeError, "whole numbers"),
        ({"v": [0]}, ValueError, "there is no parameter 'v'"),
        ([0], TypeError, "places must be a dict"),
    ],
)
def test_flush_of_places_that_are_none(places, error, message):
    optimizer = Momentum(0.1)
    params = {"w": np.ones(3)}
    optimizer.update(params, {"w": np.ones(3)})
    optimizer.update(params, {"w": sp.csr_array((1, 3))})
    with pytest.raises(error, match=message):
        optimizer.flush(params, places)
    assert params["w"].tolist() == [0.9, 0.9, 0.9]
