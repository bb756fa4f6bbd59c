"""fastada.optim: the interface that all optimizers share."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal

from fastada.optim import SGD, AdaDelta, AdaGrad, Adam, Momentum, RMSProp

OPTIMIZERS = [
    AdaGrad(0.1),
    AdaGrad(0.1, l1=0.01, initial_accumulator=0.1),
    AdaGrad(0.1, l1=0.01, l2=0.1, initial_accumulator=0.1),
    SGD(0.1),
    Momentum(0.1),
    Momentum(0.1, nesterov=True),
    RMSProp(0.1),
    AdaDelta(),
    Adam(0.1),
]
SHAPES = {"weights": (3, 40), "bias": (40,)}


@pytest.fixture(params=OPTIMIZERS, ids=repr)
def optimizer(request):
    return pickle.loads(pickle.dumps(request.param))


def fresh(optimizer):
    return pickle.loads(pickle.dumps(optimizer))


def parameters(dtype=np.float64):
    rng = np.random.default_rng(0)
    return {name: rng.standard_normal(shape).astype(dtype) for name, shape in SHAPES.items()}


def gradients(seed, dtype=np.float64, index_dtype=np.int32, density=0.2):
    rng = np.random.default_rng(seed)
    grads = {}
    for name, shape in SHAPES.items():
        rows = (1, *shape)[-2:]
        values = rng.standard_normal(rows) * (rng.random(rows) < density)
        matrix = sp.csr_array(values.astype(dtype))
        matrix.indices = matrix.indices.astype(index_dtype)
        matrix.indptr = matrix.indptr.astype(index_dtype)
        grads[name] = matrix
    return grads


def dense(grads):
    return {name: g.toarray().reshape(SHAPES[name]) for name, g in grads.items()}


def assert_same(params, others, **tolerance):
    for name in params:
        assert_allclose(params[name], others[name], **tolerance)


def test_update_is_in_place_and_returns_the_params(optimizer):
    params = parameters()
    arrays = dict(params)
    before = {name: p.copy() for name, p in params.items()}
    assert optimizer.update(params, gradients(1)) is params
    for name in params:
        assert params[name] is arrays[name]
        assert not np.array_equal(params[name], before[name])


@pytest.mark.parametrize("index_dtype", [np.int32, np.int64])
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-12), (np.float32, 1e-4)])
def test_sparse_steps_equal_dense_steps(optimizer, dtype, rtol, index_dtype):
    other = fresh(optimizer)
    params, dense_params = parameters(dtype), parameters(dtype)
    for t in range(30):
        grads = gradients(t, dtype, index_dtype)
        optimizer.update(params, grads)
        other.update(dense_params, dense(grads))
    optimizer.flush(params)
    assert_same(params, dense_params, rtol=rtol, atol=rtol)


def test_float32_follows_float64(optimizer):
    other = fresh(optimizer)
    narrow, wide = parameters(np.float32), parameters(np.float64)
    for t in range(20):
        optimizer.update(narrow, gradients(t, np.float32))
        other.update(wide, gradients(t))
    assert_same(optimizer.flush(narrow), other.flush(wide), rtol=1e-4, atol=1e-5)


def test_index_types_give_the_same_bits(optimizer):
    other = fresh(optimizer)
    params, others = parameters(), parameters()
    for t in range(10):
        optimizer.update(params, gradients(t, index_dtype=np.int32))
        other.update(others, gradients(t, index_dtype=np.int64))
    assert_same(params, others, rtol=0)


def test_only_stored_entries_are_touched(optimizer):
    params = parameters()
    before = params["weights"].copy()
    gradient = gradients(1)["weights"]
    optimizer.update(params, {"weights": gradient})
    changed = params["weights"] != before
    assert_array_equal(changed, gradient.toarray() != 0)


def test_a_parameter_without_gradient_takes_no_step(optimizer):
    other = fresh(optimizer)
    params, others = parameters(), parameters()
    for t in range(6):
        grads = gradients(t)
        other.update(others, grads)
        for name in grads:
            optimizer.update(params, {name: grads[name]})
    assert_same(optimizer.flush(params), other.flush(others), rtol=0)


def test_flush_on_the_way_changes_nothing_but_rounding(optimizer):
    other = fresh(optimizer)
    params, others = parameters(), parameters()
    for t in range(30):
        optimizer.update(params, gradients(t))
        other.update(others, gradients(t))
        if t % 7 == 0:
            optimizer.flush(params)
            optimizer.flush(params)
    assert_same(optimizer.flush(params), other.flush(others), rtol=1e-12, atol=1e-14)


def test_flush_before_any_step_leaves_all_as_it_is(optimizer):
    assert_same(optimizer.flush(parameters()), parameters(), rtol=0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_state_dict_goes_on_bit_for_bit(optimizer, dtype):
    params = parameters(dtype)
    for t in range(12):
        optimizer.update(params, gradients(t, dtype))
    others = {name: p.copy() for name, p in params.items()}
    state = optimizer.state_dict()
    other = type(optimizer)(**state["hyperparameters"])
    other.load_state_dict(state)
    for t in range(12, 24):
        optimizer.update(params, gradients(t, dtype))
        other.update(others, gradients(t, dtype))
    assert_same(optimizer.flush(params), other.flush(others), rtol=0)


def test_state_dict_is_a_copy(optimizer):
    params, others = parameters(), parameters()
    other = fresh(optimizer)
    optimizer.update(params, gradients(0))
    other.update(others, gradients(0))
    state = optimizer.state_dict()
    reader = fresh(other)
    reader.load_state_dict(state)
    for entry in state["parameters"].values():
        for value in entry.values():
            if isinstance(value, np.ndarray):
                value[...] = 7
    for o in (optimizer, reader):
        again = {name: p.copy() for name, p in others.items()}
        o.update(again, gradients(1))
        expected = {name: p.copy() for name, p in others.items()}
        fresh(other).update(expected, gradients(1))
        assert_same(again, expected, rtol=0)


@pytest.mark.parametrize("kind", [sp.csr_array, sp.csr_matrix])
def test_kinds_of_sparse_gradient(optimizer, kind):
    other = fresh(optimizer)
    params, others = parameters(), parameters()
    grads = gradients(0)
    optimizer.update(params, {name: kind(g) for name, g in grads.items()})
    other.update(others, dense(grads))
    optimizer.flush(params)
    assert_same(params, others, rtol=1e-12)


def test_one_dimensional_csr(optimizer):
    other = fresh(optimizer)
    params, others = parameters(), parameters()
    row = gradients(0)["bias"]
    optimizer.update(params, {"bias": sp.csr_array(row.toarray()[0])})
    other.update(others, {"bias": row})
    assert_same(params, others, rtol=0)


@pytest.mark.parametrize("dtype", [np.int64, np.float16, np.float32, bool])
def test_gradients_of_other_types_are_converted(optimizer, dtype):
    other = fresh(optimizer)
    params, others = parameters(), parameters()
    matrix = (gradients(0)["weights"].toarray() * 10).astype(dtype)
    sparse = sp.csr_array(matrix.astype(np.float64))
    if dtype != np.float16:  # which SciPy does not know
        sparse = sparse.astype(dtype)
    optimizer.update(params, {"weights": sparse})
    other.update(others, {"weights": matrix})
    assert_same(optimizer.flush(params), others, rtol=1e-12)


def test_duplicate_and_unsorted_entries_are_summed_first(optimizer):
    other = fresh(optimizer)
    params, others = parameters(), parameters()
    parts = (np.array([1.0, 2.0, 4.0, 8.0]), np.array([7, 3, 7, 0]), np.array([0, 4]))
    gradient = sp.csr_array(parts, shape=(1, 40))
    optimizer.update(params, {"bias": gradient})
    expected = np.zeros(40)
    expected[[7, 3, 0]] = 5, 2, 8
    other.update(others, {"bias": expected})
    assert_same(optimizer.flush(params), others, rtol=1e-12)
    assert_array_equal(gradient.data, [1, 2, 4, 8])
    assert_array_equal(gradient.indices, [7, 3, 7, 0])


def test_explicit_zeros_empty_rows_and_no_entries(optimizer):
    other = fresh(optimizer)
    params, others = parameters(), parameters()
    parts = (np.array([0.0, 1.0]), np.array([3, 5]), np.array([0, 0, 2, 2]))
    gradient = sp.csr_array(parts, shape=(3, 40))
    for _ in range(2):
        optimizer.update(params, {"weights": gradient, "bias": sp.csr_array((1, 40))})
        other.update(others, {"weights": gradient.toarray(), "bias": np.zeros(40)})
    assert_same(optimizer.flush(params), others, rtol=1e-12)


def test_read_only_and_strided_gradients(optimizer):
    other = fresh(optimizer)
    params, others = parameters(), parameters()
    gradient = gradients(0)["weights"]
    for part in (gradient.data, gradient.indices, gradient.indptr):
        part.flags.writeable = False
    strided = np.asfortranarray(gradient.toarray())
    strided.flags.writeable = False
    optimizer.update(params, {"weights": gradient})
    other.update(others, {"weights": strided})
    assert_same(optimizer.flush(params), others, rtol=1e-12)


def test_a_gradient_may_be_a_view_of_its_parameter(optimizer):
    other = fresh(optimizer)
    memory = np.arange(1.0, 11.0)
    expected = {"w": memory[1:].copy()}
    other.update(expected, {"w": memory[:-1].copy()})
    optimizer.update({"w": memory[1:]}, {"w": memory[:-1]})
    assert_array_equal(memory[1:], expected["w"])


def test_empty_parameters(optimizer):
    params = {"a": np.zeros(0), "b": np.zeros((3, 0))}
    optimizer.update(params, {"a": np.zeros(0), "b": sp.csr_array((3, 0))})
    optimizer.flush(params)
    optimizer.load_state_dict(optimizer.state_dict())


def csr_with(**parts):
    """Three rows of which SciPy has not been allowed to look at `parts`."""
    matrix = sp.csr_array(np.eye(3, 40))
    for name, value in parts.items():
        setattr(matrix, name, np.asarray(value))
    return matrix


BAD_GRADIENTS = {
    "unknown name": ("nowhere", np.zeros(3), ValueError, "there is no parameter"),
    "shape": ("weights", np.zeros((40, 3)), ValueError, "has shape"),
    "sparse shape": ("weights", sp.csr_array((3, 41)), ValueError, "has shape"),
    "broadcast": ("weights", np.float64(1.0), ValueError, "has shape"),
    "nan": ("weights", np.full((3, 40), np.nan), ValueError, "NaN"),
    "infinity": ("weights", np.full((3, 40), -np.inf), ValueError, "infinity"),
    "sparse nan": ("weights", csr_with(data=[1.0, np.nan, 1.0]), ValueError, "NaN"),
    "sparse infinity": ("weights", csr_with(data=[1.0, np.inf, 1.0]), ValueError, "infinity"),
    "complex": ("weights", np.zeros((3, 40), complex), TypeError, "real numbers"),
    "sparse complex": ("weights", sp.csr_array((3, 40), dtype=complex), TypeError, "real"),
    "text": ("weights", np.full((3, 40), "1"), TypeError, "real numbers"),
    "none": ("weights", None, TypeError, "real numbers"),
    "csc": ("weights", sp.csc_array((3, 40)), TypeError, "tocsr"),
    "index out of range": ("weights", csr_with(indices=[0, 40, 2]), ValueError, "outside"),
    "negative index": ("weights", csr_with(indices=[0, -1, 2]), ValueError, "outside"),
    "indptr backwards": ("weights", csr_with(indptr=[0, 2, 1, 3]), ValueError, "indptr"),
    "indptr too far": ("weights", csr_with(indptr=[0, 1, 2, 4000]), ValueError, "indptr"),
    "indptr too short": ("weights", csr_with(indptr=[0, 1, 3]), ValueError, "indptr"),
    "indptr from 1": ("weights", csr_with(indptr=[1, 1, 2, 3]), ValueError, "indptr"),
    "sum overflows": (
        "weights",
        csr_with(data=[1e308, 1e308, 1.0], indices=[1, 1, 0], indptr=[0, 2, 3, 3]),
        ValueError,
        "infinity",
    ),
}


@pytest.mark.parametrize("case", BAD_GRADIENTS)
def test_bad_gradients_are_refused_before_anything_is_changed(case):
    name, gradient, error, message = BAD_GRADIENTS[case]
    optimizer, params = AdaGrad(), parameters()
    optimizer.update(params, gradients(0))
    before = {name: p.copy() for name, p in params.items()}
    state = pickle.dumps(optimizer.state_dict())
    with pytest.raises(error, match=message) as caught:
        optimizer.update(params, {"bias": np.ones(40), name: gradient})
    assert repr(name) in str(caught.value)
    assert_same(params, before, rtol=0)
    assert pickle.dumps(optimizer.state_dict()) == state


def test_values_too_large_for_float32_are_refused():
    for gradient in (np.full(40, 1e300), sp.csr_array(np.full((1, 40), 1e300))):
        with pytest.raises(ValueError, match="float32"):
            AdaGrad().update(parameters(np.float32), {"bias": gradient})


@pytest.mark.parametrize(("dtype", "large"), [(np.float32, 1e17), (np.float64, 1e152)])
def test_values_whose_squares_overflow_are_refused(dtype, large):
    for gradient in (np.full(40, -large), sp.csr_array(np.full((1, 40), -large))):
        with pytest.raises(ValueError, match="squares overflow"):
            AdaGrad().update(parameters(dtype), {"bias": gradient})


@pytest.mark.parametrize("size", [1e15, 1e-30])
def test_extreme_gradients_give_finite_steps_downhill(optimizer, size):
    for convert in (np.asarray, sp.csr_array):
        params = {"w": np.zeros((1, 3), np.float32)}
        one = fresh(optimizer)
        for _ in range(3):
            one.update(params, {"w": convert(np.array([[size, 0, -size]], np.float32))})
        one.flush(params)
        left, middle, right = params["w"][0]
        assert np.isfinite(params["w"]).all()
        assert left <= 0 == middle <= right == -left


def read_only(array):
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    ("parameter", "error", "message"),
    [
        ([0.0, 1.0], TypeError, "NumPy array"),
        (np.zeros(2, np.int64), TypeError, "float32 or float64"),
        (np.zeros(2, np.float16), TypeError, "float32 or float64"),
        (np.zeros(2, np.dtype(np.float64).newbyteorder()), TypeError, "float32 or float64"),
        (np.zeros(2, complex), TypeError, "float32 or float64"),
        (read_only(np.zeros(2)), ValueError, "read-only"),
        (np.zeros(4)[::2], ValueError, "contiguous"),
        (np.asfortranarray(np.zeros((2, 2))), ValueError, "contiguous"),
    ],
)
def test_bad_parameters_are_refused_before_anything_is_changed(parameter, error, message):
    optimizer = AdaGrad()
    good = np.zeros(2)
    with pytest.raises(error, match=message):
        optimizer.update(
            {"good": good, "w": parameter}, {"good": np.ones(2), "w": np.ones(np.shape(parameter))}
        )
    assert not good.any()
    assert optimizer.state_dict()["parameters"] == {}


@pytest.mark.parametrize("method", ["update", "flush"])
def test_a_parameter_may_not_change_its_shape_or_dtype(method):
    for changed in (np.zeros((40, 3)), np.zeros((3, 40), np.float32)):
        optimizer, params = AdaGrad(l1=0.1), parameters()
        optimizer.update(params, gradients(0))
        arguments = ({"weights": np.zeros(changed.shape)},) if method == "update" else ()
        with pytest.raises(ValueError, match="earlier steps"):
            getattr(optimizer, method)({"weights": changed}, *arguments)


@pytest.mark.parametrize("arguments", [([], {}), ({}, None), ({}, [("w", 1)])])
def test_params_and_grads_must_be_dicts(arguments):
    with pytest.raises(TypeError, match="must be a dict"):
        AdaGrad().update(*arguments)


@pytest.mark.parametrize(
    ("rule", "arguments", "error"),
    [
        (AdaGrad, {"learning_rate": 0.0}, ValueError),
        (AdaGrad, {"learning_rate": np.inf}, ValueError),
        (AdaGrad, {"learning_rate": np.nan}, ValueError),
        (AdaGrad, {"learning_rate": "fast"}, TypeError),
        (AdaGrad, {"epsilon": 0.0}, ValueError),
        (AdaGrad, {"epsilon": 1e-50}, ValueError),
        (AdaGrad, {"l1": -1.0}, ValueError),
        (AdaGrad, {"l2": np.nan}, ValueError),
        (AdaGrad, {"l2": 1e-40}, ValueError),
        (AdaGrad, {"initial_accumulator": -1.0}, ValueError),
        (SGD, {"learning_rate": -0.1}, ValueError),
        (Momentum, {"learning_rate": 0.1, "momentum": 1.0}, ValueError),
        (Momentum, {"learning_rate": 0.1, "nesterov": "yes"}, TypeError),
        (RMSProp, {"learning_rate": 0.1, "rho": -0.1}, ValueError),
        (AdaDelta, {"rho": 1.0}, ValueError),
        (Adam, {"learning_rate": 0.1, "beta_1": 1.0}, ValueError),
        (Adam, {"learning_rate": 0.1, "beta_2": 0.5}, ValueError),
    ],
)
def test_hyperparameters_out_of_range(rule, arguments, error):
    with pytest.raises(error, match=list(arguments)[-1]):
        rule(**arguments)


def test_hyperparameters_are_fixed():
    with pytest.raises(AttributeError):
        AdaGrad().learning_rate = 1.0


def broken_states():
    optimizer, params = AdaGrad(l1=0.1), parameters()
    for t in range(3):
        optimizer.update(params, gradients(t))
    good = pickle.dumps(optimizer.state_dict())

    def broken(change):
        state = pickle.loads(good)
        change(state, state["parameters"]["bias"])
        return state

    yield broken(lambda s, b: s.pop("hyperparameters")), "keys"
    yield broken(lambda s, b: b.pop("step")), "keys"
    yield broken(lambda s, b: b.update(more=1)), "keys"
    yield broken(lambda s, b: b.update(step=-1)), "step"
    yield broken(lambda s, b: b.update(step=1)), "last_step"
    yield broken(lambda s, b: b["last_step"].fill(-1)), "last_step"
    yield broken(lambda s, b: b.update(last_step=np.zeros(3, int))), "last_step"
    yield broken(lambda s, b: b["sum_of_squares"].fill(-1)), "sum_of_squares"
    yield broken(lambda s, b: b["sum_of_squares"].fill(np.nan)), "sum_of_squares"
    yield broken(lambda s, b: b.update(sum_of_squares=np.zeros(40, int))), "dtype"
    yield broken(lambda s, b: s["hyperparameters"].update(epsilon=0.1)), "epsilon"
    yield broken(lambda s, b: s["hyperparameters"].update(learning_rate=0.1)), "flush"


@pytest.mark.parametrize(("state", "message"), list(broken_states()))
def test_broken_states_are_refused_before_anything_is_changed(state, message):
    optimizer, params = AdaGrad(l1=0.1), parameters()
    optimizer.update(params, gradients(9))
    before = pickle.dumps(optimizer.state_dict())
    with pytest.raises(ValueError, match=message):
        optimizer.load_state_dict(state)
    assert pickle.dumps(optimizer.state_dict()) == before


def test_a_flushed_state_may_go_on_at_another_rate():
    first, second = AdaGrad(0.1, l1=0.1), AdaGrad(0.05, l1=0.1)
    params = parameters()
    first.update(params, gradients(0))
    first.flush(params)
    second.load_state_dict(first.state_dict())
    second.update(params, gradients(1))
    assert second.state_dict()["parameters"]["bias"]["step"] == 2
