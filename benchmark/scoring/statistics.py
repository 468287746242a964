"""Resampling of references and sentences together: intervals, tests and rank ranges, from common resamples.

Arrays begin with the sample itself, then one value for each resample: R = 1 + RESAMPLES.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

RESAMPLES = 1_000
CONFIDENCE = 0.95
TAILS = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)
RESAMPLING_SEED = 20_240  # of the resamples themselves, the same for every submission: differences are paired

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Interval:
    """A figure with its confidence interval."""

    value: float
    low: float
    high: float


def interval(values: Floats, bounds: tuple[float, float] = (-np.inf, np.inf)) -> Interval:
    """The estimate values[0] with the percentile interval of its resamples values[1:], as far as the figure can go."""
    low, high = np.clip(np.quantile(values[1:], TAILS), *bounds)
    return Interval(float(values[0]), float(min(low, values[0])), float(max(high, values[0])))


@lru_cache(maxsize=64)
def seed_deviations(seeds: int) -> Floats:
    """What each resample adds to a mean over reference seeds, as weights of their scores, [1 + resample, seed].

    Row 0, the sample itself, is 0, and every row sums to 0. Over resamples the sum is distributed as Student's t with one
    degree of freedom less than seeds, times the standard error of the mean. Drawing seeds with replacement would give
    intervals that are too short: by a third for five seeds. A single seed says nothing of others: all 0.
    """
    if seeds == 1:
        return np.zeros((1 + RESAMPLES, 1))
    rng = np.random.default_rng([RESAMPLING_SEED, seeds])
    normal = rng.standard_normal((RESAMPLES, seeds))
    centred = normal - normal.mean(1, keepdims=True)
    spread = np.sqrt((seeds - 1) / rng.chisquare(seeds - 1, (RESAMPLES, 1)))
    return np.concatenate([np.zeros((1, seeds)), centred * spread / np.sqrt(seeds * (seeds - 1))])


def over_seeds(values: Sequence[Floats]) -> Floats:
    """The mean over reference seeds: resampled scores [R, ...], one array a seed -> [R, ...].

    Sentences and references are crossed: the mean moves with the sentences, and beside that with what the references'
    own scores, on the sentences there are, leave open.
    """
    deviations = seed_deviations(len(values))
    own = np.stack([value[0] for value in values])  # [seed, ...]
    mean: Floats = np.mean(values, axis=0) + np.tensordot(deviations, own, 1)
    return mean


@lru_cache(maxsize=64)
def sentence_weights(sentences: int, split: str) -> npt.NDArray[np.float32]:
    """How often each sentence of a split stands in each resample, [1 + resample, sentence]; row 0 is the sample itself.

    Poisson(1) counts, the large-sample form of drawing with replacement. The same for every entry and every reference
    seed: the factors are crossed. Whole numbers, so that float32 sums of counts are exact.
    """
    rng = np.random.default_rng([RESAMPLING_SEED, sentences, *split.encode()])
    drawn = rng.poisson(1.0, size=(RESAMPLES, sentences))
    return np.concatenate([np.ones((1, sentences)), drawn]).astype(np.float32)


def rank_ranges(scores: Floats) -> list[tuple[int, int]]:
    """For each of n submissions the range of ranks that the resamples leave open; scores [n, R].

    Low: 1 + how many are told apart from it as better. High: n - how many as worse. Those that cannot be told apart share
    the range.
    """
    apart = told_apart(scores)
    better, worse = (apart > 0).sum(0), (apart < 0).sum(0)
    return [(1 + int(above), len(scores) - int(below)) for above, below in zip(better, worse, strict=True)]


def told_apart(scores: Floats) -> npt.NDArray[np.int8]:
    """Which of n submissions differ: 1 where the row's score is higher than the column's, -1 lower, 0 not told apart.

    Of all pairs together at most one in twenty arenas has a wrong one: the largest of all paired differences, each in units
    of its own interval, is held against its distribution over the common resamples, and again without the pairs found, until
    no more are found (step-down, Romano & Wolf 2005).
    """
    first, second = np.triu_indices(len(scores), 1)
    found = np.zeros((len(scores), len(scores)), dtype=np.int8)
    if len(first) == 0:
        return found
    differences = scores[first] - scores[second]  # [pair, R]
    size, spread = _in_intervals(differences)
    apart = np.zeros(len(first), dtype=bool)
    while not apart.all():
        critical = np.quantile(spread[~apart].max(0), CONFIDENCE)
        more = ~apart & (size > critical)
        if not more.any():
            break
        apart |= more
    signs = np.where(apart, np.sign(differences[:, 0]), 0)
    found[first, second], found[second, first] = signs, -signs
    return found


def least_difference(scores: Floats) -> float | None:
    """The difference that two of n submissions would typically need to be told apart; None for fewer than two."""
    if len(scores) < 2:
        return None
    first, second = np.triu_indices(len(scores), 1)
    differences = scores[first] - scores[second]
    _, spread = _in_intervals(differences)
    half = np.quantile(np.abs(differences[:, 1:] - differences[:, :1]), CONFIDENCE, axis=1)
    return float(np.median(half) * np.quantile(spread.max(0), CONFIDENCE))


def _in_intervals(differences: Floats) -> tuple[Floats, Floats]:
    """Differences [pair], and how far their resamples lie from them [pair, resample], by half the width of each interval."""
    away = np.abs(differences[:, 1:] - differences[:, :1])
    half = np.quantile(away, CONFIDENCE, axis=1)
    unit = np.where(half > 0, half, 1)
    size = np.abs(differences[:, 0])
    return np.where(half > 0, size / unit, np.where(size > 0, np.inf, 0)), away / unit[:, None]


def p_value(difference: Floats) -> float:
    """Two-sided, of a resampled difference [R]: how often resamples lie further from it than 0 does; at least 1 / R."""
    away = np.abs(difference[1:] - difference[0])
    return float((1 + np.count_nonzero(away >= abs(difference[0]))) / len(difference))


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values of several tests, corrected so that together they err at the level of one (Holm 1979)."""
    order = np.argsort(np.asarray(p_values, dtype=float), kind="stable")
    factors = len(order) - np.arange(len(order))
    corrected = np.empty(len(order))
    corrected[order] = np.minimum(np.maximum.accumulate(np.asarray(p_values, dtype=float)[order] * factors), 1)
    return corrected.tolist()


