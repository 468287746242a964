"""Which scores differ: tests of paired differences, reference by reference, and the rank ranges that they leave open."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from simplibench.scoring.chance import CONFIDENCE, least_seen, p_values
from simplibench.scoring.resampling import Floats


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
