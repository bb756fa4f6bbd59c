"""Data as it comes: right, or refused with a clear error before anything is changed."""

import os
import sys

import numpy as np
import pytest
import scipy.sparse as sp

from fastada import AdaGradClassifier, AdaGradRegressor, _csr, _scoring, _single
from fastada.scale import Scale
from fastada.settings import make_settings

X = sp.csr_array(np.array([[1.0, 0, 2, 0], [0, 1, 0, 0], [0, 0, 0, 0], [3, 0, 0, 1]]))
Y = np.array([0, 1, 0, 1])
FIXED = dict(learning_rate=0.5, initial_accumulator=0.1, shuffle=False)


def broken(**parts):
    """X with some of its arrays replaced behind SciPy's back."""
    copy = X.copy()
    for name, array in parts.items():
        setattr(copy, name, np.asarray(array, dtype=getattr(copy, name).dtype))
    return copy


HOSTILE = {
    "column indices outside 0..3": broken(indices=[0, 4, 1, 0, 3]),
    "3 column indices outside": broken(indices=[0, -1, 99, 0, -2147483648]),
    "indptr of row 1": broken(indptr=[0, 3, 2, 3, 5]),
    "indptr of row 3": broken(indptr=[0, 2, 3, 3, 2**30]),
    "indptr of row 0": broken(indptr=[1, 2, 3, 3, 5]),
    "for 4 rows, indptr has 3": broken(indptr=[0, 2, 5]),
    "indices 4 and data 5": broken(indices=[0, 2, 1, 0]),
    "NaN": broken(data=[1, np.nan, 1, 3, 1]),
    "infinity": broken(data=[1, 2, 1, -np.inf, 1]),
}


@pytest.mark.parametrize("message", HOSTILE)
@pytest.mark.parametrize("method", ["fit", "partial_fit", "predict", "decision_function"])
def test_hostile_matrix_is_refused(message, method):
    model = AdaGradClassifier(**FIXED).fit(X, Y)
    before, n_steps = model.coef_.copy(), model.t_
    arguments = (Y,) if "fit" in method else ()
    with pytest.raises(ValueError, match=message):
        getattr(model, method)(HOSTILE[message], *arguments)
    np.testing.assert_array_equal(model.coef_, before)
    assert model.t_ == n_steps
    assert model.n_features_in_ == 4


def converted(form, dtype, **parts):
    """X in another format or type, which SciPy has to convert, with some arrays replaced."""
    matrix = sp.csr_matrix(X.astype(dtype)).asformat(form)
    for name, array in parts.items():
        setattr(matrix, name, np.asarray(array, dtype=getattr(matrix, name).dtype))
    return matrix


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (converted("csr", np.int8, indptr=[0, 100, -5, 2, 5]), "a CSR matrix: indptr of row 0"),
        (converted("csr", np.int8, indices=[0, 4, 1, 0, 3]), "CSR .* numbers from 0 to 3"),
        (converted("csc", float, indptr=[0, 1, 2, 3, 2**30]), "CSC matrix: indptr of column 3"),
        (converted("csc", float, indices=[0, -1, 0, 1, 2]), "CSC .* numbers from 0 to 3"),
        (converted("bsr", float, indptr=[0, 2**20, 2, 3, 4]), "a BSR matrix: indptr of row 0"),
        (converted("coo", float, row=[0, 0, 1, 3, 2**30]), "COO .* numbers from 0 to 3"),
        (converted("coo", float, col=[0, -1, 1, 3]), "COO .* as many as there are values"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.format,
)
@pytest.mark.parametrize("method", ["fit", "predict"])
def test_what_scipy_would_convert_is_looked_at_before(matrix, message, method):
    model = AdaGradClassifier(**FIXED).fit(X, Y)
    with pytest.raises(ValueError, match=message):
        getattr(model, method)(matrix, *((Y,) if method == "fit" else ()))


@pytest.mark.parametrize(
    "matrix",
    [
        *(converted(form, np.int8) for form in ("csr", "csc", "coo", "bsr", "lil", "dok", "dia")),
        sp.csr_array(X),
        X.toarray(),
    ],
    ids=lambda matrix: f"{type(matrix).__name__}-{matrix.dtype}",
)
def test_sound_matrices_of_every_format_give_the_same(matrix):
    expected = AdaGradClassifier(**FIXED).fit(X, Y)
    model = AdaGradClassifier(**FIXED).fit(matrix, Y)
    np.testing.assert_array_equal(model.coef_, expected.coef_)
    np.testing.assert_array_equal(model.predict(matrix), expected.predict(X))


