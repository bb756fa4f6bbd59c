"""What training remembers: a record per feature, one per intercept, and the steps taken."""

from __future__ import annotations

import math
from threading import RLock
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastada import _scoring
from fastada.memory import aligned_zeros, check_memory, fill_rows
from fastada.settings import UPDATES, Settings, is_stamped

if TYPE_CHECKING:
    from fastada.relabel import CompactState


def exact_steps(dtype: np.dtype[Any]) -> int:
    """Give the largest count up to which every whole number is exact in dtype."""
    return int(2 ** (np.finfo(dtype).nmant + 1))


class State:
    """The records that the kernels of src/ train.

    Parameters
    ----------
    n_features, n_outputs : int
    dtype : float32 or float64
    settings : Settings
        Decides the width of a record: see src/records.pxd.
    initial_accumulator, initial_intercept_accumulator : float
        G_0 of the features and of the intercepts.
    lender : State, optional
        Is not needed for the time being, and lends its memory where that is enough.

    Attributes
    ----------
    intercept : ndarray of float64, shape (n_outputs, 2)
        {value, accumulator} of each intercept.
    n_epochs : int
        Epochs of fit so far, each of which has an order of its own.
    seed : int or None
        Of the orders of epochs, where they are shuffled.
    clock : ndarray of int64, shape (2,)
        Steps taken, and the step that the stamps in the records count from.
    lock : RLock
        Held while the others change or are read: what a thread reads while another one trains is
        the state after some step.
    compact : CompactState or None
        What is trained in its place; reading `records` brings them up to date.
    """

    seed: int | None = None
    compact: CompactState | None = None
    lock: RLock

    def __new__(cls, *args: Any, **kwargs: Any) -> State:  # noqa: D102
        state = super().__new__(cls)
        state.lock = RLock()
        return state

    def __init__(
        self,
        n_features: int,
        n_outputs: int,
        dtype: np.dtype[Any],
        settings: Settings,
        initial_accumulator: float,
        initial_intercept_accumulator: float,
        lender: State | None = None,
    ) -> None:
        self.n_outputs = n_outputs
        self.clock = np.zeros(2, dtype=np.int64)
        self.intercept = np.zeros((n_outputs, 2))
        shape = n_features, 2 * n_outputs + 2 * is_stamped(settings)
        lent = None if lender is None else lender._lend(shape, dtype)
        self.records = aligned_zeros(shape, dtype) if lent is None else lent
        # Or else columns take no memory until they occur.
        is_zero = lent is None and not initial_accumulator
        self._begin(initial_accumulator, initial_intercept_accumulator, is_zero=is_zero)

    def forget(self, initial_accumulator: float, initial_intercept_accumulator: float) -> None:
        """Be as after __init__ once more, in memory that has been touched."""
        self._begin(initial_accumulator, initial_intercept_accumulator, is_zero=False)

    def take_back(self, initial_accumulator: float, initial_intercept_accumulator: float) -> None:
        """Be as after __init__ once more, whether or not others have had the memory."""
        # Of G_0 = 0 it was never lent: columns take no memory until they occur.
        if initial_accumulator:
            self.forget(initial_accumulator, initial_intercept_accumulator)

    def _begin(self, accumulator: float, intercept_accumulator: float, *, is_zero: bool) -> None:
        self.n_epochs = 0
        self._read: tuple[Any, npt.NDArray[Any]] | None = None
        self.clock[:], self.intercept[:] = 0, (0, intercept_accumulator)
        if not is_zero:
            record = np.zeros(self.records.shape[1], dtype=self.dtype)
            record[self.n_outputs : 2 * self.n_outputs] = accumulator
            fill_rows(self.records, record)

    def _lend(self, shape: tuple[int, int], dtype: np.dtype[Any]) -> npt.NDArray[Any] | None:
        """Give memory, of any content, for the records of another; see take_back."""
        n_numbers = math.prod(shape)
        if dtype != self.dtype or n_numbers > self.records.size or not self.accumulators[:1].any():
            return None
        return self.records.reshape(-1)[:n_numbers].reshape(shape)

    @property
    def records(self) -> npt.NDArray[Any]:
        """A record per feature, shape (n_features, width): see src/records.pxd."""
        if self.compact is not None:
            self.compact.bring_back(self._records)
        return self._records

    @records.setter
    def records(self, records: npt.NDArray[Any]) -> None:
        self._records = records

    @property
    def n_features(self) -> int:
        """Number of features."""
        return int(self._records.shape[0])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the weights."""
        return self._records.dtype

    @property
    def accumulators(self) -> npt.NDArray[Any]:
        """G, shape (n_features, n_outputs), a view."""
        return self.records[:, self.n_outputs : 2 * self.n_outputs]

    def accumulators_now(self, settings: Settings) -> npt.NDArray[Any]:
        """Give G as of now, shape (n_features, n_outputs): the records' own, or a copy decayed."""
        if not settings["decay"] < 1:
            return self.accumulators
        missed = (self.clock[0] - self.clock[1]) - self.records[:, 2 * self.n_outputs, np.newaxis]
        kept = np.power(settings["decay"], missed, dtype=np.float64)
        floor = settings["smallest_accumulator"]
        return np.asarray(floor + kept * (self.accumulators - floor), dtype=self.dtype)

    @property
    def n_steps(self) -> int:
        """Steps taken."""
        return int(self.clock[0])

    def steps_before_restart(self, settings: Settings) -> int:
        """How many steps the stamps can still count exactly."""
        if not is_stamped(settings):
            return 2**62
        return exact_steps(self.dtype) - int(self.clock[0] - self.clock[1])

    def restart_stamps(self, settings: Settings, to_come: Settings | None = None) -> None:
        """Bring all records up to date, for the settings to come, and count stamps from here."""
        with self.lock:
            weights = self.weights(settings)
            if settings["decay"] < 1:
                self.accumulators[:] = self.accumulators_now(settings)
            _scoring.restart_stamps(self.records, self.clock, to_come or settings, weights)

    def weights(self, settings: Settings) -> npt.NDArray[Any]:
        """Give the weights as of now, shape (n_features, n_outputs), read-only.

        The records stay as they are. The answer is kept until the next step. Raises MemoryError
        where the machine has not room for both.
        """
        read = self._read
        if read is not None and read[0] == (self.n_steps, *settings.values()):
            return read[1]
        shape = self.n_features, self.n_outputs
        check_memory(
            self.records.nbytes + math.prod(shape) * self.dtype.itemsize,
            f"a state of {self.n_features} features with a copy of the weights",
            "fewer features or classes, or dtype='float32'",
        )
        with self.lock:
            weights = np.empty(shape, dtype=self.dtype)
            _scoring.weights(self.records, self.clock, settings, weights)
            weights.flags.writeable = False
            self._read = ((self.n_steps, *settings.values()), weights)
        return weights

    def read_weights_of(
        self, columns: npt.NDArray[np.int64], settings: Settings, out: npt.NDArray[Any]
    ) -> None:
        """Write the weights of some features as of now into out, shape (n_columns, n_outputs)."""
        with self.lock:
            _scoring.weights(self.records, self.clock, settings, out, columns)

    def penalty(self, settings: Settings) -> float:
        """Give l1 |W|_1 + (l2 / 2) |W|_2^2."""
        norms = self._norms(settings)
        return settings["l1"] * norms["l1"] + settings["l2"] / 2 * norms["l2_squared"]

    def n_nonzero(self, settings: Settings) -> int:
        """Count the weights that are not zero."""
        if settings["update"] == UPDATES["comid"] and not is_stamped(settings):
            # The records have them as they are.
            return sum(int(np.count_nonzero(w)) for w in self.records.T[: self.n_outputs])
        return self._norms(settings)["n_nonzero"]

    def _norms(self, settings: Settings) -> _scoring._Norms:
        scratch = np.empty(self.n_outputs, dtype=self.dtype)
        return _scoring.norms(self.records, self.clock, settings, scratch)

    def intercepts(self, settings: Settings) -> npt.NDArray[np.float64]:
        """Give the intercepts, shape (n_outputs,)."""
        intercepts = np.empty(self.n_outputs)
        _scoring.intercepts(self.intercept, settings, intercepts)
        return intercepts

    def move_intercepts(self, by: npt.NDArray[np.float64], settings: Settings) -> None:
        """Add to the intercepts, whatever the rule keeps in their place."""
        with self.lock:
            # Without a penalty every rule's is in proportion to the value of the record.
            records, of_one = self.intercept.copy(), np.empty(self.n_outputs)
            records[:, 0] = 1.0
            _scoring.intercepts(records, settings, of_one)
            self.intercept[:, 0] += by / of_one

    @classmethod
    def restored(
        cls,
        records: npt.NDArray[Any],
        intercept: npt.NDArray[np.float64],
        clock: npt.NDArray[np.int64],
        n_epochs: int,
        seed: int | None,
    ) -> State:
        """Give the state that had these attributes; it keeps the arrays."""
        state = cls.__new__(cls)
        state.records, state.intercept, state.clock = records, intercept, clock
        state.n_outputs, state.n_epochs, state.seed = len(intercept), n_epochs, seed
        state._read = None
        return state

    def copy(self) -> State:
        """Give a copy that shares nothing."""
        copy = self.blank_copy()
        copy.records[:] = self.records
        return copy

    def blank_copy(self) -> State:
        """Give a copy whose records are zero; they take no memory until they are touched."""
        return State.restored(
            aligned_zeros(self._records.shape, self.dtype),
            self.intercept.copy(),
            self.clock.copy(),
            self.n_epochs,
            self.seed,
        )

    def __getstate__(self) -> dict[str, Any]:
        if self.compact is not None:
            self.compact.bring_back(self._records)
        of_training = {"lock", "compact"}
        kept = {name: value for name, value in self.__dict__.items() if name not in of_training}
        return kept | {"_read": None}

    def __setstate__(self, kept: dict[str, Any]) -> None:
        # What came over a network may lie at any address.
        for name, value in kept.items():
            askew = isinstance(value, np.ndarray) and not value.flags.aligned
            self.__dict__[name] = value.copy() if askew else value
