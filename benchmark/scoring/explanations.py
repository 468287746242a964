"""What explanations are worth, from distances and rank correlations alone."""

import numpy as np
import numpy.typing as npt

VERSION = 1  # of every formula of the explainer track; raised when one changes
UNIT = 1e-6  # distances and correlations are stored as whole multiples of it: a difference below it is a tie

Floats = npt.NDArray[np.floating]
Integers = npt.NDArray[np.integer]


def shares(attributions: Floats) -> Floats:
    """Attributions [..., token] divided by the sum of their absolute values, so that their scale is free; 0 stays 0."""
    largest = np.abs(attributions).max(-1, keepdims=True)
    bounded = attributions / np.where(largest > 0, largest, 1)  # first, lest the sum of huge ones is infinite
    total = np.abs(bounded).sum(-1, keepdims=True)
    divided: Floats = bounded / np.where(total > 0, total, 1)
    return divided


def distance(a: Floats, b: Floats) -> Floats:
    """How far two explanations [..., token] of one case lie apart: half the sum of |share a - share b|, 0 to 1."""
    apart: Floats = np.abs(shares(a) - shares(b)).sum(-1) / 2
    return apart


def auc(same: Floats, different: Floats) -> Floats:
    """P(a pair of different function lies further apart than one of equal function), ties half; [..., pair] each -> [...].

    1: explanations tell models apart by what they compute. 0.5: chance. 0: by anything but.
    """
    ours, others = (np.ascontiguousarray(np.moveaxis(pairs, -1, 0)) for pairs in (same, different))
    twice = np.zeros(others.shape, dtype=np.min_scalar_type(2 * len(ours)))
    for one in ours:  # pair by pair: all against all at once would not fit the processor's cache
        twice += others > one
        twice += others >= one
    area: Floats = twice.sum(0, dtype=np.int64) / (2 * len(ours) * len(others))
    return area


def grouped_means(values: Integers, groups: Integers, cases: Integers, weights: Floats) -> Floats:
    """Mean over cases within every group (a pair, a model), [..., R, group], under the weights [R, case].

    Values [..., row], each row a case of a group. A group need not have every case; nan where a resample has none of its
    cases.
    """
    _, group = np.unique(groups, return_inverse=True)
    there = np.zeros((group.max() + 1, weights.shape[1]))
    table = np.zeros((len(there), *values.shape[:-1], weights.shape[1]))
    table[group, ..., cases], there[group, cases] = np.moveaxis(values, -1, 0), 1
    sums = (table.reshape(-1, weights.shape[1]) @ weights.T).reshape(*table.shape[:-1], -1)  # one product for all
    total = (there @ weights.T).reshape(len(there), *(1,) * (values.ndim - 1), -1)
    with np.errstate(invalid="ignore"):
        sums /= total
    means: Floats = np.moveaxis(sums, 0, -1)  # in memory group by group: so they are compared, and averaged
    return means


def mean_over_groups(means: Floats) -> Floats:
    """[..., group] -> [...], without the groups that a resample has no case of; 0 where it has of none."""
    known = np.isfinite(means)
    over: Floats = np.where(known, means, 0).sum(-1) / np.maximum(known.sum(-1), 1)
    return over