@pytest.mark.parametrize("index_type", [np.int32, np.int64])
def test_duplicates_are_summed_and_unsorted_indices_sorted(index_type):
    indices = np.array([2, 0, 2, 1, 3, 0], dtype=index_type)
    indptr = np.array([0, 3, 4, 4, 6], dtype=index_type)
    data = np.array([0.5, 1.0, 1.5, 1.0, 1.0, 3.0])
    messy = sp.csr_array((data, indices, indptr), shape=(4, 4))
    # SciPy believes what it is told.
    messy.has_sorted_indices = messy.has_canonical_format = True
    model = AdaGradClassifier(**FIXED).fit(messy, Y)
    np.testing.assert_array_equal(model.coef_, AdaGradClassifier(**FIXED).fit(X, Y).coef_)
    np.testing.assert_array_equal(messy.data, [0.5, 1.0, 1.5, 1.0, 1.0, 3.0])
    np.testing.assert_array_equal(model.decision_function(messy), model.decision_function(X))


def test_explicit_zeros_empty_rows_and_empty_columns():
    padded = sp.csr_array(
        ([1.0, 0.0, 2.0, 1.0, 3.0, 0.0, 1.0], [0, 1, 2, 1, 0, 2, 3], [0, 3, 4, 4, 7]), shape=(4, 6)
    )
    assert padded.nnz == 7
    model = AdaGradClassifier(alpha=1e-2, **FIXED).fit(padded, Y)
    plain = AdaGradClassifier(alpha=1e-2, **FIXED).fit(X, Y)
    # The sums of a row are grouped by its stored entries: equal but for the last bit.
    np.testing.assert_allclose(model.coef_[:, :4], plain.coef_, rtol=1e-14)
    np.testing.assert_array_equal(model.coef_[:, 4:], 0)
    only_intercept = AdaGradClassifier().fit(sp.csr_array((4, 3)), Y)
    np.testing.assert_array_equal(only_intercept.coef_, 0)
    assert np.isfinite(only_intercept.intercept_).all()


def test_one_row_one_class_no_rows():
    with pytest.raises(ValueError, match="number of classes has to be greater than one"):
        AdaGradClassifier().fit(X[:1], Y[:1])
    model = AdaGradClassifier().partial_fit(X[:1], Y[:1], classes=[0, 1])
    assert model.predict(X[:1]) == [0]
    assert AdaGradRegressor().fit(X[:1], [3.0]).predict(X[:1]).shape == (1,)
    with pytest.raises(ValueError, match="0 sample"):
        AdaGradClassifier().fit(X[:0], Y[:0])


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ([1, 1, 1], "shape"),
        ([1, -1, 1, 1], "not negative"),
        ([1, np.nan, 1, 1], "finite"),
        ([[1, 1, 1, 1]], "1D"),
        ([0, 0, 0, 0], "zero"),
        (-1.0, "not negative"),
        (np.nan, "finite"),
        ([1j, 1, 1, 1], "must be numbers"),
    ],
)
def test_bad_sample_weights(weight, message):
    for estimator in (AdaGradClassifier(), AdaGradRegressor()):
        with pytest.raises(ValueError, match=message):
            estimator.fit(X, Y, sample_weight=weight)


def test_labels_of_several_kinds():
    with pytest.raises(ValueError, match="labels of one kind; got strings, and None"):
        AdaGradClassifier().fit(X, ["a", None, "b", "a"])


def test_modified_huber_is_not_calibrated():
    with pytest.raises(ValueError, match="'modified_huber' has probabilities without calibrate"):
        AdaGradClassifier(loss="modified_huber", calibrate=True).fit(X, Y)


@pytest.mark.parametrize("y", [[0, 1, 0], [0, 1, np.nan, 1], [0.5, 0.1, 0.3, 0.7], None])
def test_bad_labels(y):
    model = AdaGradClassifier(**FIXED).fit(X, Y)
    with pytest.raises(ValueError, match="y"):
        model.fit(X[:, :2], y)
    assert model.n_features_in_ == 4
    assert model.score(X, Y) == 1.0


@pytest.mark.parametrize("estimator", [AdaGradClassifier, AdaGradRegressor])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("loss", "log"),
        ("update", "adagrad"),
        ("learning_rate", 0),
        ("learning_rate", np.nan),
        ("learning_rate", "optimal"),
        ("epsilon", -1e-7),
        ("initial_accumulator", -1),
        ("beta", 0),
        ("alpha", -1),
        ("alpha", np.inf),
        ("l1_ratio", 1.5),
        ("batch_size", 0),
        ("batch_size", 1.5),
        ("max_iter", True),
        ("n_iter_no_change", 0),
        ("validation_fraction", 1.0),
        ("tol", -1),
        ("dtype", np.float16),
    ],
)
def test_bad_parameters_are_named(estimator, name, value):
    with pytest.raises((ValueError, TypeError), match=f"^{name} must be"):
        estimator(**{name: value}).fit(X, Y)


