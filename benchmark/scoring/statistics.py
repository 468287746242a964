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
