"""The linear part of a model: weights, what training remembers, and the settings of both.

For training the records of src/records.pxd are stored as the kernel has them, one array: they are
read straight to where they are trained, no bit is worked out anew, and accumulators, time stamps
and pulls are columns of that array. For serving there are weights alone, as of the last step.
"""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from fastada.frozen import CANNOT_GO_ON, FrozenState
from fastada.memory import aligned_zeros
from fastada.persistence.container import ModelFile, ModelFileError
from fastada.persistence.values import number, truth
from fastada.scale import Scale
from fastada.settings import LARGEST_GRADIENT, LOSSES, UPDATES, Settings, is_stamped
from fastada.state import State, exact_steps

TRAINING, SERVING = "training", "serving"
# Of those that a file names one by one; it may have more where it has all of them.
LARGEST_COLUMN = 2**31 - 1
# Settings that hold for a round of replicas, and what they are otherwise.
OF_A_ROUND = {"pace": 1.0, "gain": 1.0}
# A small file may claim any number of columns. More memory than this is taken for columns that it
# leaves out only where it has a share of them.
FREE_GROWTH, LARGEST_GROWTH = 1 << 28, 1024
FLOATS = "F32 F64"


class Linear(NamedTuple):
    """A state with its settings.

    `columns` are those that the state has a place for, sorted; None: all of them.
    """

    state: State
    settings: Settings
    scale: Scale
    n_features: int
    columns: NDArray[np.int32] | None = None


class Stored(NamedTuple):
    """Metadata, and arrays in the order in which they are to lie."""

    about: dict[str, Any]
    arrays: dict[str, NDArray[Any]]


def to_train(linear: Linear) -> Stored:
    """Store what training goes on from."""
    state = linear.state
    if isinstance(state, FrozenState):
        raise ModelFileError(CANNOT_GO_ON)
    arrays = {"records": state.records, "intercepts": state.intercept}
    _check_trained(arrays)
    if linear.columns is not None:
        # A state has a place at least, whether there is a column for it or not.
        arrays["records"] = state.records[: len(linear.columns)]
        arrays["columns"] = linear.columns
    about = _about(linear, TRAINING)
    return Stored({**about, "clock": state.clock.tolist(), "seed": state.seed}, arrays)


def to_serve(linear: Linear, *, float16: bool, drop_zeros: bool) -> Stored:
    """Store the weights; ModelFileError if one is not finite, or too large for float16."""
    weights = linear.state.weights(linear.settings)
    intercepts = linear.state.intercepts(linear.settings)
    _check_trained({"weights": weights, "intercepts": intercepts})
    columns = linear.columns
    if drop_zeros and linear.n_features > LARGEST_COLUMN:
        raise ModelFileError(
            f"drop_zeros names columns by numbers up to {LARGEST_COLUMN:,}, and there are "
            f"{linear.n_features:,}: save without it"
        )
    if columns is not None:
        weights = weights[: len(columns)]
    if drop_zeros:
        kept = np.flatnonzero(weights.any(axis=1))
        weights = weights[kept]
        columns = kept.astype(np.int32) if columns is None else columns[kept]
    if float16:
        largest = max(float(weights.max(initial=0)), -float(weights.min(initial=0)))
        if largest > float(np.finfo(np.float16).max):
            raise ModelFileError(f"float16 cannot hold a weight of size {largest:g}")
        weights = weights.astype(np.float16)
    arrays = {"weights": weights, "intercepts": intercepts}
    if columns is not None:
        arrays["columns"] = columns
    return Stored({**_about(linear, SERVING), "steps": linear.state.n_steps}, arrays)


def _check_trained(arrays: dict[str, NDArray[Any]]) -> None:
    """Raise ModelFileError for what from_file would refuse."""
    for name, array in arrays.items():
        if not _is_finite(array):
            raise ModelFileError(
                f"the model's {name} hold NaN or infinity, so nothing was saved: its training "
                "diverged; train it anew with a lower learning rate"
            )