@pytest.mark.parametrize("weights", [{0: -1, 1: 1}, {0: np.nan, 1: 1}])
def test_bad_class_weights(weights):
    with pytest.raises(ValueError, match="class_weight must be finite and not negative"):
        AdaGradClassifier(class_weight=weights).fit(X, Y)


@pytest.mark.parametrize("coding", [lambda y: 2 * y - 1, lambda y: y + 1, lambda y: 256 * y])
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_indicator_matrices_hold_zeros_and_ones(coding, container):
    labels = np.array([[1, 0], [0, 1], [1, 1], [0, 0]])
    with pytest.raises((ValueError, TypeError), match=r"must hold 0 and 1 only|Sparse data"):
        AdaGradClassifier().fit(X, container(coding(labels)))
    assert AdaGradClassifier().fit(X, container(labels)).predict(X).shape == (4, 2)


def test_labels_that_do_not_go_with_the_rest():
    labels = np.array([[1, 0, 0], [0, 1, 1], [1, 1, 0], [0, 0, 1]])
    several = AdaGradClassifier(**FIXED).fit(X, labels)
    one = AdaGradClassifier(class_weight="balanced", warm_start=True, **FIXED).fit(X, Y)
    for fit, y, message in (
        (AdaGradClassifier(multi_class="multinomial").fit, labels, "needs multi_class='ovr'"),
        (AdaGradClassifier(class_weight={0: 2.0}).fit, labels, "needs one label a row"),
        (several.partial_fit, labels[:, :2], "y has 2 labels, expected 3"),
        (several.partial_fit, Y, "y must be an indicator matrix, as it was before"),
        (one.partial_fit, Y, "class_weight='balanced' needs all of y"),
        (one.fit, labels, "y must be one label a row, as it was before"),
        (one.fit, np.zeros(4), "class_weight='balanced', but y has no 1"),
    ):
        with pytest.raises(ValueError, match=message):
            fit(X, y)


def test_a_refused_fit_leaves_the_fitted_model_as_it_was(text_like):
    X, y = text_like
    model = AdaGradClassifier(random_state=0).fit(X, y)
    before = {name: np.copy(getattr(model, name)) for name in ("coef_", "classes_", "t_")}
    small = X[:4]
    refused = [
        (dict(early_stopping=True), small, list("pqrs")),
        (dict(dtype=np.float32), small[:, :5] * 1e30, list("ppqq")),
        (dict(random_state="abc"), small, list("pqpq")),
        (dict(random_state=1.5), small, list("pqpq")),
        (dict(random_state=-1), small, list("pqpq")),
        (dict(shuffle="no"), small, list("pqpq")),
        (dict(alpha=1e39), small, list("pqpq")),
    ]
    for parameters, data, labels in refused:
        model.set_params(**parameters)
        with pytest.raises((ValueError, TypeError)):
            model.fit(data, labels)
        for name, value in before.items():
            np.testing.assert_array_equal(getattr(model, name), value)
        model.predict(X)
        model.set_params(**AdaGradClassifier(random_state=0).get_params())


def test_a_model_goes_on_in_its_own_dtype(text_like):
    X, y = text_like
    common = dict(learning_rate=0.5, initial_accumulator=0.1)
    for first, second in ((np.float32, np.float64), (np.float64, np.float32)):
        model = AdaGradClassifier(**common).partial_fit(X.astype(first), y, classes=np.unique(y))
        model.partial_fit(X.astype(second), y)
        assert model.coef_.dtype == first
    model = AdaGradClassifier(max_iter=2).fit(X.astype(np.float32), y, X_val=X, y_val=y)
    assert len(model.validation_loss_curve_) == 2


def test_half_a_validation_set_or_one_of_another_kind_is_refused(text_like):
    X, y = text_like
    one_hot = (y[:, None] == np.unique(y)).astype(int)
    for arguments in (
        dict(y_val=y),
        dict(sample_weight_val=np.ones(len(y))),
        dict(X_val=X),
        dict(X_val=X, y_val=one_hot),
    ):
        with pytest.raises(ValueError, match=r"_val needs? |y_val must be"):
            AdaGradClassifier().fit(X, y, **arguments)
    for arguments, message in (
        (dict(X_val=X, y_val=np.arange(len(y)) % 3), "y_val must be"),
        (dict(X_val=X, y_val=one_hot, sample_weight_val=np.zeros(len(y))), "is zero"),
        (dict(X_val=X[:, :5], y_val=one_hot), "X_val has 5 features, but X has 200"),
    ):
        with pytest.raises(ValueError, match=message):
            AdaGradClassifier().fit(X, one_hot, **arguments)


