"""What explanations are worth, from distances and rank correlations alone."""

import numpy as np
import numpy.typing as npt

VERSION = 1  # of every formula of the explainer track; raised when one changes
UNIT = 1e-6  # distances and correlations are stored as whole multiples of it: a difference below it is a tie

Floats = npt.NDArray[np.floating]
Integers = npt.NDArray[np.integer]


def shares(attributions: Floats) -> Floats:
    """Attributions [..., token] divided by the sum of their absolute values, so that their scale is free; 0 stays 0."""
    total = np.abs(attributions).sum(-1, keepdims=True)
    divided: Floats = attributions / np.where(total > 0, total, 1)
    return divided


def distance(a: Floats, b: Floats) -> Floats:
    """How far two explanations [..., token] of one case lie apart: half the sum of |share a - share b|, 0 to 1."""
    apart: Floats = np.abs(shares(a) - shares(b)).sum(-1) / 2
    return apart


def auc(same: Floats, different: Floats) -> Floats:
    """P(a pair of different function lies further apart than one of equal function), ties half; [R, pair] each -> [R].

    1: explanations tell models apart by what they compute. 0.5: chance. 0: by anything but.
    """
    further = different[:, :, None] > same[:, None, :]
    tied = different[:, :, None] == same[:, None, :]
    area: Floats = (further + 0.5 * tied).mean((1, 2))
    return area


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


def grouped_means(values: Integers, groups: Integers, cases: Integers, weights: Floats) -> Floats:
    """Mean over cases within every group (a pair, a model), [R, group], under the weights [R, case].

    A group need not have every case; nan where a resample has none of its cases.
    """
    _, group = np.unique(groups, return_inverse=True)
    table, there = (np.zeros((group.max() + 1, weights.shape[1])) for _ in range(2))
    table[group, cases], there[group, cases] = values, 1
    total = weights @ there.T
    means: Floats = np.where(total > 0, weights @ table.T / np.maximum(total, 1), np.nan)
    return means


def mean_over_groups(means: Floats) -> Floats:
    """[R, group] -> [R], without the groups that a resample has no case of; 0 where it has of none."""
    known = np.isfinite(means)
    over: Floats = np.where(known, means, 0).sum(-1) / np.maximum(known.sum(-1), 1)
    return over
