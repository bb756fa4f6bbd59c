"""Which rows an epoch visits, and in which order."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastada import _csr, _shuffle
from fastada.rows import Rows

# A row of weight s is visited s times an epoch, but never more often than this.
MOST_VISITS = 16
# Not zero, of a row: what is first looked at to tell it from others.
FEW_COLUMNS = 8
ODD = np.uint64(0x9E3779B97F4A7C15)


class Visits:
    """The visits of each epoch.

    Without shuffling, rows are visited as they come, and the weight s of a row
    multiplies its gradient.

    With shuffling, a row of weight s is visited as many times as s rounds to (at
    least once, at most MOST_VISITS times), each time with an equal share of s.
    AdaGrad divides a step by the size of past gradients, so that a gradient of
    twice the size moves the weights hardly further; visited twice, it does what
    two rows would do. Where random_state is given, rows are first put in an order
    of their content: the same rows in another order, or repeated instead of
    weighted, give the same model; and times a factor, nearly the same.

    Parameters
    ----------
    rows : Rows
    target : ndarray of float64, shape (n_rows,) or (n_rows, n_outputs)
        Only looked at to tell rows apart.
    sample_weight : ndarray of float64, shape (n_rows,)
    shuffle : bool
    random_state : None, int or numpy.random.RandomState
        As scikit-learn's check_random_state takes it.
    seed : int, optional
        That of the epochs so far, for training that goes on: it stands unless random_state is a
        number, so that epochs in several calls have the orders of as many epochs in one.

    Attributes
    ----------
    seed : int or None
        Of the orders.
    sample_weight : ndarray of float64, shape (n_rows,)
        Weight of each visit of a row.
    """

    def __init__(
        self,
        rows: Rows,
        target: npt.NDArray[Any],
        sample_weight: npt.NDArray[np.float64],
        shuffle: bool,
        random_state: Any,
        seed: int | None = None,
    ) -> None:
        self.shuffle = shuffle
        self.seed = seed
        self.sample_weight = self.row_weight = sample_weight
        self.order = np.flatnonzero(sample_weight).astype(np.int64)
        if not shuffle:
            return
        self.seed = seed_of(random_state, seed)
        if random_state is not None:
            self.order = by_content(rows, target, self.order)
        if np.any(sample_weight > 1):
            visits = np.clip(np.rint(sample_weight), 1, MOST_VISITS)
            self.sample_weight = sample_weight / visits
            self.order = np.repeat(self.order, visits[self.order].astype(np.int64))

    def of_epoch(self, epoch: int) -> npt.NDArray[np.int64]:
        """Give the rows in the order of that epoch, which only the seed and its number decide."""
        if not self.shuffle:
            return self.order
        return shuffled(self.order, self.seed or 0, epoch)

    def shares(self, n: int) -> list[npt.NDArray[np.int64]]:
        """Deal the visits out to n threads, once for all epochs."""
        if not self.shuffle:
            return [self.order[k::n].copy() for k in range(n)]
        # The numbers after the seed are none that another order here has.
        dealt = shuffled(np.arange(len(self.order)), self.seed or 0, n, 2**32 - 1)
        return [self.order[np.sort(dealt[k::n])] for k in range(n)]

    def of_share(
        self, share: npt.NDArray[np.int64], number: int, epoch: int
    ) -> npt.NDArray[np.int64]:
        """Give the rows of a share in the order of that epoch."""
        if not self.shuffle:
            return share
        return shuffled(share, self.seed or 0, epoch, 1 + number)

    def in_random_order(self) -> npt.NDArray[np.int64]:
        """Give the visits of the first epoch in an order that the rows' own does not decide."""
        if self.shuffle:
            return self.of_epoch(0)
        return shuffled(self.order, 0)

    def progress(self, losses: npt.NDArray[np.float64]) -> tuple[float, float]:
        """Sum up the losses of rows at their first visits, NaN for those not visited."""
        seen = ~np.isnan(losses)
        weight = self.row_weight[seen]
        # No product of BLAS: its threads go on to wait in a loop that takes a core.
        return float((weight * losses[seen]).sum()), float(weight.sum())


def shuffled(order: npt.NDArray[np.int64], *seeds: int) -> npt.NDArray[np.int64]:
    """Give rows in an order that only the seeds decide."""
    copied = np.array(order, dtype=np.int64)
    _shuffle.shuffle(copied, int(np.random.SeedSequence(seeds).generate_state(1, np.uint64)[0]))
    return copied


def seed_of(random_state: Any, seed: int | None) -> int:
    """Give the seed of the orders of epochs, `seed` being that of earlier ones."""
    generator = np.random.mtrand._rand if random_state is None else random_state
    if not isinstance(generator, np.random.RandomState):
        return int(generator)
    return int(generator.randint(2**31 - 1)) if seed is None else seed


def by_content(
    rows: Rows, target: npt.NDArray[Any], order: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Put the rows of an order into another, which only their content and targets decide.

    A few columns and the target tell most rows apart. Those that they do not are in the order of
    their products with a vector, which all entries enter, and which rows times a factor keep.
    """
    keys = target_keys(target, order)
    _csr.row_keys(rows.indptr, rows.indices, rows.data, order, FEW_COLUMNS, keys)
    place = np.argsort(keys, kind="stable")
    order, keys = order[place], keys[place]
    like_next = np.append(keys[1:] == keys[:-1], False)
    if like_next.any():
        tied = np.flatnonzero(like_next | np.roll(like_next, 1))
        among = order[tied]
        projected = np.empty(len(tied))
        _csr.projections(rows.indptr, rows.indices, rows.data, among, projected)
        order[tied] = among[np.lexsort((projected, keys[tied]))]
    return order


def target_keys(target: npt.NDArray[Any], order: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    """Give 64 bits of each row's target, equal for equal ones."""
    keys = np.zeros(len(order), dtype=np.uint64)
    for column in np.atleast_2d(np.asarray(target, dtype=np.float64).T):
        # Plus zero, which has no sign then.
        keys = keys * ODD + (column[order] + 0.0).view(np.uint64)
    return keys
