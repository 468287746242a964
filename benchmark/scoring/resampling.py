"""Resamples of references and sentences together, common to all submissions, and the intervals that they give.

Arrays begin with the sample itself, then one value for each resample: R = 1 + RESAMPLES.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import exp, factorial

import numpy as np
import numpy.typing as npt

VERSION = 2  # of intervals, tests and ranks; raised when a formula changes. Records outlast it: they hold counts
RESAMPLES = 1_000
CONFIDENCE = 0.95
TAILS = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)
RESAMPLING_SEED = 20_240  # of the resamples themselves, the same for every submission: differences are paired
MOST = 9  # times that a resample takes one sentence: 16 random bits tell no rarer counts apart

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


def over_seeds(values: Sequence[Floats] | Floats) -> Floats:
    """The mean over reference seeds: resampled scores [R, ...], one array a seed -> [R, ...].

    Sentences and references are crossed: the mean moves with the sentences, as far as they move all references alike, and
    beside that with what the references' own scores, on the sentences there are, leave open. What a sentence does to one
    reference alone is in the spread of those scores already; counted twice, intervals of alike references would be too long.

    Not linear: of a difference of scores, give the differences, not the difference of two means.
    """
    scores = np.asarray(values)
    own = scores[:, 0]
    moved = (scores - own[:, None]).mean(0)
    found = (moved[1:] ** 2).mean(0)
    shared = np.sqrt(variances(scores)[0] / np.where(found > 0, found, 1))
    mean: Floats = own.mean(0) + shared * moved + np.tensordot(seed_deviations(len(own)), own, 1)
    return mean


def variances(scores: Floats) -> tuple[Floats, Floats]:
    """Of the mean over references: what sentences give it and what references give it; [seed, R, ...] -> [...] each.

    The two-way analysis of variance's estimates: from what sentences do to the mean, what would be left of it if they moved
    each reference on its own is taken away, down to 0. Of a single reference all is due to sentences.
    """
    seeds, own = len(scores), scores[:, 0]
    moved = scores[:, 1:] - own[:, None]
    common = moved.mean(0)
    by_sentences = (common**2).mean(0)
    if seeds == 1:
        return by_sentences, np.zeros_like(by_sentences)
    alone = ((moved - common) ** 2).mean(1).sum(0) / (seeds * (seeds - 1))
    return np.clip(by_sentences - alone, 0, None), own.var(0, ddof=1) / seeds


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


@lru_cache(maxsize=64)
def sentence_weights(sentences: int, split: str) -> npt.NDArray[np.float32]:
    """How often each sentence of a split stands in each resample, [1 + resample, sentence]; row 0 is the sample itself.

    Poisson(1) counts, the large-sample form of drawing with replacement. The same for every entry and every reference
    seed: the factors are crossed. Whole numbers, so that float32 sums of counts are exact.
    """
    rng = np.random.default_rng([RESAMPLING_SEED, sentences, *split.encode()])
    drawn = _poisson()[rng.integers(1 << 16, size=(RESAMPLES, sentences), dtype=np.uint16)]
    return np.concatenate([np.ones((1, sentences), np.float32), drawn])


@lru_cache(maxsize=1)
def _poisson() -> npt.NDArray[np.float32]:
    """Poisson(1) by a number of 16 bits: its distribution's inverse. Numpy's own draws take several times as long."""
    below = np.cumsum([exp(-1) / factorial(count) for count in range(MOST)])
    return np.searchsorted(below, (np.arange(1 << 16) + 0.5) / (1 << 16)).astype(np.float32)
