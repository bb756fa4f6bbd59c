"""Parameters and labels to what JSON can hold, and back."""

from __future__ import annotations

import re
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastada.persistence.container import ModelFileError

# A dict of one of these keys stands for what JSON has no name for.
TUPLE, DICT, DTYPE, RANDOM_STATE = "tuple", "dict", "dtype", "random_state"

# Labels of fixed width may take this many bytes in memory, together.
LARGEST_LABELS = 1 << 26
MULTILABEL = "it is a multilabel classifier, which takes no texts"
MULTINOMIAL = "multinomial=True needs several classes, one to a row"
LABEL_DTYPE = re.compile(r"\|b1|\|[iu]1|<[iu][248]|<f[248]|<U([1-9][0-9]{0,8})|object")
KINDS = {"b": bool, "i": int, "u": int, "f": float, "U": str, "O": str}


def encode(name: str, value: Any) -> Any:
    """Give what stands for the value of a parameter.

    Raises
    ------
    TypeError
        If a file cannot hold it, such as a function.
    """
    if value is None or isinstance(value, bool | str):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, float | np.float16 | np.float32) and np.isfinite(value):
        return float(value)
    if isinstance(value, list):
        return [encode(name, item) for item in value]
    if isinstance(value, tuple):
        return {TUPLE: [encode(name, item) for item in value]}
    if isinstance(value, dict):
        return {DICT: [[encode(name, k), encode(name, v)] for k, v in value.items()]}
    if isinstance(value, type | np.dtype) and value in (np.float32, np.float64, float):
        return {DTYPE: np.dtype(value).name}
    if isinstance(value, np.random.RandomState):
        state = value.get_state(legacy=False)
        if state["bit_generator"] == "MT19937":
            counters = [state["state"]["pos"], state["has_gauss"], state["gauss"]]
            return {RANDOM_STATE: [state["state"]["key"].tolist(), *counters]}
    raise TypeError(
        f"{name}={value!r} cannot be stored in a model file, which holds numbers, texts, tuples, "
        "lists and dicts of them, dtypes and RandomState instances of MT19937"
    )


def decode(value: Any) -> Any:
    """Undo encode."""
    if isinstance(value, list):
        return [decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) != 1:
        raise ModelFileError("a parameter is neither plain nor of one kind")
    ((kind, content),) = value.items()
    if kind == TUPLE:
        return tuple(decode(item) for item in content)
    if kind == DICT:
        return {decode(key): decode(item) for key, item in content}
    if kind == DTYPE and content in ("float32", "float64"):
        return np.dtype(content)
    if kind == RANDOM_STATE:
        return _random_state(*content)
    raise ModelFileError(f"a parameter of kind {kind!r}")


def _random_state(key: Any, position: Any, has_gauss: Any, gauss: Any) -> np.random.RandomState:
    words = whole_numbers("random_state", key)
    if len(words) != 624 or max(words) >= 2**32:
        raise ModelFileError("random_state is no state of MT19937")
    # NumPy trusts the position.
    number("random_state", position, 0, 624, whole=True)
    number("random_state", has_gauss, 0, 1, whole=True)
    number("random_state", gauss)
    random_state = np.random.RandomState()
    random_state.set_state(("MT19937", np.array(words, np.uint32), position, has_gauss, gauss))
    return random_state


def encode_labels(labels: NDArray[Any]) -> dict[str, Any]:
    """Give what stands for an array of labels, or names of features.

    Raises
    ------
    TypeError
        If they are neither numbers nor texts.
    """
    dtype = "object" if labels.dtype == object else labels.dtype.newbyteorder("<").str
    values = labels.tolist()
    if LABEL_DTYPE.fullmatch(dtype) is None or not all(
        isinstance(value, KINDS[labels.dtype.kind]) for value in values
    ):
        raise TypeError(f"labels of type {labels.dtype} cannot be stored in a model file")
    if len(values) * labels.dtype.itemsize > LARGEST_LABELS:
        raise ModelFileError(
            f"labels of type {labels.dtype} take {len(values) * labels.dtype.itemsize:,} bytes, "
            f"of which a model file may have {LARGEST_LABELS:,}; use dtype object"
        )
    return {"dtype": dtype, "values": values}


def decode_labels(value: Any, n: int) -> NDArray[Any]:
    """Undo encode_labels; ModelFileError unless there are n."""
    dtype, values = value["dtype"], value["values"]
    match = LABEL_DTYPE.fullmatch(dtype)
    if match is None or not isinstance(values, list) or len(values) != n:
        raise ModelFileError("labels of an unknown type, or not as many as there are outputs")
    if match[1] and 4 * int(match[1]) * len(values) > LARGEST_LABELS:
        raise ModelFileError("labels that are too long")
    kind = KINDS[np.dtype(dtype).kind]
    if not all(type(v) is kind for v in values):
        raise ModelFileError(f"labels that are not {dtype}")
    labels = np.array(values, dtype)
    if labels.tolist() != values:
        raise ModelFileError(f"labels that are not {dtype}")
    return labels


def check_classes(classes: NDArray[Any]) -> None:
    """Raise ModelFileError unless classes are sorted, and each is there once."""
    if len(classes) < 1 or not np.all(classes[:-1] < classes[1:]):
        raise ModelFileError("classes that are not sorted, or there twice")


def decode_classes(value: Any, n_outputs: int) -> NDArray[Any]:
    """Undo encode_labels for the labels of a model that gives one to each row."""
    classes = decode_labels(value, 2 if n_outputs == 1 else n_outputs)
    check_classes(classes)
    return classes


def number(
    name: str,
    value: Any,
    at_least: float = -np.inf,
    at_most: float = np.inf,
    *,
    whole: bool = False,
) -> Any:
    """Give a finite number; ModelFileError unless it is one inside the bounds."""
    if type(value) not in ((int,) if whole else (int, float)) or not (
        at_least <= value <= at_most and abs(value) < np.inf
    ):
        raise ModelFileError(f"{name}={value!r}")
    return value if whole else float(value)


def whole_numbers(name: str, values: Any) -> list[int]:
    """Give a list of whole numbers that are not negative; ModelFileError unless it is one."""
    if not isinstance(values, list):
        raise ModelFileError(f"{name} is no list of numbers")
    return [number(name, value, 0, whole=True) for value in values]


def numbers(name: str, values: Any) -> list[float]:
    """Give a list of finite numbers; ModelFileError unless it is one."""
    if not isinstance(values, list):
        raise ModelFileError(f"{name} is no list of numbers")
    return [number(name, value) for value in values]


def progress_of(about: dict[str, Any]) -> tuple[float, float]:
    """Give the sum of losses before learning and that of weights."""
    values = numbers("progress", about.get("progress", [0.0, 0.0]))
    if len(values) != 2:
        raise ModelFileError("progress is not two numbers")
    return values[0], number("progress", values[1], 0)


def truth(name: str, value: Any) -> bool:
    """Give True or False; ModelFileError unless it is one of them."""
    if not isinstance(value, bool):
        raise ModelFileError(f"{name}={value!r}")
    return value
