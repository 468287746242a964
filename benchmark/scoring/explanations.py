"""Distances between explanations, and the statistics that the scores of explainers are made of."""

import numpy as np

from simplibench.arrays import Floats, Integers
from simplibench.scoring import version

VERSION = version.EXPLAINER
UNIT = 1e-6  # distances and correlations are stored as whole multiples of it: a difference below it is a tie


def shares(attributions: Floats) -> Floats:
    """Return attributions [..., token] divided by the sum of their absolute values, so that scale is free; 0 stays 0."""
    largest = np.abs(attributions).max(-1, keepdims=True)
    bounded = attributions / np.where(largest > 0, largest, 1)  # first, since the sum of huge ones may be infinite
    total = np.abs(bounded).sum(-1, keepdims=True)
    divided: Floats = bounded / np.where(total > 0, total, 1)
    return divided


def distance(a: Floats, b: Floats) -> Floats:
    """Return the distance of two explanations [..., token] of one case: half the sum of |share a - share b|, 0 to 1."""
    apart: Floats = np.abs(shares(a) - shares(b)).sum(-1) / 2
    return apart


def auc(same: Floats, different: Floats) -> Floats:
    """Return P(a distance in `different` exceeds one in `same`), ties counted half; [..., pair] each -> [...].

    `same` holds distances between models of equal function, `different` between models of different function. 1: every
    pair of different function lies further apart than every pair of equal function. 0.5: chance. 0: every one closer.
    """
    same_pairs, different_pairs = (np.ascontiguousarray(np.moveaxis(pairs, -1, 0)) for pairs in (same, different))
    twice = np.zeros(different_pairs.shape, dtype=np.min_scalar_type(2 * len(same_pairs)))
    for same_pair in same_pairs:  # pair by pair: all against all at once would not fit the processor's cache
        twice += different_pairs > same_pair
        twice += different_pairs >= same_pair
    area: Floats = twice.sum(0, dtype=np.int64) / (2 * len(same_pairs) * len(different_pairs))
    return area


def grouped_means(values: Integers, groups: Integers, cases: Integers, weights: Floats) -> Floats:
    """Return the weighted mean over cases within every group (a pair, a model), [..., R, group].

    `values` [..., row] holds one case of one group per row; `groups` [row] and `cases` [row] say which. `weights` is
    [R, case]. A group need not have every case; the mean is nan if a resample has none of its cases.
    """
    _, group = np.unique(groups, return_inverse=True)
    there = np.zeros((group.max() + 1, weights.shape[1]))
    table = np.zeros((len(there), *values.shape[:-1], weights.shape[1]))
    table[group, ..., cases], there[group, cases] = np.moveaxis(values, -1, 0), 1
    sums = (table.reshape(-1, weights.shape[1]) @ weights.T).reshape(*table.shape[:-1], -1)  # one product for all
    total = (there @ weights.T).reshape(len(there), *(1,) * (values.ndim - 1), -1)
    with np.errstate(invalid="ignore"):
        sums /= total
    means: Floats = np.moveaxis(sums, 0, -1)  # in memory group by group, as they are compared and averaged
    return means


def mean_over_groups(means: Floats) -> Floats:
    """Return the mean over groups [..., group] -> [...], without groups that are nan; 0 if all are."""
    known = np.isfinite(means)
    over: Floats = np.where(known, means, 0).sum(-1) / np.maximum(known.sum(-1), 1)
    return over
