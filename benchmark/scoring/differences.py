"""Which scores differ: tests of paired differences, reference by reference, and the rank ranges that they leave open.

Scores are resampled, [seed, R, ...], R the sample itself and then its resamples.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import erfc

import numpy as np
import numpy.typing as npt

from benchmark.scoring.resampling import CONFIDENCE, Floats, variances

LOG_CHI2 = np.arange(-32, 6, 0.25)  # where the chi-squared distribution is summed; what lies outside is below 1e-6
HALVINGS = 20  # of the range that a difference is looked for in: to a hundred-thousandth of it

_tail = np.frompyfunc(erfc, 1, 1)  # importing scipy's takes longer than all that is computed with it


def p_values(differences: Floats) -> Floats:
    """Two-sided p-values of mean differences over references; differences [seed, R, ...] -> [...].

    The mean lies off by what sentences do, normal, and by what references do, Student's t with one degree of freedom less
    than there are references: the distribution that `over_seeds` draws from (Behrens and Fisher's), without its grain.
    """
    distance = np.abs(differences[:, 0].mean(0))
    return _beyond(distance, *variances(differences), len(differences))


def least_seen(differences: Floats, level: float) -> Floats:
    """How large the mean difference would have to be for a p-value of `level`; [seed, R, ...] -> [...]."""
    by_sentences, by_references = variances(differences)
    low = np.sqrt(by_sentences + by_references)  # chance alone goes beyond it often, and hardly ever beyond high
    high = low * 100 / level
    for _ in range(HALVINGS):
        middle = np.sqrt(low * high)
        seen = _beyond(middle, by_sentences, by_references, len(differences)) <= level
        low, high = np.where(seen, low, middle), np.where(seen, middle, high)
    return high


def _beyond(distance: Floats, by_sentences: Floats, by_references: Floats, seeds: int) -> Floats:
    """How often chance alone takes a mean further than a distance.

    Student's t is normal under a variance that is itself uncertain, chi-squared: the mean of normal tails over it.
    """
    scale, weight = _uncertain(seeds - 1)
    deviation = np.sqrt(by_sentences[..., None] + by_references[..., None] * scale)
    there = deviation > 0
    unit = distance[..., None] / np.where(there, deviation, 1)
    tails = np.where(there, _tail(unit / np.sqrt(2)).astype(float), distance[..., None] == 0)
    beyond: Floats = np.minimum(tails @ weight, 1)
    return beyond


@lru_cache(maxsize=64)
def _uncertain(freedom: int) -> tuple[Floats, Floats]:
    """By how much a variance estimated with some degrees of freedom may be too small, as factors, and how likely each is."""
    if freedom == 0:
        return np.ones(1), np.ones(1)
    chi2 = np.exp(LOG_CHI2)
    weight = chi2 ** (freedom / 2) * np.exp(-chi2 / 2)
    return freedom / chi2, weight / weight.sum()


def rank_ranges(scores: Floats) -> list[tuple[int, int]]:
    """For each of n submissions the range of ranks that chance leaves open; scores [n, seed, R].

    Low: 1 + how many are told apart from it as better. High: n - how many as worse. Those that cannot be told apart share
    the range.
    """
    apart = told_apart(scores)
    better, worse = (apart > 0).sum(0), (apart < 0).sum(0)
    return [(1 + int(above), len(scores) - int(below)) for above, below in zip(better, worse, strict=True)]


def told_apart(scores: Floats) -> npt.NDArray[np.int8]:
    """Which of n submissions differ: 1 where the row's score is higher than the column's, -1 lower, 0 not told apart.

    Scores [n, seed, R]. Of all pairs together at most one in twenty arenas has a wrong one (Holm 1979). It holds however the
    pairs depend on each other. Few references cannot tell how: resampled together (Romano & Wolf 2005), all pairs move as
    one with two references, and nothing would be corrected.
    """
    first, second = _pairs(len(scores))
    differences = _differences(scores)
    found = np.zeros((len(scores), len(scores)), dtype=np.int8)
    apart = np.asarray(holm(p_values(differences).tolist())) <= 1 - CONFIDENCE
    signs = np.where(apart, np.sign(differences[:, 0].mean(0)), 0)
    found[first, second], found[second, first] = signs, -signs
    return found


def least_difference(scores: Floats) -> float | None:
    """The difference that two of n submissions would typically need to be told apart; None for fewer than two."""
    if len(scores) < 2:
        return None
    differences = _differences(scores)
    return float(np.median(least_seen(differences, (1 - CONFIDENCE) / differences.shape[-1])))


def _pairs(count: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    first, second = np.triu_indices(count, 1)
    return first, second


def _differences(scores: Floats) -> Floats:
    """Of every pair of [n, seed, R]: [seed, R, pair]."""
    first, second = _pairs(len(scores))
    return np.moveaxis(scores[first] - scores[second], 0, -1)


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values of several tests, corrected so that together they err at the level of one (Holm 1979)."""
    order = np.argsort(np.asarray(p_values, dtype=float), kind="stable")
    factors = len(order) - np.arange(len(order))
    corrected = np.empty(len(order))
    corrected[order] = np.minimum(np.maximum.accumulate(np.asarray(p_values, dtype=float)[order] * factors), 1)
    return corrected.tolist()
