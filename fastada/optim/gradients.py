"""What the optimizers' kernel trusts of a parameter and its gradient, checked before a step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from fastada.rows import Rows
from fastada.validation import canonical_rows


@dataclass(frozen=True)
class Step:
    """A parameter and its gradient of the same type, both as the kernel takes them.

    Attributes
    ----------
    name : str
    parameter : ndarray of float32 or float64
    gradient : ndarray of shape (parameter.size,), or Rows
    """

    name: str
    parameter: NDArray[Any]
    gradient: NDArray[Any] | Rows


def check_parameter(name: str, parameter: object) -> NDArray[Any]:
    """Give the parameter itself, or an error that says why it cannot be updated in place."""
    if not isinstance(parameter, np.ndarray):
        raise TypeError(
            f"parameter {name!r} is a {type(parameter).__name__}; "
            "it must be a NumPy array, which is updated in place"
        )
    if parameter.dtype not in (np.float32, np.float64) or not parameter.dtype.isnative:
        raise TypeError(
            f"parameter {name!r} has dtype {parameter.dtype}; it must be float32 or float64"
        )
    if not parameter.flags.writeable:
        raise ValueError(f"parameter {name!r} is read-only and cannot be updated in place; copy it")
    if not parameter.flags.c_contiguous or not parameter.flags.aligned:
        raise ValueError(
            f"parameter {name!r} is not C-contiguous; pass numpy.ascontiguousarray of it, "
            "and keep that array"
        )
    return parameter


def check_places(name: str, parameter: NDArray[Any], places: object) -> NDArray[np.int64]:
    """Give indices into the flattened parameter, or an error that says why they are none."""
    array = np.asarray(places)
    if array.size and array.dtype.kind not in "iu":
        raise TypeError(f"places in {name!r} have dtype {array.dtype}; they must be whole numbers")
    array = np.ascontiguousarray(array, dtype=np.int64).reshape(-1)
    if array.size and not (array.min() >= 0 and array.max() < parameter.size):
        raise ValueError(
            f"places in {name!r} must lie between 0 and {parameter.size - 1}; they go from "
            f"{array.min()} to {array.max()}"
        )
    return array


def check_step(name: str, parameter: object, gradient: Any) -> Step:
    """Check a parameter and its gradient; the caller's gradient is never changed.

    Parameters
    ----------
    name : str
    parameter : ndarray
    gradient : array_like, CSR matrix or CSR array, of the parameter's shape
        For a parameter of shape (n,), a CSR gradient may have shape (1, n).

    Raises
    ------
    TypeError
        If the parameter is no float32 or float64 array, or the gradient is not real numbers,
        or sparse but not CSR.
    ValueError
        If the parameter cannot be updated in place, the shapes differ, the gradient has NaN or
        infinite values or such that their squares overflow, or is not a valid CSR matrix.
    """
    array = check_parameter(name, parameter)
    if sp.issparse(gradient):
        return Step(name, array, _rows(name, array, gradient))
    return Step(name, array, _dense(name, array, gradient))


def _check_kind(name: str, dtype: np.dtype[Any]) -> None:
    if dtype.kind not in "buif":
        raise TypeError(f"gradient of {name!r} has dtype {dtype}; it must be real numbers")


def _check_shape(name: str, parameter: NDArray[Any], shape: tuple[int, ...], sparse: bool) -> None:
    if shape != parameter.shape and not (sparse and shape == (1, *parameter.shape)):
        raise ValueError(f"gradient of {name!r} has shape {shape}, the parameter {parameter.shape}")


def _check_largest(name: str, parameter: NDArray[Any], largest: float) -> None:
    if not np.isfinite(largest):
        raise ValueError(f"gradient of {name!r} contains NaN, or infinity in {parameter.dtype}")
    # Room for a million squares of it.
    if largest > np.sqrt(float(np.finfo(parameter.dtype).max)) / 2**10:
        raise ValueError(
            f"gradient of {name!r} has a value of size {largest:g}, whose squares overflow "
            f"{parameter.dtype}; scale the objective down"
        )


def _dense(name: str, parameter: NDArray[Any], gradient: Any) -> NDArray[Any]:
    array = np.asarray(gradient)
    _check_kind(name, array.dtype)
    _check_shape(name, parameter, array.shape, sparse=False)
    with np.errstate(over="ignore"):
        array = np.ascontiguousarray(array, dtype=parameter.dtype).reshape(-1)
    _check_largest(name, parameter, float(np.abs(array).max(initial=0)))
    return array.copy() if np.may_share_memory(array, parameter) else array


def _rows(name: str, parameter: NDArray[Any], gradient: Any) -> Rows:
    if gradient.format != "csr":
        raise TypeError(
            f"gradient of {name!r} is sparse in format {gradient.format!r}; convert it with tocsr()"
        )
    _check_kind(name, gradient.dtype)
    _check_shape(name, parameter, gradient.shape, sparse=True)
    try:
        if gradient.ndim == 1:
            parts = (gradient.data, gradient.indices, gradient.indptr)
            gradient = sp.csr_array(parts, shape=(1, *gradient.shape))
        with np.errstate(over="ignore"):
            rows = canonical_rows(gradient, parameter.dtype)
    except ValueError as error:
        raise ValueError(f"gradient of {name!r}: {error}") from error
    _check_largest(name, parameter, rows.largest_value)
    return rows
