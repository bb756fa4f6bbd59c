"""Rows left out of training tell how long to train, and one number makes margins probabilities.

After few passes over the data the margins are too small for how often they are right; after many,
rows that only they themselves explain have made them too large. Either way the order of the margins
is good, and their size is not, which costs log-loss and no accuracy. So the probabilities are taken
from temperature times margin, where the temperature is the one with the least log-loss on margins
of rows that were left out of training (Platt 1999, with the slope alone; Guo et al. 2017).

The training objective goes on falling after the loss of unseen rows has begun to rise, which no
temperature mends. So as many epochs are trained as give the rows left out the least loss, that of
each epoch at its own temperature.

Models are trained without those rows for the purpose, with the settings and orders of the one that
is kept. That one is trained on all rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import expit

from fastada import _csr, _scoring
from fastada.beginnings import Beginning
from fastada.epoch import learn
from fastada.grid import compact, compact_columns
from fastada.platt import Link, find_link
from fastada.prior_shift import find_shift, log_frequencies
from fastada.row_losses import row_losses
from fastada.rows import Rows
from fastada.scale import Scale
from fastada.settings import LOSSES, Settings
from fastada.state import State
from fastada.stopping import Patience
from fastada.targets import Targets
from fastada.visits import Visits

# With fewer rows, luck would decide.
FEWEST_ROWS = 100
# Up to so many rows all of them are left out once, by as many models; of more rows a share is.
MOST_ROWS_FOLDED = 6000
N_FOLDS = 5
LEFT_OUT_SHARE = 10
MOST_LEFT_OUT = 5000
# Rows' worth of belief that the temperature is 1, per squared unit of its logarithm.
PRIOR = 10.0
LARGEST_LOG = 2.5
# Of what counts as nearly even, in medians.
WIDTH = 0.1


@dataclass(frozen=True)
class LeftOut:
    """What the rows left out have told.

    Attributes
    ----------
    scale : Scale
        Of the candidate whose loss was least.
    n_epochs : int
        After so many it was.
    losses, temperatures : list of float
        After each epoch the mean loss of the rows left out, at the temperature with the least; of
        losses other than the log loss the share of wrong decisions, and 1.
    link : Link or None
        What makes probabilities of the margins of other losses, after n_epochs.
    shift : ndarray of float64, shape (n_outputs,), or None
        What to add to the intercepts; see fastada/prior_shift.py.
    """

    scale: Scale
    n_epochs: int
    losses: list[float]
    temperatures: list[float]
    link: Link | None = None
    shift: npt.NDArray[np.float64] | None = None

    def __str__(self) -> str:
        losses = ", ".join(f"{loss:.4f}" for loss in self.losses)
        return (
            f"loss of rows left out by epochs: {losses}; taken {self.n_epochs}, "
            f"temperature {self.temperatures[self.n_epochs - 1]:.3f}, learning rate "
            f"{self.scale.rate:.4g}, first accumulator {self.scale.accumulator:.4g}"
        )


def leave_out(
    candidates: Sequence[Beginning],
    settings_of: Callable[[Scale], Settings],
    rows: Rows,
    targets: Targets,
    sample_weight: npt.NDArray[np.float64],
    visits: Visits,
    max_epochs: int,
    patience: int | None,
    lender: State,
    *,
    is_calibrated: bool,
    has_intercept: bool,
    norms_are_of_known: bool = False,
) -> LeftOut | None:
    """Train without some of the rows as `visits` tells, and see what becomes of those.

    Until their loss has not fallen for `patience` epochs; None: for max_epochs, all of which are
    then taken. Of several candidates, and those that the best of them leads to, the one with the
    least loss after one epoch, times what the candidate says, goes on: all in the same memory, so
    that one not tried last learns it again.
    `is_calibrated` asks for probabilities where the loss is another than the log loss, and with it
    for intercepts that do, if the model has_intercept.
    `norms_are_of_known` says that rows to come are divided by their norm over the columns that
    were learned, which is that of the rows left out as long as they count as learned themselves.
    Gives None where there are too few rows, or where training without some of them diverges.

    The memory of `lender` may be made use of, which has to forget before it is trained: to touch
    memory for the first time can take longer than an epoch.
    """
    if np.count_nonzero(sample_weight) < FEWEST_ROWS:
        return None
    parts = left_out_parts(visits)
    if len(parts) > 1 or rows.n_features * targets.n_outputs > len(rows.data):
        # Several states, or one larger than the rows: of the columns that occur.
        rows = compact(rows, np.arange(rows.n_rows, dtype=np.int64))
    learners = [
        _Without(
            _Unseen.of(rows, part, norms_are_of_known),
            rows,
            targets,
            visits,
            lender if k == 0 else None,
        )
        for k, part in enumerate(parts)
    ]
    best: _Course | None = None
    further: Beginning | None = None
    to_try = list(candidates)
    while to_try:
        beginning = to_try.pop(0)
        scale = beginning.scale
        course = _Course(scale, settings_of(scale), learners, sample_weight, patience)
        with suppress(FloatingPointError):
            course.go_on(1)
            course.promise = beginning.handicap * course.losses[0]
        if course.promise < (np.inf if best is None else best.promise):
            best, further = course, beginning.further
        if not to_try and further is not None:
            to_try, further = [further], None
    if best is None:
        return None
    try:
        if best is not course:
            best.begin_anew()
        best.go_on(max_epochs)
    except FloatingPointError:
        return None
    n_epochs = max_epochs if patience is None else int(np.argmin(best.losses)) + 1
    link = shift = None
    if is_calibrated and not best.is_log_loss:
        link = link_at(best.margins, targets, best.order, best.weight)
    elif is_calibrated and has_intercept and targets.label is not None:
        logs = log_frequencies(targets, sample_weight)
        shift = find_shift(best.margins, targets.take(best.order), best.weight, logs)
        unseen = best.margins + shift, targets, best.order, best.weight
        best.temperatures[n_epochs - 1], best.losses[n_epochs - 1] = best_temperature(*unseen)
    return LeftOut(best.scale, n_epochs, best.losses, best.temperatures, link, shift)


def left_out_parts(visits: Visits) -> list[npt.NDArray[np.int64]]:
    """Draw the rows that are left out together: every so many-th of those visited.

    Not by their content: where rows to come repeat rows that were learned, those left out must too.
    """
    first = np.unique(visits.order, return_index=True)[1]
    order = visits.order[np.sort(first)]
    if len(order) <= MOST_ROWS_FOLDED:
        return [order[i::N_FOLDS].copy() for i in range(N_FOLDS)]
    return [order[:: max(LEFT_OUT_SHARE, len(order) // MOST_LEFT_OUT)].copy()]


class _Course:
    """Models that learn all rows but those of one part each, and what those cost by epochs."""

    def __init__(
        self,
        scale: Scale,
        settings: Settings,
        learners: list[_Without],
        sample_weight: npt.NDArray[np.float64],
        patience: int | None,
    ) -> None:
        self.scale, self.settings, self.learners = scale, settings, learners
        for learner in learners:
            learner.begin(scale, settings)
        self.is_log_loss = settings["loss"] == LOSSES["log_loss"]
        self.targets = learners[0].targets
        self.order = np.concatenate([learner.unseen.numbers for learner in learners])
        self.weight = sample_weight[self.order]
        self.stop = Patience(None if patience is None else 0.0, patience or 0)
        self.is_over = False
        self.promise = np.inf
        self.losses: list[float] = []
        self.temperatures: list[float] = []

    def begin_anew(self) -> None:
        """Learn what was learned before the models learned for another course."""
        for learner in self.learners:
            learner.begin(self.scale, self.settings)
            for epoch in range(len(self.losses)):
                learner.learn(epoch)

    def go_on(self, n_epochs: int) -> None:
        """Learn until so many epochs are learned, or for as long as it is worth while.

        Raises
        ------
        FloatingPointError
            If training diverges.
        """
        while len(self.losses) < n_epochs and not self.is_over:
            epoch = len(self.losses)
            for learner in self.learners:
                learner.learn(epoch)
            margins = np.concatenate([learner.margins() for learner in self.learners])
            unseen = margins, self.targets, self.order, self.weight
            temperature, loss = (
                best_temperature(*unseen) if self.is_log_loss else (1.0, smooth_error(*unseen))
            )
            if self.stop.tol is None or loss < min(self.losses, default=np.inf):
                self.margins = margins
            self.temperatures.append(temperature)
            self.losses.append(loss)
            self.is_over = self.stop.is_over(loss)


@dataclass(frozen=True)
class _Unseen:
    """Rows left out together, in the order of `numbers`, of the columns that occur in them."""

    numbers: npt.NDArray[np.int64]
    rows: Rows
    columns: npt.NDArray[np.int64]
    is_learned: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, rows: Rows, numbers: npt.NDArray[np.int64], norms_are_of_known: bool) -> _Unseen:
        is_learned = np.ones(rows.n_rows, dtype=bool)
        is_learned[numbers] = False
        unseen, columns = compact_columns(rows, numbers)
        if norms_are_of_known:
            is_known = np.zeros(rows.n_features, dtype=np.uint8)
            _csr.mark_columns(rows.indptr, rows.indices, np.flatnonzero(is_learned), is_known)
            _divide_by_norms(unseen, is_known[columns])
        return cls(numbers, unseen, columns, is_learned)


def _divide_by_norms(rows: Rows, is_known: npt.NDArray[np.uint8]) -> None:
    """Divide rows, in place, by their norms over the columns that are known."""
    squares = np.square(rows.data) * is_known[rows.indices]
    total = np.concatenate(([0.0], np.cumsum(squares, dtype=np.float64)))
    norms = np.sqrt(np.diff(total[rows.indptr]))
    norms[norms == 0] = 1.0  # nothing of the row is known, and nothing weighs anything
    rows.data[:] /= np.repeat(norms, np.diff(rows.indptr))


class _Without:
    """A model that learns all rows but those left out."""

    settings: Settings
    state: State

    def __init__(
        self,
        unseen: _Unseen,
        rows: Rows,
        targets: Targets,
        visits: Visits,
        lender: State | None,
    ) -> None:
        self.unseen, self.lender = unseen, lender
        self.rows, self.targets, self.visits = rows, targets, visits
        self.weights = np.empty((len(unseen.columns), targets.n_outputs), dtype=rows.data.dtype)

    def begin(self, scale: Scale, settings: Settings) -> None:
        """Begin to learn, once more in the same memory."""
        self.settings = settings
        shape, dtype = (self.rows.n_features, self.targets.n_outputs), self.rows.data.dtype
        start = scale.accumulator, scale.intercept_accumulator
        self.state = self.lender = State(*shape, dtype, settings, *start, self.lender)

    def learn(self, epoch: int) -> None:
        """Learn an epoch.

        Raises
        ------
        FloatingPointError
            If training diverges.
        """
        order = self.visits.of_epoch(epoch)
        order = order[self.unseen.is_learned[order]]
        weight = self.visits.sample_weight
        learn(self.state, self.settings, self.rows, self.targets, weight, order)

    def margins(self) -> npt.NDArray[np.float64]:
        """Give the margins of the rows left out, shape (n_left_out, n_outputs)."""
        state, unseen = self.state, self.unseen
        state.read_weights_of(unseen.columns, self.settings, self.weights)
        margins = np.empty((len(unseen.numbers), self.targets.n_outputs), dtype=state.dtype)
        _scoring.margins(
            self.weights,
            state.intercepts(self.settings),
            unseen.rows.indptr,
            unseen.rows.indices,
            unseen.rows.data,
            np.arange(unseen.rows.n_rows),
            margins,
        )
        return margins.astype(np.float64)


def best_temperature(
    margins: npt.NDArray[np.float64],
    targets: Targets,
    order: npt.NDArray[np.int64],
    sample_weight: npt.NDArray[np.float64],
) -> tuple[float, float]:
    """Give the temperature with the least log-loss of the probabilities, and that loss.

    Parameters
    ----------
    margins : ndarray of float64, shape (n_unseen, n_outputs)
    targets : Targets
        Of all rows.
    order : ndarray of int64, shape (n_unseen,)
        Rows that the margins are of.
    sample_weight : ndarray of float64, shape (n_unseen,)
    """
    prior = PRIOR / 2 / len(order)
    targets = targets.take(order)

    def mean_loss(log_temperature: float) -> float:
        found = row_losses(np.exp(log_temperature) * margins, targets, LOSSES["log_loss"], 0.0)
        return float(np.average(found.shown, weights=sample_weight))

    found = minimize_scalar(
        lambda x: mean_loss(x) + prior * x**2,
        bounds=(-LARGEST_LOG, LARGEST_LOG),
        method="bounded",
        options={"xatol": 1e-2},
    )
    return float(np.exp(found.x)), mean_loss(found.x)


def link_at(
    margins: npt.NDArray[np.float64],
    targets: Targets,
    order: npt.NDArray[np.int64],
    sample_weight: npt.NDArray[np.float64],
) -> Link:
    """Give what makes probabilities of the margins of hinge losses.

    Of two classes, and of labels that stand for themselves, a temperature as the log loss has it.

    Parameters
    ----------
    margins, targets, order, sample_weight
        As best_temperature has them.
    """
    if targets.label is not None:
        return find_link(margins, targets.label[order], sample_weight)
    return Link(best_temperature(margins, targets, order, sample_weight)[0], 0.0)


def smooth_error(
    margins: npt.NDArray[np.float64],
    targets: Targets,
    order: npt.NDArray[np.int64],
    sample_weight: npt.NDArray[np.float64],
) -> float:
    """Give the share of wrong decisions, where one that is nearly even counts as half of one.

    What decides is how far the margin of a row's class is above the largest of the others; of
    labels that stand for themselves, and of two classes, on which side of zero it is. Even is what
    is small beside WIDTH times the median.

    Parameters
    ----------
    margins : ndarray of float64, shape (n_unseen, n_outputs)
    targets, order, sample_weight
        As best_temperature has them.
    """
    targets = targets.take(order)
    if targets.label is not None:
        numbers = np.arange(len(order))
        own = margins[numbers, targets.label]
        others = margins.copy()
        others[numbers, targets.label] = -np.inf
        leads = (own - others.max(axis=1))[:, np.newaxis]
    elif targets.indicator is not None:
        leads = np.where(targets.indicator, margins, -margins)
    else:
        leads = margins * targets.array[:, np.newaxis]
    width = WIDTH * float(np.median(np.abs(leads))) or 1.0
    return float(np.average(expit(-leads / width).mean(axis=1), weights=sample_weight))