def test_bad_parameters_of_one_estimator():
    with pytest.raises(ValueError, match="multi_class must be"):
        AdaGradClassifier(multi_class="crammer").fit(X, Y)
    with pytest.raises(ValueError, match="multinomial' needs loss='log_loss'"):
        AdaGradClassifier(multi_class="multinomial", loss="hinge").fit(X, Y)
    with pytest.raises(ValueError, match="huber_delta must be"):
        AdaGradRegressor(huber_delta=0).fit(X, Y)


@pytest.mark.parametrize("size", [1e30, 1e-30, 1e-320])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("learning_rate", ["auto", 0.1])
@pytest.mark.parametrize("estimator", [AdaGradClassifier, AdaGradRegressor])
def test_extreme_values_are_learned_or_refused(size, dtype, learning_rate, estimator):
    model = estimator(learning_rate=learning_rate, dtype=dtype, shuffle=False)
    data = X * size
    if size * 3 == 0 or not np.any(data.data.astype(dtype)):
        return
    try:
        model.fit(data, Y)
    except (ValueError, FloatingPointError) as error:
        assert "scale X" in str(error)  # noqa: PT017
        return
    assert np.isfinite(model.coef_).all()
    assert np.isfinite(model.sum_sq_grad_).all()
    assert np.isfinite(model.predict(data)).all()


def test_auto_learns_data_of_any_scale_that_float64_holds():
    for size in (1e-100, 1e-30, 1e30, 1e100):
        assert AdaGradClassifier(epsilon=1e-300).fit(X * size, Y).score(X * size, Y) == 1.0


@pytest.mark.parametrize("batch_size", [1, 2])
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_divergence_stops_with_epoch_and_rate(batch_size, n_outputs):
    rng = np.random.default_rng(0)
    data = rng.normal(size=(100, 5)) * 1e20
    if n_outputs == 1:
        model = AdaGradRegressor(learning_rate=1e140, max_iter=50, batch_size=batch_size)
        y = rng.normal(size=100)
    else:
        model = AdaGradClassifier(
            loss="squared_hinge", learning_rate=1e140, max_iter=50, batch_size=batch_size
        )
        y = rng.integers(3, size=100)
    with pytest.raises(FloatingPointError, match=r"epoch \d+ with learning_rate=1e\+140"):
        model.fit(data, y)
    assert np.isfinite(model.coef_).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("index_type", [np.int32, np.int64])
def test_read_only_and_memory_mapped_arrays_are_taken_without_a_copy(tmp_path, dtype, index_type):
    rng = np.random.default_rng(0)
    plain = sp.random_array((200, 30), density=0.2, rng=rng, format="csr", dtype=dtype)
    y = rng.integers(2, size=200)
    mapped = []
    for name, array in (
        ("data", plain.data),
        ("indices", plain.indices.astype(index_type)),
        ("indptr", plain.indptr.astype(index_type)),
    ):
        np.save(tmp_path / f"{name}.npy", array)
        mapped.append(np.load(tmp_path / f"{name}.npy", mmap_mode="r"))
    matrix = sp.csr_array((200, 30), dtype=dtype)
    matrix.data, matrix.indices, matrix.indptr = mapped
    a = AdaGradClassifier(random_state=0).fit(matrix, y)
    b = AdaGradClassifier(random_state=0).fit(plain, y)
    np.testing.assert_array_equal(a.coef_, b.coef_)
    from fastada.validation import canonical_rows

    rows = canonical_rows(matrix)
    assert np.shares_memory(rows.data, mapped[0])
    assert np.shares_memory(rows.indices, mapped[1])


