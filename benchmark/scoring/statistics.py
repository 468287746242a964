"""Bootstrap over references and sentences together, intervals and rank ranges, from common resamples."""

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


def interval(values: Floats) -> Interval:
    """The estimate values[0] with the percentile interval of its resamples values[1:]."""
    low, high = np.quantile(values[1:], TAILS)
    return Interval(float(values[0]), float(min(low, values[0])), float(max(high, values[0])))


@lru_cache(maxsize=64)
def seed_weights(seeds: int) -> Floats:
    """How often each reference seed stands in each resample, [1 + resample, seed]; row 0 is the sample itself."""
    rng = np.random.default_rng([RESAMPLING_SEED, seeds])
    drawn = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=RESAMPLES)
    return np.concatenate([np.ones((1, seeds)), drawn])


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
    """For each of n submissions the range of ranks that the resamples leave open; scores [n, 1 + resample].

    Low: 1 + how many are significantly better, the interval of the paired difference lying above 0. High: n - how many
    are significantly worse. Submissions that cannot be told apart share the range.
    """
    ranges = []
    for own in scores:
        low, high = np.quantile((scores - own)[:, 1:], TAILS, axis=1)
        better, worse = np.count_nonzero(low > 0), np.count_nonzero(high < 0)
        ranges.append((1 + int(better), len(scores) - int(worse)))
    return ranges


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
