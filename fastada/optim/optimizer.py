"""What all optimizers share: steps in place, laziness, and their state."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from fastada import _optim
from fastada.optim.gradients import Step, check_parameter, check_places, check_step
from fastada.rows import Rows

Params = TypeVar("Params", bound=Mapping[str, NDArray[Any]])

# Everything that the kernel's settings hold.
SETTINGS = (
    "learning_rate",
    "epsilon",
    "l1",
    "l2",
    "momentum",
    "nesterov",
    "rho",
    "beta_1",
    "beta_2",
)

# Beyond these, float32 cannot hold the number or what the kernel makes of it.
RANGES = {
    "learning_rate": (1e-30, 1e30),
    "epsilon": (1e-30, 1e30),
    "l1": (1e-20, 1e20),
    "l2": (1e-20, 1e20),
    "initial_accumulator": (1e-30, 1e30),
}
MAY_BE_ZERO = ("l1", "l2", "initial_accumulator")


@dataclass
class Record:
    """What an optimizer remembers of one parameter.

    Attributes
    ----------
    shape : tuple of int
        The parameter's shape.
    step : int
        Steps that the parameter has taken.
    slots : ndarray of the parameter's dtype, shape (size, n_slots)
    last_step : ndarray of int64, shape (size,), or (0,) where no step is ever left for later
        The step that each weight was last brought to.
    """

    shape: tuple[int, ...]
    step: int
    slots: NDArray[Any]
    last_step: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Optimizer:
    """Base of the optimizers: an update rule and a record for each parameter.

    Hyperparameters are fixed: a step that was left for later has to be taken as it would have
    been at its time. For another learning rate, load the flushed state into a new optimizer.
    """

    _algorithm: ClassVar[str]
    _slot_names: ClassVar[tuple[str, ...]]

    def __post_init__(self) -> None:
        settings: dict[str, float] = dict.fromkeys(SETTINGS, 0.0)
        for name, value in self._hyperparameters().items():
            _check_hyperparameter(name, value)
            if name in settings:
                settings[name] = float(value)
        settings["algorithm"] = _optim.ALGORITHMS[self._algorithm]
        object.__setattr__(self, "_settings", settings)
        object.__setattr__(self, "_records", {})

    # Set by __post_init__ around the frozen dataclass; no fields.
    _settings: ClassVar[dict[str, float]]
    _records: ClassVar[dict[str, Record]]

    def update(self, params: Params, grads: Mapping[str, Any]) -> Params:
        """Take one step on every parameter that has a gradient, in place.

        Parameters
        ----------
        params : dict of str to ndarray of float32 or float64, C-contiguous
            A parameter whose name is not in `grads` takes no step: neither its weights nor
            what the optimizer remembers of it change.
        grads : dict of str to array_like, CSR matrix or CSR array
            Of the parameter's shape; for a parameter of shape (n,), CSR of shape (1, n) too. A
            dense gradient is a step for every weight; of a CSR gradient, whose row i
            belongs to ``params[name][i]``, only the stored entries are visited. Duplicate
            entries are summed first, values of another dtype converted to the parameter's.

        Returns
        -------
        params : dict
            The one that was passed. Weights that a CSR gradient did not visit may lag
            behind; see `flush`.

        Raises
        ------
        TypeError, ValueError
            If a name is unknown, a parameter cannot be updated in place or has changed shape or
            dtype, or a gradient has the wrong shape, NaN or infinite values, or is not a
            valid CSR matrix. Nothing has been changed then, whichever parameter it was.
        """
        _check_mapping("params", params)
        _check_mapping("grads", grads)
        _check_known(params, grads)
        steps = []
        for name, gradient in grads.items():
            step = check_step(name, params[name], gradient)
            self._check_record(name, step.parameter)
            steps.append(step)
        new = {s.name: self._new_record(s.parameter) for s in steps if s.name not in self._records}
        self._records.update(new)
        for step in steps:
            self._take(step)
        return params

    def flush(self, params: Params, places: Mapping[str, Any] | None = None) -> Params:
        """Bring weights current, in place, by the steps that were left for later.

        A weight that CSR gradients do not visit still changes under some rules: a penalty
        shrinks it, momentum carries it on. The optimizer leaves that until the weight's next visit,
        and does it here. Call it before weights are read; training may go on afterwards. A
        gradient that is computed from a few weights needs those alone: name their `places`,
        and the cost is in proportion to their number, else to the number of all weights.

        Parameters
        ----------
        params : dict of str to ndarray
            Parameters that have taken no step are left as they are.
        places : dict of str to array of int, optional
            For each parameter named, which weights, as indices into the flattened parameter.
            Parameters that it does not name are left. By default all weights of all parameters.

        Returns
        -------
        params : dict
            The one that was passed.

        Raises
        ------
        TypeError, ValueError
            If a parameter cannot be updated in place or is not the one that took the steps, or
            places are not in it. Nothing has been changed then.
        """
        _check_mapping("params", params)
        if places is not None:
            _check_mapping("places", places)
            _check_known(params, places)
        known = [name for name in (params if places is None else places) if name in self._records]
        some: dict[str, NDArray[np.int64]] = {}
        for name in known:
            self._check_record(name, check_parameter(name, params[name]))
            if places is not None:
                some[name] = check_places(name, params[name], places[name])
        for name in known:
            record = self._records[name]
            _optim.catch_up(
                self._settings,
                record.step,
                params[name].reshape(-1),
                record.slots.reshape(-1),
                record.last_step,
                some.get(name),
            )
        return params

    def state_dict(self) -> dict[str, Any]:
        """Give a copy of everything needed to go on from here, bit for bit.

        Returns
        -------
        state : dict
            ``"hyperparameters"``: dict of name to value. ``"parameters"``: for each
            parameter's name a dict of ``"step"``, the number of steps it has taken; an array of the
            parameter's shape and dtype for each quantity that the rule keeps; and
            ``"last_step"``, int64, where steps are left for later.
        """
        parameters: dict[str, dict[str, Any]] = {}
        # Without slots there is nothing to go on from.
        for name, record in self._records.items() if self._slot_names else ():
            entry: dict[str, Any] = {"step": record.step}
            for k, slot in enumerate(self._slot_names):
                entry[slot] = record.slots[:, k].reshape(record.shape).copy()
            if self._is_lazy:
                entry["last_step"] = record.last_step.reshape(record.shape).copy()
            parameters[name] = entry
        return {"hyperparameters": self._hyperparameters(), "parameters": parameters}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Replace what the optimizer remembers by a copy of the state of another.

        Parameters
        ----------
        state : dict
            From `state_dict`, of an optimizer with the same hyperparameters. The
            learning rate may differ if all parameters were flushed.

        Raises
        ------
        TypeError, ValueError
            If the state is not that of such an optimizer. Nothing has been changed then.
        """
        _check_mapping("state", state)
        if set(state) != {"hyperparameters", "parameters"}:
            raise ValueError(
                "state must have the keys 'hyperparameters' and 'parameters', as state_dict() "
                f"gives; it has {list(state)}"
            )
        _check_mapping("state['parameters']", state["parameters"])
        records = {
            name: self._record_from(name, entry) for name, entry in state["parameters"].items()
        }
        theirs, ours = dict(state["hyperparameters"]), self._hyperparameters()
        rate = theirs.get("learning_rate")
        if theirs != ours and theirs | {"learning_rate": ours["learning_rate"]} == ours:
            for name, record in records.items():
                if (record.last_step != record.step).any():
                    raise ValueError(
                        f"the state was saved with learning_rate={rate!r}, and {name!r} has steps "
                        "left to take at it; flush() before state_dict() to change the rate"
                    )
        elif theirs != ours:
            raise ValueError(f"the state was saved with {theirs}, this optimizer has {ours}")
        self._records.clear()
        self._records.update(records)

    @property
    def _is_lazy(self) -> bool:
        """Whether a zero gradient changes anything, so that missed steps must be counted."""
        return True

    @property
    def _initial_value(self) -> float:
        """What the slots start from."""
        return 0.0

    def _hyperparameters(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def _take(self, step: Step) -> None:
        record = self._records[step.name]
        record.step += 1
        state = (step.parameter.reshape(-1), record.slots.reshape(-1), record.last_step)
        if isinstance(step.gradient, Rows):
            rows = step.gradient
            _optim.step_csr(
                self._settings,
                record.step,
                *state,
                rows.indptr,
                rows.indices,
                rows.data,
                rows.n_features,
            )
        else:
            _optim.step_dense(self._settings, record.step, *state, step.gradient)

    def _new_record(self, parameter: NDArray[Any]) -> Record:
        slots = np.zeros((parameter.size, len(self._slot_names)), parameter.dtype)
        if self._initial_value:
            slots.fill(self._initial_value)
        last_step = np.zeros(parameter.size if self._is_lazy else 0, np.int64)
        return Record(parameter.shape, 0, slots, last_step)

    def _check_record(self, name: str, parameter: NDArray[Any]) -> None:
        record = self._records.get(name)
        if record is None:
            return
        if record.shape != parameter.shape or record.slots.dtype != parameter.dtype:
            raise ValueError(
                f"parameter {name!r} has shape {parameter.shape} and dtype {parameter.dtype}; it "
                f"took its earlier steps with shape {record.shape} and dtype {record.slots.dtype}"
            )

    def _record_from(self, name: str, entry: Any) -> Record:
        _check_mapping(f"the state of {name!r}", entry)
        if not self._slot_names:
            raise ValueError(f"{type(self).__name__} keeps no state; there is one of {name!r}")
        expected = {"step", *self._slot_names, *(("last_step",) if self._is_lazy else ())}
        if set(entry) != expected:
            raise ValueError(
                f"the state of {name!r} has the keys {list(entry)}, not {sorted(expected)}"
            )
        step = operator.index(entry["step"])
        slots = [np.asarray(entry[slot]) for slot in self._slot_names]
        last_step = np.asarray(entry["last_step"] if self._is_lazy else [], np.int64)
        shape = slots[0].shape
        for slot, array in zip(self._slot_names, slots, strict=True):
            if array.dtype not in (np.float32, np.float64) or array.dtype != slots[0].dtype:
                raise ValueError(
                    f"{slot} of {name!r} has dtype {array.dtype}; "
                    "all must be float32, or all float64"
                )
            if array.shape != shape:
                raise ValueError(f"{slot} of {name!r} has shape {array.shape}, others have {shape}")
            if not np.isfinite(array).all() or ("square" in slot and (array < 0).any()):
                raise ValueError(f"{slot} of {name!r} has values that no optimizer can have left")
        if step < 0 or (self._is_lazy and last_step.shape != shape):
            raise ValueError(f"step or last_step of {name!r} does not fit its other arrays")
        if ((last_step < 0) | (last_step > step)).any():
            raise ValueError(f"last_step of {name!r} must lie between 0 and its step, {step}")
        stacked = np.stack(slots, axis=-1).reshape(-1, len(slots))
        return Record(shape, step, stacked, last_step.reshape(-1).copy())


def _check_mapping(what: str, value: object) -> None:
    if not isinstance(value, Mapping):
        raise TypeError(f"{what} must be a dict, not {type(value).__name__}")


def _check_known(params: Mapping[str, Any], named: Mapping[str, Any]) -> None:
    for name in named:
        if name not in params:
            raise ValueError(f"there is no parameter {name!r}; there are {list(params)}")


def _check_hyperparameter(name: str, value: Any) -> None:
    if name == "nesterov":
        if not isinstance(value, (bool, np.bool_)):
            raise TypeError(f"nesterov must be True or False, not {value!r}")
        return
    if isinstance(value, str | bytes):
        raise TypeError(f"{name} must be a number, not {value!r}")
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a number, not {value!r}") from None
    if name in RANGES:
        low, high = RANGES[name]
        fits = low <= number <= high or (name in MAY_BE_ZERO and number == 0)
        wanted = f"{'0 or ' if name in MAY_BE_ZERO else ''}between {low:g} and {high:g}"
    else:
        fits, wanted = 0 <= number < 1, "at least 0 and below 1"
    if not fits:
        raise ValueError(f"{name} must be {wanted}, not {value!r}")