def test_a_state_larger_than_memory_is_refused_before_it_is_allocated():
    columns = 2**45
    huge = sp.csr_array(
        (np.ones(2), np.array([5, columns - 1]), np.array([0, 1, 2])), shape=(2, columns)
    )
    with pytest.raises(MemoryError, match=r"needs [\d,]+ bytes; this machine has"):
        AdaGradClassifier().fit(huge, [0, 1])


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere zeros may take memory")
def test_columns_beyond_two_to_the_31_are_trained_where_they_occur():
    columns = 2**31 + 1000
    if os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") < 10 * columns:
        pytest.skip("a state of 17 GB is refused here")
    near = sp.random_array((100, 20), density=0.3, rng=0, format="csr", dtype=np.float32)
    far = near.indices.astype(np.int64) + (columns - 20)
    X = sp.csr_array((near.data, far, near.indptr), shape=(100, columns))
    y = np.arange(100) % 2
    fixed = {"learning_rate": 0.5, "initial_accumulator": 0.0}
    model, expected = (AdaGradClassifier(**fixed).partial_fit(Z, y, [0, 1]) for Z in (X, near))
    np.testing.assert_array_equal(model._state.records[-20:], expected._state.records)
    assert model.t_ == 100


def test_weights_that_do_not_fit_beside_the_state_are_refused():
    model = AdaGradClassifier(learning_rate=0.5, initial_accumulator=0.0)
    model.partial_fit(np.ones((2, 1), np.float32), [0, 1], classes=[0, 1])
    model._state.records = np.broadcast_to(model._state.records, (2**45, 2))
    with pytest.raises(MemoryError, match=r"with a copy of the weights needs [\d,]+ bytes"):
        model.coef_  # noqa: B018


def test_entries_beyond_two_to_the_31(tmp_path):
    """A row whose entries lie past the 2^31st, in files that are holes but for their last page."""
    n_entries = 2**31 + 10
    arrays = {}
    for name, dtype in (("data", np.float32), ("indices", np.int32)):
        path = tmp_path / name
        try:
            with open(path, "wb") as file:
                os.truncate(file.fileno(), n_entries * np.dtype(dtype).itemsize)
            arrays[name] = np.memmap(path, dtype=dtype, mode="r+")
        except OSError:
            pytest.skip("no file system with sparse files of 8 GB here")
    arrays["data"][-3:] = 1, 2, 3
    arrays["indices"][-3:] = 0, 2, 4
    indptr = np.array([0, n_entries - 3, n_entries])
    last = np.array([1])
    settings = make_settings(
        Scale(1.0, 0.0, 1.0, 0.0),
        np.dtype(np.float32),
        3.0,
        loss="squared_error",
        epsilon=1e-30,
        fit_intercept=False,
    )
    state = np.zeros((5, 2), dtype=np.float32)
    intercept = np.zeros((1, 2))
    _single.learn(
        state, intercept, np.zeros(2, dtype=np.int64), settings, indptr, arrays["indices"],
        arrays["data"], np.array([0.0, -1.0]), np.ones(2), last,
    )  # fmt: skip
    np.testing.assert_allclose(state[:, 1], [1, 0, 4, 0, 9])
    np.testing.assert_allclose(state[:, 0], [-1, 0, -1, 0, -1])
    margin = np.empty((1, 1), dtype=np.float32)
    _scoring.margins(
        state[:, :1].copy(), np.zeros(1), indptr, arrays["indices"], arrays["data"], last, margin
    )
    assert margin == -6
    assert _csr.first_bad_row(indptr, n_entries) == -1
    assert _csr.first_bad_row(indptr, n_entries - 1) == 1


def test_arrays_at_any_address(text_like):
    """As they come out of a message from another process."""

    def moved(array):
        array = np.ascontiguousarray(array)
        copy = np.frombuffer(b"  " + array.tobytes(), array.dtype, array.size, 2)
        assert not copy.flags.aligned
        return copy.reshape(array.shape)

    X, y = text_like
    expected = AdaGradClassifier(random_state=0).fit(X, y, np.ones(len(y)))
    X_moved = sp.csr_array(X.shape)
    X_moved.data, X_moved.indices, X_moved.indptr = map(moved, (X.data, X.indices, X.indptr))
    model = AdaGradClassifier(random_state=0).fit(X_moved, y, moved(np.ones(len(y))))
    np.testing.assert_array_equal(model.coef_, expected.coef_)
    np.testing.assert_array_equal(model.predict(X_moved), expected.predict(X))


@pytest.mark.parametrize("index_dtype", [np.int32, np.int64])
def test_columns_that_rows_have_are_marked(index_dtype):
    X = sp.random_array((40, 100), density=0.05, rng=np.random.default_rng(0), format="csr")
    rows = np.array([30, 2, 39, 2])
    occurs = np.zeros(100, np.uint8)
    _csr.mark_columns(X.indptr.astype(np.int64), X.indices.astype(index_dtype), rows, occurs)
    np.testing.assert_array_equal(occurs, X.toarray()[rows].any(axis=0))
