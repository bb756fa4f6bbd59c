"""learning_rate="auto": several rates learn the same rows, and the losses before learning decide.

Each row is predicted before it is learned (progressive validation: Blum, Kalai, Langford 1999), so
that its loss is that of an unseen row. The rates that are compared learn side by side, from one
gather of each feature (fastada/grid.py); of many outputs one after the other, on few rows, and only
those on the way downhill to the best and its neighbours.

1. *Locate*, on few rows: rates a factor of 2 apart around the formula's of fastada/scale.py.
2. *Choose*: eight rates half an octave apart around that one, on as many rows as it takes to tell
   the best from both its neighbours, by the differences of their losses on the same rows: each
   must be more than Z standard errors from zero over the last half of the rows, or the rows end.
   A parabola through the three gives the rate with the least loss.

Of both, where the best is the first or the last of the rates, others further on learn the rows. A
row counts for at most 8 times what it would cost to know nothing: a text of a hundred times the
length of the others has margins of a hundred times theirs, and would decide alone.

What is best for the first rows is too large for all of them, visited several times: steps that
follow each row closely gain most while little is known. On public data sets of 1,000 to 40,000 rows
and 2 to 77 classes the rate with the least loss before learning fell by about 0.1 octaves each time
the rows doubled, and the one best at the end of training lay below that of all rows by 0.2 octaves
after one epoch, and 0.8 after ten. The rate taken is lower by 0.7 whatever max_iter is, which is
a bound only, so that epochs more or less go on from the same ones.

Replicas that are combined (fastada/combine.py) want less too, each of their steps standing for
those of all: of 64 on IMDB the best rate lay 0.56 octaves below that of one, 0.1 for each doubling,
and above it they lose more. That is as much as for as many times the rows.

The rates are those of the features. The intercept's unit is one, whatever the features are worth:
its rate follows theirs down, but never rises above the formula's, since an intercept that jumps
with every row of a rare class costs up to a twentieth of the log-loss.

Training starts anew with the rate chosen: the rows of the search are few, and but for the intercept
the model is the one that a user would get who had set that rate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fastada.grid import Grid, compact
from fastada.row_losses import row_losses
from fastada.rows import Rows
from fastada.scale import Scale
from fastada.settings import Settings
from fastada.state import State
from fastada.targets import Targets

# With fewer rows or batches, the formula's rate is taken as it is: luck would decide.
FEWEST_ROWS, FEWEST_BATCHES = 256, 8
LOCATE_ROWS = 512
LOCATE_OCTAVES = np.arange(-3.0, 5.0)
MOST_MOVES = 5
# Where the best rate mostly is of texts in many classes, and how far to go from there.
USUAL_OCTAVE, MOST_STEPS = 3.0, 40
CHOOSE_STEP = 0.5
CHOOSE_OCTAVES = np.arange(-2.0, 2.0, CHOOSE_STEP)
CHOOSE_ROWS = 2048, 8192  # at least, at most
# Of all rows at most, where there are many; models of several outputs share less of their work.
MOST_OF_ROWS, MOST_OF_SEVERAL_OUTPUTS = 1 / 4, 1 / 8
# What a row counts for at most, in the mean loss of margins that are all zero.
MOST_TIMES = 8.0
# The models of more outputs than these learn one after the other: they gain nothing by sharing the
# gathers of wide records, and memory that has been touched is learned from again.
MOST_OUTPUTS_SIDE_BY_SIDE = 8
Z = 2.0
LESS_OCTAVES, LESS_PER_DOUBLING = 0.7, 0.1


@dataclass(frozen=True)
class RateSearch:
    """What a search for the learning rate has seen.

    Attributes
    ----------
    learning_rate : float
        The choice.
    candidates : ndarray of float64, shape (n_candidates,)
        The rates compared in the end, ascending.
    n_rows : ndarray of int64, shape (n_points,)
        Numbers of rows.
    losses : ndarray of float64, shape (n_points, n_candidates)
        Mean loss of the first n_rows rows, each before it was learned and of no more than 8 times
        the loss of zero margins; infinite for a rate with which training diverged.
    """

    learning_rate: float
    candidates: npt.NDArray[np.float64]
    n_rows: npt.NDArray[np.int64]
    losses: npt.NDArray[np.float64]

    def __str__(self) -> str:
        found = ", ".join(
            f"{rate:.3g}: {loss:.4f}"
            for rate, loss in zip(self.candidates, self.losses[-1], strict=True)
        )
        return (
            f"learning rate {self.learning_rate:.4g}, from the loss of {self.n_rows[-1]:,} rows "
            f"by rate: {found}"
        )


def scaled(scale: Scale, factor: float) -> Scale:
    """Give the scale with its learning rate multiplied, the intercept's by 1 at most."""
    return scale._replace(
        rate=scale.rate * factor,
        intercept_rate=scale.intercept_rate * min(factor, 1.0),
    )


