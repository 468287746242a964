"""P-values and confidence intervals of means over references, for scores on references x sentences.

Scores are resampled, [seed, R, ...]: R is the sample itself and then its resamples. The error of a mean is the sum of two
parts: that of the sentences is normal, that of the references follows Student's t with one degree of freedom less than
there are references (the sum is Behrens and Fisher's distribution). Exact down to p-values of about 1e-6.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import erfc

import numpy as np

from simplibench.arrays import Floats
from simplibench.scoring import version

VERSION = version.UNCERTAINTY
CONFIDENCE = 0.95
NODES = 160  # at which the chi-squared distribution is summed
SHARES = np.concatenate(
    [[0], np.geomspace(1e-3, 1, 64)]
)  # of the standard error, due to references: minimum_detectable_difference interpolates between these
HALVINGS = 20  # of the interval searched for a critical value: to a hundred-thousandth of it

_tail = np.frompyfunc(erfc, 1, 1)  # importing scipy's takes longer than all that is computed with it


@dataclass(frozen=True)
class Interval:
    """A value with its confidence interval."""

    value: float
    low: float
    high: float


def variances(scores: Floats) -> tuple[Floats, Floats]:
    """Return the variance of the mean over references that sentences cause, and the one that references cause.

    `scores` [seed, R, ...] -> [...] each. These are the estimates of the two-way analysis of variance. The spread of the
    references' scores already holds what sentences do to each reference alone, so that part is subtracted from the
    variance due to sentences, down to 0. With a single reference all variance counts as due to sentences.
    """
    seeds, point_estimates = len(scores), scores[:, 0]
    moved = scores[:, 1:] - point_estimates[:, None]
    common = moved.mean(0)
    by_sentences = (common**2).mean(0)
    if seeds == 1:
        return by_sentences, np.zeros_like(by_sentences)
    alone = ((moved - common) ** 2).mean(1).sum(0) / (seeds * (seeds - 1))
    return np.clip(by_sentences - alone, 0, None), point_estimates.var(0, ddof=1) / seeds


def mean_interval(scores: Floats, bounds: tuple[float, float] = (-np.inf, np.inf)) -> Interval:
    """Return the mean over references of `scores` [seed, R] with its confidence interval, clipped to `bounds`.

    To compare two methods pass the differences of their scores: what both share then cancels.
    """
    value = float(scores[:, 0].mean())
    half = float(minimum_detectable_difference(scores, 1 - CONFIDENCE))
    low, high = np.clip([value - half, value + half], *bounds)
    return Interval(value, float(min(low, value)), float(max(high, value)))


def p_values(differences: Floats) -> Floats:
    """Return two-sided p-values of mean differences over references; `differences` [seed, R, ...] -> [...]."""
    distance = np.abs(differences[:, 0].mean(0))
    return _beyond(distance, *variances(differences), len(differences) - 1)


def minimum_detectable_difference(differences: Floats, level: float) -> Floats:
    """Return how large a mean difference must be for a p-value of `level`; `differences` [seed, R, ...] -> [...]."""
    by_sentences, by_references = variances(differences)
    deviation = np.sqrt(by_sentences + by_references)
    share = np.sqrt(by_references) / np.where(deviation > 0, deviation, 1)
    minimum: Floats = deviation * np.interp(share, SHARES, _multiples(len(differences) - 1, level))
    return minimum


@lru_cache(maxsize=256)
def _multiples(freedom: int, level: float) -> Floats:
    """Return the critical value at `level` in standard errors, one for each of SHARES."""
    low, high = np.ones_like(SHARES), np.full_like(SHARES, 100 / level)
    for _ in range(HALVINGS):
        middle = np.sqrt(low * high)
        significant = _beyond(middle, 1 - SHARES**2, SHARES**2, freedom) <= level
        low, high = np.where(significant, low, middle), np.where(significant, middle, high)
    return high


def _beyond(distance: Floats, by_sentences: Floats, by_references: Floats, freedom: int) -> Floats:
    """Return the probability of a mean further from 0 than `distance` if its expectation is 0; all arrays [...].

    Student's t is a normal distribution with an uncertain variance, so normal tails are averaged over that variance.
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
    """Return factors from an estimated variance with `freedom` degrees of freedom to the true one, and their weights.

    Both are [node]. The estimate over the truth is chi-squared over its degrees of freedom; the nodes are evenly spaced
    in its logarithm.
    """
    if freedom == 0:
        return np.ones(1), np.ones(1)
    wide = 8 / np.sqrt(freedom)
    log = np.linspace(-1 - 32 / freedom - wide, np.log1p(40 / freedom) + wide, NODES)
    weight = np.exp(freedom / 2 * (log - np.exp(log) + 1))
    return np.exp(-log), weight / weight.sum()