def _about(linear: Linear, purpose: str) -> dict[str, Any]:
    state = linear.state
    return {
        "saved_for": purpose,
        "n_features": linear.n_features,
        "n_outputs": state.n_outputs,
        "n_nonzero": state.n_nonzero(linear.settings),
        "n_epochs": state.n_epochs,
        "settings": {k: v for k, v in linear.settings.items() if k not in OF_A_ROUND},
        "scale": linear.scale._asdict(),
    }


def from_file(file: ModelFile, about: dict[str, Any], *, mapped: bool = False) -> Linear:
    """Undo to_train or to_serve; weights may stay where they lie in the file.

    Raises
    ------
    ModelFileError
        If numbers do not fit together, or a kernel could not trust them.
    """
    n_features = number("n_features", about["n_features"], 1, 2**62, whole=True)
    n_outputs = number("n_outputs", about["n_outputs"], 1, LARGEST_COLUMN, whole=True)
    n_epochs = number("n_epochs", about["n_epochs"], 0, 2**62, whole=True)
    scale = Scale(**about["scale"])
    for name, value in scale._asdict().items():
        number(name, value, 0)
    settings = _checked(about["settings"])
    columns = None
    n_stored = n_features
    if "columns" in file.entries:
        columns = read_columns(file, "columns", n_features)
        n_stored = len(columns)
    state: State
    if about["saved_for"] == TRAINING:
        state = _read_state(file, about, settings, (n_stored, n_outputs), n_epochs)
    elif about["saved_for"] == SERVING:
        state = _read_weights(file, about, (n_stored, n_outputs), n_epochs, mapped=mapped)
    else:
        raise ModelFileError(f"saved_for is neither {TRAINING} nor {SERVING}")
    return Linear(state, settings, scale, n_features, columns)


def whole(linear: Linear) -> Linear:
    """Give a state with a place for every column; ModelFileError if that is out of proportion."""
    if linear.columns is None:
        return linear
    state, columns = linear.state, linear.columns
    check_growth(len(columns), linear.n_features, 2 * state.n_outputs * state.dtype.itemsize)
    if isinstance(state, FrozenState):
        found = state.weights(linear.settings)
        weights = aligned_zeros((linear.n_features, state.n_outputs), state.dtype)
        weights[columns] = found
        frozen = FrozenState(
            weights, state.intercepts(linear.settings), state.n_steps, state.n_epochs
        )
        return linear._replace(state=frozen, columns=None)
    records = aligned_zeros((linear.n_features, state.records.shape[1]), state.dtype)
    records[:, state.n_outputs : 2 * state.n_outputs] = linear.scale.accumulator
    records[columns] = state.records
    grown = State.restored(records, state.intercept, state.clock, state.n_epochs, state.seed)
    return linear._replace(state=grown, columns=None)


def check_growth(n_stored: int, n_features: int, n_bytes: int) -> None:
    """Raise ModelFileError if a file has far too few columns, of n_bytes each, for all of them."""
    if n_features * n_bytes > max(FREE_GROWTH, LARGEST_GROWTH * n_stored * n_bytes):
        raise ModelFileError(
            f"{n_features:,} columns are out of proportion to the {n_stored:,} in use"
        )


def read_columns(file: ModelFile, name: str, n_features: int) -> NDArray[np.int32]:
    """Read numbers of columns: sorted, each once."""
    number("n_features", n_features, 1, LARGEST_COLUMN, whole=True)
    columns = file.read(name, "I32", None)
    if len(columns) and not (
        columns[0] >= 0 and columns[-1] < n_features and np.all(columns[:-1] < columns[1:])
    ):
        raise ModelFileError(f"{name} that are not in order, or beyond the last")
    return columns


def check_finite(name: str, array: NDArray[Any], at_least: float = -np.inf) -> None:
    """Raise ModelFileError if a number is not finite, or too small."""
    if not _is_finite(array) or (at_least > -np.inf and array.min(initial=0) < at_least):
        raise ModelFileError(f"{name} hold NaN, infinity or numbers below {at_least:g}")


