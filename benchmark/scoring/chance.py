"""How far chance alone takes a mean over references: p-values and intervals of scores on references x sentences.

Scores are resampled, [seed, R, ...], R the sample itself and then its resamples. The mean lies off by what sentences do,
normal, and by what references do, Student's t with one degree of freedom less than there are references (Behrens and
Fisher's distribution). Exact down to p-values of about 1e-6.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import erfc

import numpy as np

from simplibench.scoring.resampling import Floats

VERSION = 2  # of intervals, tests and ranks; raised when a formula changes. Records outlast it: they hold counts
CONFIDENCE = 0.95
NODES = 160  # at which the chi-squared distribution is summed
SHARES = np.concatenate(
    [[0], np.geomspace(1e-3, 1, 64)]
)  # of a deviation, due to references: least_seen is tabled there
HALVINGS = 20  # of the range that a difference is looked for in: to a hundred-thousandth of it

_tail = np.frompyfunc(erfc, 1, 1)  # importing scipy's takes longer than all that is computed with it


@dataclass(frozen=True)
class Interval:
    """A figure with its confidence interval."""

    value: float
    low: float
    high: float


def variances(scores: Floats) -> tuple[Floats, Floats]:
    """Of the mean over references: what sentences give it and what references give it; [seed, R, ...] -> [...] each.

    The two-way analysis of variance's estimates: from what sentences do to the mean, what would be left of it if they moved
    each reference on its own is taken away, down to 0, since it is in the spread of the references' scores already. Of a
    single reference all is due to sentences.
    """
    seeds, own = len(scores), scores[:, 0]
    moved = scores[:, 1:] - own[:, None]
    common = moved.mean(0)
    by_sentences = (common**2).mean(0)
    if seeds == 1:
        return by_sentences, np.zeros_like(by_sentences)
    alone = ((moved - common) ** 2).mean(1).sum(0) / (seeds * (seeds - 1))
    return np.clip(by_sentences - alone, 0, None), own.var(0, ddof=1) / seeds


def mean_interval(scores: Floats, bounds: tuple[float, float] = (-np.inf, np.inf)) -> Interval:
    """The mean over references of [seed, R] and all that chance may have made it of, as far as the figure can go.

    Of a difference of scores, give the differences: sentences and references that both share are then none of its chance.
    """
    value = float(scores[:, 0].mean())
    half = float(least_seen(scores, 1 - CONFIDENCE))
    low, high = np.clip([value - half, value + half], *bounds)
    return Interval(value, float(min(low, value)), float(max(high, value)))


def p_values(differences: Floats) -> Floats:
    """Two-sided p-values of mean differences over references; differences [seed, R, ...] -> [...]."""
    distance = np.abs(differences[:, 0].mean(0))
    return _beyond(distance, *variances(differences), len(differences) - 1)


def least_seen(differences: Floats, level: float) -> Floats:
    """How large the mean difference would have to be for a p-value of `level`; [seed, R, ...] -> [...]."""
    by_sentences, by_references = variances(differences)
    deviation = np.sqrt(by_sentences + by_references)
    share = np.sqrt(by_references) / np.where(deviation > 0, deviation, 1)
    found: Floats = deviation * np.interp(share, SHARES, _multiples(len(differences) - 1, level))
    return found


@lru_cache(maxsize=256)
def _multiples(freedom: int, level: float) -> Floats:
    """How many deviations chance goes beyond as often as `level` says, for every one of SHARES."""
    low, high = np.ones_like(SHARES), np.full_like(SHARES, 100 / level)
    for _ in range(HALVINGS):
        middle = np.sqrt(low * high)
        seen = _beyond(middle, 1 - SHARES**2, SHARES**2, freedom) <= level
        low, high = np.where(seen, low, middle), np.where(seen, middle, high)
    return high


def _beyond(distance: Floats, by_sentences: Floats, by_references: Floats, freedom: int) -> Floats:
    """How often chance alone takes a mean further than a distance.

    Student's t is normal under a variance that is itself uncertain: the mean of normal tails over what it may be.
    """
    factor, weight = _uncertain(freedom)
    deviation = np.sqrt(by_sentences[..., None] + by_references[..., None] * factor)
    moves = deviation != 0
    unit = distance[..., None] / np.where(moves, deviation, 1)
    tails = np.where(moves, _tail(unit / np.sqrt(2)).astype(float), distance[..., None] == 0)
    beyond: Floats = np.minimum(tails @ weight, 1)
    return beyond


@lru_cache(maxsize=64)
def _uncertain(freedom: int) -> tuple[Floats, Floats]:
    """By how much a variance estimated with some degrees of freedom may be too small, as factors, and how likely each is.

    The estimate over the truth is chi-squared over its degrees of freedom; its logarithm is spread evenly.
    """
    if freedom == 0:
        return np.ones(1), np.ones(1)
    wide = 8 / np.sqrt(freedom)
    log = np.linspace(-1 - 32 / freedom - wide, np.log1p(40 / freedom) + wide, NODES)
    weight = np.exp(freedom / 2 * (log - np.exp(log) + 1))
    return np.exp(-log), weight / weight.sum()
