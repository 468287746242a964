"""Rank correlations, and the interval of one."""

import numpy as np

from simplibench.arrays import Floats
from simplibench.scoring.inference import CONFIDENCE, Interval
from simplibench.scoring.resampling import RESAMPLES, RESAMPLING_SEED

TAILS = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)


def kendall_tau(a: Floats, b: Floats) -> float | None:
    """Return the rank correlation tau-b of two score lists: 1 same order, -1 reversed, None where all of either tie."""
    sign_a, sign_b = np.sign(a[:, None] - a), np.sign(b[:, None] - b)
    norm = np.sqrt(np.count_nonzero(sign_a) * np.count_nonzero(sign_b))
    return float((sign_a * sign_b).sum() / norm) if norm else None


def ranks(values: Floats) -> Floats:
    """Return ranks along the last axis, ties sharing their mean: (number smaller + number not larger + 1) / 2."""
    ordered = np.sort(values, axis=-1)
    ranked = [
        (np.searchsorted(sorted_row, row, "left") + np.searchsorted(sorted_row, row, "right") + 1) / 2
        for sorted_row, row in zip(
            ordered.reshape(-1, values.shape[-1]), values.reshape(-1, values.shape[-1]), strict=True
        )
    ]
    return np.array(ranked).reshape(values.shape)


def spearman(a: Floats, b: Floats) -> float:
    """Return the rank correlation of predictions `a` [n] with true values `b` [n], ties sharing their mean rank.

    Constant predictions rank nothing, and so earn 0.

    Raises: ValueError if `b` is constant: then there is nothing to rank.
    """
    rank_a, rank_b = (rank - rank.mean() for rank in (ranks(a), ranks(b)))
    norm_a, norm_b = np.sqrt((rank_a**2).sum()), np.sqrt((rank_b**2).sum())
    if norm_b == 0:
        raise ValueError("what is to be predicted must not be constant")
    return float(np.clip((rank_a * rank_b).sum() / (norm_a * norm_b), -1, 1)) if norm_a else 0.0


def spearman_interval(a: Floats, b: Floats) -> Interval:
    """Return `spearman(a, b)` with the percentile interval of resamples of the pairs.

    Resamples in which `b` is constant are left out.
    """
    rng = np.random.default_rng([RESAMPLING_SEED, len(a)])
    drawn = rng.integers(len(a), size=(RESAMPLES, len(a)))
    resampled = [spearman(a[indices], b[indices]) for indices in drawn if np.ptp(b[indices]) > 0]
    value = spearman(a, b)
    low, high = np.quantile(resampled, TAILS)
    return Interval(value, float(min(low, value)), float(max(high, value)))
