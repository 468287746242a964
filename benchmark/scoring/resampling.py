"""Resamples of the sentences, common to all submissions.

Axis R of the arrays holds the sample itself, then one value per resample: R = 1 + RESAMPLES.
"""

from functools import lru_cache
from math import exp, factorial

import numpy as np
import numpy.typing as npt

RESAMPLES = 1_000
RESAMPLING_SEED = 20_240  # of the resamples themselves, the same for every submission: differences are paired
COUNTS = 9  # from 0: how often a resample can take one sentence; 16 random bits tell no rarer ones apart


@lru_cache(maxsize=64)
def sentence_weights(sentences: int, split: str) -> npt.NDArray[np.float32]:
    """Return how often each sentence of a split is in each resample, [R, sentence]; row 0 is the sample itself.

    Poisson(1) counts are the large-sample form of drawing with replacement. They are the same for every entry and every
    reference seed, since references and sentences are crossed. Whole numbers keep float32 sums of counts exact.
    """
    rng = np.random.default_rng([RESAMPLING_SEED, sentences, *split.encode()])
    drawn = _poisson()[rng.integers(1 << 16, size=(RESAMPLES, sentences), dtype=np.uint16)]
    return np.concatenate([np.ones((1, sentences), np.float32), drawn])


@lru_cache(maxsize=1)
def _poisson() -> npt.NDArray[np.float32]:
    """Return Poisson(1)'s inverse distribution by a number of 16 bits: several times as fast as numpy's own draws."""
    below = np.cumsum([exp(-1) / factorial(count) for count in range(COUNTS)])
    return np.searchsorted(below, (np.arange(1 << 16) + 0.5) / (1 << 16)).astype(np.float32)