def kendall_tau(a: Floats, b: Floats) -> float:
    """Rank correlation tau-b of two score lists: 1 same order, -1 reversed, nan where either is constant."""
    sign_a, sign_b = np.sign(a[:, None] - a), np.sign(b[:, None] - b)
    norm = np.sqrt(np.count_nonzero(sign_a) * np.count_nonzero(sign_b))
    return float((sign_a * sign_b).sum() / norm) if norm else float("nan")


def ranks(values: Floats) -> Floats:
    """Ranks along the last axis, ties sharing their mean: (how many are smaller + how many are not larger + 1) / 2."""
    ordered = np.sort(values, axis=-1)
    found = [
        (np.searchsorted(row, own, "left") + np.searchsorted(row, own, "right") + 1) / 2
        for row, own in zip(ordered.reshape(-1, values.shape[-1]), values.reshape(-1, values.shape[-1]), strict=True)
    ]
    return np.array(found).reshape(values.shape)


def spearman(a: Floats, b: Floats) -> float:
    """Rank correlation of two lists of numbers, ties sharing their mean rank; 0 where `a` is constant.

    A constant prediction `a` ranks nothing, and so earns nothing. Raises ValueError where `b`, what is to be predicted,
    is constant: then there is nothing to rank.
    """
    rank_a, rank_b = (own - own.mean() for own in (ranks(a), ranks(b)))
    norm_a, norm_b = np.sqrt((rank_a**2).sum()), np.sqrt((rank_b**2).sum())
    if norm_b == 0:
        raise ValueError("what is to be predicted must not be constant")
    return float(np.clip((rank_a * rank_b).sum() / (norm_a * norm_b), -1, 1)) if norm_a else 0.0


def spearman_interval(a: Floats, b: Floats) -> Interval:
    """Rank correlation with the percentile interval of resamples of the pairs; constant resamples are left out."""
    rng = np.random.default_rng([RESAMPLING_SEED, len(a)])
    drawn = rng.integers(len(a), size=(RESAMPLES, len(a)))
    resampled = [spearman(a[own], b[own]) for own in drawn if np.ptp(b[own]) > 0]
    return interval(np.array([spearman(a, b), *resampled]))
