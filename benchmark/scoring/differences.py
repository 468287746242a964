"""Significance tests of paired differences of scores, and the rank ranges that they leave open."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from simplibench.arrays import Floats
from simplibench.scoring.inference import CONFIDENCE, minimum_detectable_difference, p_values


def rank_ranges(scores: Floats) -> list[tuple[int, int]]:
    """Return for each of n submissions the lowest and the highest rank it may have; `scores` [n, seed, R].

    Low: 1 + the number that are significantly better. High: n - the number that are significantly worse.
    """
    signs = significant_pairs(scores)
    better, worse = (signs > 0).sum(0), (signs < 0).sum(0)
    return [(1 + int(above), len(scores) - int(below)) for above, below in zip(better, worse, strict=True)]


def significant_pairs(scores: Floats) -> npt.NDArray[np.int8]:
    """Return [n, n]: 1 where the row's score is significantly higher than the column's, -1 lower, 0 neither.

    `scores` [n, seed, R]. The p-values of all pairs are corrected together (Holm 1979): at most one arena in twenty has
    any wrong pair, however the pairs depend on each other. With few references that dependence cannot be estimated: two
    references move all pairs as one, so resampling all pairs together (Romano & Wolf 2005) would correct nothing.
    """
    first, second = _pairs(len(scores))
    differences = _differences(scores)
    table = np.zeros((len(scores), len(scores)), dtype=np.int8)
    significant = np.asarray(holm(p_values(differences).tolist())) <= 1 - CONFIDENCE
    signs = np.where(significant, np.sign(differences[:, 0].mean(0)), 0)
    table[first, second], table[second, first] = signs, -signs
    return table


def typical_detectable_difference(scores: Floats) -> float | None:
    """Return the median over pairs of the smallest significant difference; `scores` [n, seed, R], None for n < 2."""
    if len(scores) < 2:
        return None
    differences = _differences(scores)
    return float(np.median(minimum_detectable_difference(differences, (1 - CONFIDENCE) / differences.shape[-1])))


def _pairs(count: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    first, second = np.triu_indices(count, 1)
    return first, second


def _differences(scores: Floats) -> Floats:
    """Return the difference of every pair of `scores` [n, seed, R] as [seed, R, pair]."""
    first, second = _pairs(len(scores))
    return np.moveaxis(scores[first] - scores[second], 0, -1)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected so that all tests together err as often as a single one would (Holm 1979)."""
    order = np.argsort(np.asarray(p_values, dtype=float), kind="stable")
    factors = len(order) - np.arange(len(order))
    corrected = np.empty(len(order))
    corrected[order] = np.minimum(np.maximum.accumulate(np.asarray(p_values, dtype=float)[order] * factors), 1)
    return corrected.tolist()
