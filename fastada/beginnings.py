"""What models of several outputs may begin from, for rows left out of training to choose among.

The rate that the search finds is the best in the mean of many data sets. Where classes are many it
is often half an octave too large, but not where a few words tell them.

One class against all others is a problem of few rows against many, and how much a few occurrences
of a feature should say about it differs from set to set. An accumulator G_0 sixteen times as large
holds back what occurs a few times and leaves the later steps free, as a penalty would, at no cost.
With hinge losses, whose slopes are up to one or two where those of the log loss shrink as a row is
learned, it takes 64 times.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from fastada.scale import Scale
from fastada.search import scaled

LESS = 2**-0.5
# Of G_0 and, of half an octave less than the rate found, the rate.
RESTRAINT_OF_LOG_LOSS, RESTRAINT = (16.0, 8**0.5), (64.0, 4.0)


class Beginning(NamedTuple):
    """A learning rate and first accumulators, and the epochs after which their worth is known."""

    scale: Scale
    n_epochs: int


def beginnings(formula: Scale, found: Scale, loss: str) -> list[Beginning]:
    """Give what to begin from instead of what the search for the rate has found.

    `formula` is what the search began with, above which the intercept's rate does not rise. A slow
    start wants two epochs; a faster one than the others is at its best after one, if it is better
    at all. Of losses other than the log loss errors are counted, which are too few to tell rates
    from each other.
    """
    slower = scaled(formula, LESS * found.rate / formula.rate)
    more, faster = RESTRAINT_OF_LOG_LOSS if loss == "log_loss" else RESTRAINT
    restrained = replace(slower, rate=faster * slower.rate, accumulator=more * slower.accumulator)
    candidates = [Beginning(slower, 2), Beginning(restrained, 2)]
    if loss == "log_loss":
        candidates.append(Beginning(found, 1))
    return candidates
