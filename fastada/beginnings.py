"""What models of several outputs may begin from, for rows left out of training to choose among.

The rate that the search finds is the best in the mean of many data sets. Where classes are many it
is often half an octave too large, but not where a few words tell them. Where nearly every row is
told apart it may be ten times too large: the search likes rates that soon make margins large, which
the temperature does as well.

One class against all others is a problem of few rows against many, and how much a few occurrences
of a feature should say about it differs from set to set. An accumulator G_0 sixteen times as large
holds back what occurs a few times and leaves the later steps free, as a penalty would, at no cost.
With hinge losses, whose slopes are up to one or two where those of the log loss shrink as a row is
learned, it takes 64 times.
"""

from __future__ import annotations

from typing import NamedTuple

from fastada.scale import Scale
from fastada.search import scaled

LESS = 2**-0.5
# Of the rate, from one still slower to the next, what the loss of those counts times, and how many
# there are: each takes an epoch without the rows left out.
SLOWER_STILL, OF_SLOWER, MOST_SLOWER = 0.5, 0.94, 2
# Of G_0 and, of half an octave less than the rate found, the rate; and the handicap. The squared
# hinge, whose first slopes are the largest, needs little.
RESTRAINT = {"log_loss": (16.0, 8**0.5, 0.98), "hinge": (64.0, 4.0, 0.95)}
RESTRAINT_OF_OTHERS = (64.0, 4.0, 0.98)
# Where the rate found may be the best, after one epoch if at all.
FEW_ROWS, EARLY = 6000, 1.02


class Beginning(NamedTuple):
    """A learning rate and first accumulators.

    Attributes
    ----------
    scale : Scale
    handicap : float
        What the loss after one epoch counts times.
    further : Beginning or None
        To be tried where this one is the best of all.
    """

    scale: Scale
    handicap: float = 1.0
    further: Beginning | None = None


def beginnings(formula: Scale, found: Scale, loss: str, n_rows: int) -> list[Beginning]:
    """Give what to begin from instead of what the search for the rate has found.

    `formula` is what the search began with, above which the intercept's rate does not rise. What
    holds back gains more later than it has after one epoch. Of losses other than the log loss
    errors are counted, which are too few to tell rates from each other.
    """
    slower = scaled(formula, LESS * found.rate / formula.rate)
    more, faster, handicap = RESTRAINT.get(loss, RESTRAINT_OF_OTHERS)
    restrained = slower._replace(rate=faster * slower.rate, accumulator=more * slower.accumulator)
    further = None
    if loss == "log_loss":
        for power in range(MOST_SLOWER, 0, -1):
            factor = SLOWER_STILL**power * slower.rate / formula.rate
            further = Beginning(scaled(formula, factor), OF_SLOWER, further)
    candidates = [Beginning(slower, further=further), Beginning(restrained, handicap)]
    if loss == "log_loss" and n_rows <= FEW_ROWS:
        candidates.insert(0, Beginning(found, EARLY))
    return candidates