def search_rate(
    rows: Rows,
    targets: Targets,
    sample_weight: npt.NDArray[np.float64],
    order: npt.NDArray[np.int64],
    scale: Scale,
    settings_of: Callable[[Scale], Settings],
    n_visits: int | None = None,
    n_replicas: int = 1,
    lender: State | None = None,
) -> tuple[Scale, RateSearch | None]:
    """Find the learning rate.

    Parameters
    ----------
    rows : Rows
    targets : Targets
    sample_weight : ndarray of float64, shape (n_rows,)
    order : ndarray of int64
        Rows to visit, in an order that has nothing to do with their targets.
    scale : Scale
        The formula's.
    settings_of : callable
        Makes the settings for another rate.
    n_visits : int, optional
        Rows to be visited in an epoch, where `order` has a sample of them.
    n_replicas : int, default=1
        Learn them together.
    lender : State, optional
        Memory to make use of; it has to forget before it is trained.

    Returns
    -------
    Scale, RateSearch or None
        None where there are too few rows or batches for a search, or zeros alone for targets.
    """
    # Of a batch all rows are predicted before any is learned.
    some_batches = FEWEST_BATCHES * settings_of(scale)["batch_size"]
    if len(order) < max(FEWEST_ROWS, some_batches):
        return scale, None
    n_visits = n_visits or len(order)
    few, most = (max(n_rows, some_batches) for n_rows in CHOOSE_ROWS)
    if n_visits > most:
        most = max(few, min(most, int(n_visits * MOST_OF_ROWS)))
    compared, locate_rows = CHOOSE_OCTAVES, LOCATE_ROWS
    if targets.n_outputs > 1:
        most = max(few, min(most, int(n_visits * MOST_OF_SEVERAL_OUTPUTS)))
        compared, locate_rows = CHOOSE_OCTAVES[1:-1], LOCATE_ROWS // 2

    def candidates(n_rows: int) -> _Candidates:
        # Of no more rows than they learn: a record for each column of those is made first.
        data = rows, targets, sample_weight, order[:n_rows]
        return _Candidates(*data, scale, settings_of, lender)

    few_rows = candidates(max(locate_rows, some_batches))
    if few_rows.of_nothing == 0:  # all rates are as good
        return scale, None
    most = min(len(order), most)
    if targets.n_outputs > MOST_OUTPUTS_SIDE_BY_SIDE:
        octaves, losses = few_rows.downhill(USUAL_OCTAVE, 1.0)
        n_rows = few
        while True:
            centre = octaves[np.argmin(losses.mean(axis=0))]
            n_rows = min(n_rows, most)
            octaves, losses = candidates(n_rows).downhill(float(centre), CHOOSE_STEP, n_rows // 2)
            if n_rows == most or _is_told_apart(losses[len(losses) // 2 :]):
                break
            n_rows *= 2
    else:
        octaves, losses = few_rows.around_the_best(0.0, LOCATE_OCTAVES, most)
        centre = octaves[np.argmin(losses.mean(axis=0))]
        more_rows = candidates(most)
        octaves, losses = more_rows.around_the_best(centre, compared, few)
        while len(losses) < most and not _is_told_apart(losses[len(losses) // 2 :]):
            losses = more_rows.learn(2 * len(losses))
    less = LESS_OCTAVES + LESS_PER_DOUBLING * np.log2(n_visits * n_replicas / len(losses))
    octave = _least(octaves, losses[len(losses) // 2 :].mean(axis=0)) - less
    chosen = scaled(scale, 2.0**octave)
    points = np.unique((len(losses) / 2.0 ** np.arange(5)).astype(np.int64))
    curve = np.cumsum(losses, axis=0)[points - 1] / points[:, np.newaxis]
    return chosen, RateSearch(float(chosen.rate), scale.rate * 2.0**octaves, points, curve)


class _Candidates:
    """The rows of the search, to be learned by any rates."""

    def __init__(
        self,
        rows: Rows,
        targets: Targets,
        sample_weight: npt.NDArray[np.float64],
        order: npt.NDArray[np.int64],
        scale: Scale,
        settings_of: Callable[[Scale], Settings],
        lender: State | None,
    ) -> None:
        self.grid: Grid | None = None
        self.lender = lender
        self.rows = compact(rows, order)
        self.targets = targets.take(order)
        self.weight = np.ascontiguousarray(sample_weight[order])
        self.scale, self.settings_of = scale, settings_of
        settings, margins = settings_of(scale), np.zeros((len(order), targets.n_outputs))
        without = row_losses(margins, self.targets, settings["loss"], settings["delta"]).shown
        self.of_nothing = float(np.average(without, weights=self.weight))

    def _settings(self, octaves: npt.NDArray[np.float64]) -> list[Settings]:
        return [self.settings_of(scaled(self.scale, 2.0**octave)) for octave in octaves]

    def begin(self, octaves: npt.NDArray[np.float64]) -> None:
        """Begin to learn with those rates, once more in the same memory."""
        settings = self._settings(octaves)
        if self.grid is None:
            self.grid = Grid(settings, self.rows, self.targets, self.scale, self.lender)
        else:
            self.grid.begin_anew(settings)
        self.losses = np.empty((0, len(octaves)))

    def learn(self, n_rows: int) -> npt.NDArray[np.float64]:
        """Go on until n_rows are learned, or all; give the losses of those learned so far."""
        begin, end = len(self.losses), min(n_rows, self.rows.n_rows)
        order = np.arange(begin, end, dtype=np.int64)
        weight = self.weight[begin:end, np.newaxis]
        assert self.grid is not None
        losses = self.grid.learn(self.rows, self.targets, self.weight, order)
        losses = np.minimum(losses, MOST_TIMES * self.of_nothing)
        losses[:, np.isinf(self.grid.loss_sum)] = np.inf
        self.losses = np.concatenate([self.losses, losses * weight / self.weight.mean()])
        return self.losses

    def around_the_best(
        self, centre: float, offsets: npt.NDArray[np.float64], n_rows: int
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Give octaves and losses of n_rows, having moved on while one at an end was the best."""
        for _ in range(MOST_MOVES):
            octaves = centre + offsets
            self.begin(octaves)
            losses = self.learn(n_rows)
            means = losses.mean(axis=0)
            # Rates by which nothing is learned are too large, all about as bad as can be.
            best = int(np.argmin(means)) if means.min() < self.of_nothing else 0
            if 0 < best < len(octaves) - 1:
                break
            centre = octaves[best]
        return octaves, losses

    def downhill(
        self, start: float, step: float, first_row: int = 0
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Give octaves and losses of all rows, from rate to rate towards those that lose less.

        One after the other, and no more than it takes to have the best between its neighbours, by
        the losses of rows from the first_row-th on.
        """
        found: dict[int, npt.NDArray[np.float64]] = {}

        def loss(place: int) -> float:
            if place not in found:
                self.begin(np.array([start + place * step]))
                found[place] = self.learn(self.rows.n_rows)
            return float(found[place][first_row:].mean())

        best = 0
        while loss(best) >= self.of_nothing and best > -MOST_STEPS:
            best -= 1  # rates by which nothing is learned are too large
        for way in (-1, 1):
            while loss(best + way) < loss(best) and abs(best) < MOST_STEPS:
                best += way
        places = sorted(found)
        return start + step * np.array(places), np.hstack([found[place] for place in places])


def _is_told_apart(losses: npt.NDArray[np.float64]) -> bool:
    """Say whether the best of the columns differs from both its neighbours."""
    best = int(np.argmin(losses.mean(axis=0)))
    if not 0 < best < losses.shape[1] - 1:
        return False
    with np.errstate(invalid="ignore", over="ignore"):
        gaps = losses[:, [best - 1, best + 1]] - losses[:, [best]]
        error = gaps.std(axis=0) / np.sqrt(len(gaps))
    # A neighbour that has diverged has no standard error: it is told apart.
    return not (gaps.mean(axis=0) <= Z * error).any()


def _least(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> float:
    """Give the place of the least of the parabola through the least y and its neighbours."""
    best = int(np.argmin(y))
    if not 0 < best < len(y) - 1 or not np.isfinite(y[best - 1 : best + 2]).all():
        return float(x[best])
    left, here, right = y[best - 1 : best + 2]
    bend = left - 2 * here + right
    return float(x[best] + (0.5 * (left - right) / bend if bend > 0 else 0.0) * (x[1] - x[0]))