def _is_finite(array: NDArray[Any]) -> bool:
    # NumPy is slow at short rows.
    flat = array.reshape(-1) if array.flags.c_contiguous else array
    return bool(np.isfinite(flat.min(initial=0)) and np.isfinite(flat.max(initial=0)))


def _read_state(
    file: ModelFile,
    about: dict[str, Any],
    settings: Settings,
    shape: tuple[int, int],
    n_epochs: int,
) -> State:
    n_stored, n_outputs = shape
    width = 2 * n_outputs + 2 * is_stamped(settings)
    records = file.read("records", FLOATS, n_stored, width)
    intercept = file.read("intercepts", "F64", n_outputs, 2)
    now, origin = (number("clock", step, 0, 2**62, whole=True) for step in about["clock"])
    missed = now - origin
    check_finite("records", records)
    for k in range(n_outputs):
        check_finite("accumulators", records[:, n_outputs + k], 0)
    check_finite("intercepts", intercept)
    check_finite("accumulators", intercept[:, 1], 0)
    if is_stamped(settings):
        stamps = records[:, 2 * n_outputs]
        check_finite("stamps", stamps, 0)
        check_finite("pulls", records[:, 2 * n_outputs + 1], 0)
        if not 0 <= missed <= exact_steps(records.dtype) or stamps.max(initial=0) > missed:
            raise ModelFileError("time stamps of steps to come")
    if settings["largest_gradient"] != LARGEST_GRADIENT[records.dtype]:
        raise ModelFileError(f"largest_gradient is not that of {records.dtype}")
    seed = about["seed"]
    if seed is not None:
        number("seed", seed, 0, 2**63, whole=True)
    clock = np.array([now, origin], np.int64)
    return State.restored(records, intercept, clock, n_epochs, seed)


def _read_weights(
    file: ModelFile,
    about: dict[str, Any],
    shape: tuple[int, int],
    n_epochs: int,
    *,
    mapped: bool,
) -> FrozenState:
    weights = file.read("weights", f"F16 {FLOATS}", *shape, mapped=mapped)
    intercepts = file.read("intercepts", "F64", shape[1])
    if weights.dtype == np.float16:
        weights = weights.astype(np.float32)
    check_finite("weights", weights)
    check_finite("intercepts", intercepts)
    steps = number("steps", about["steps"], 0, 2**62, whole=True)
    return FrozenState(weights, intercepts, steps, n_epochs)


def _checked(found: dict[str, Any]) -> Settings:
    """Give settings that a kernel can trust."""
    # Files of before there was decay.
    found.setdefault("decay", 1.0)
    found.setdefault("smallest_intercept_accumulator", 0.0)
    if set(found) != set(Settings.__annotations__) - set(OF_A_ROUND):
        raise ModelFileError("its settings are not those of this version")
    number("update", found["update"], 0, len(UPDATES) - 1, whole=True)
    number("loss", found["loss"], 0, len(LOSSES) - 1, whole=True)
    number("batch_size", found["batch_size"], 1, 2**53, whole=True)
    truth("fit_intercept", found["fit_intercept"])
    positive = ("rate", "epsilon", "beta", "delta", "intercept_rate", "largest_gradient")
    for name in positive:
        number(name, found[name], np.nextafter(0, 1))
    accumulators = ("smallest_accumulator", "smallest_intercept_accumulator")
    for name in ("l1", "l2", *accumulators, "largest_value"):
        number(name, found[name], 0)
    number("decay", found["decay"], np.nextafter(0, 1), 1)
    if found["decay"] < 1 and (found["update"] != UPDATES["comid"] or found["l1"] or found["l2"]):
        raise ModelFileError("decay < 1 with another rule than COMID, or a penalty")
    return cast(Settings, {**found, **OF_A_ROUND})
