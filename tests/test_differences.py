"""Which scores differ, and the rank ranges that follow: that they err as often as they say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simplibench.scoring.differences import holm, rank_ranges, significant_pairs, typical_detectable_difference
from simplibench.scoring.inference import p_values
from simplibench.scoring.resampling import RESAMPLES, sentence_weights


def test_a_difference_of_equals_is_nothing():
    scores = np.random.default_rng(0).normal(size=(1, 3, 1 + RESAMPLES))
    assert not significant_pairs(np.concatenate([scores, scores])).any()
    assert typical_detectable_difference(np.concatenate([scores, scores])) == 0


def test_rank_ranges_separate_what_differs_and_join_what_does_not():
    noise, other = (np.random.default_rng(seed).normal(size=1_001) * 0.01 for seed in (0, 1))
    noise[0] = other[0] = 0
    scores = np.stack([0.9 + noise, 0.5 + noise, 0.5 + other, 0.1 + noise])[:, None]
    assert rank_ranges(scores) == [(1, 1), (2, 3), (2, 3), (4, 4)]


def test_equal_submissions_share_their_rank():
    scores = np.stack([np.linspace(0.4, 0.6, 1_001)] * 3)[:, None]
    assert rank_ranges(scores) == [(1, 3)] * 3


def test_paired_differences_separate_what_single_intervals_would_not():
    common = np.random.default_rng(0).normal(size=1_001)
    common[0] = 0
    assert rank_ranges(np.stack([common + 0.1, common])[:, None]) == [(1, 1), (2, 2)]


def test_of_many_equal_submissions_hardly_ever_are_two_told_apart():
    """Pair by pair, a third of such boards would have a wrong pair: 28 tests at one in twenty."""
    wrong = alone = 0
    for seed in range(200):
        scores = resampled(np.random.default_rng(seed), np.zeros(8))
        wrong += significant_pairs(scores).any()
        alone += significant_pairs(scores[:2]).any()
    assert wrong <= 0.08 * 200
    assert 0.01 * 200 <= alone <= 0.10 * 200


@pytest.mark.parametrize("seeds", [2, 5])
def test_on_several_references_equal_submissions_are_hardly_ever_told_apart(seeds):
    """Eight that are equally good on average, each better on some references and on some sentences."""
    rng, weights = np.random.default_rng(2), sentence_weights(60, "id").astype(float)
    wrong = 0
    for _ in range(200):
        score = rng.normal(0, 0.05, (8, seeds, 1)) + rng.normal(0, 0.1, (8, 1, 60)) + rng.normal(0, 0.2, (8, seeds, 60))
        wrong += significant_pairs(score @ weights.T / weights.sum(1)).any()
    assert wrong <= 0.08 * 200


def resampled(rng, truths):
    """Scores of submissions measured with unit noise on one reference, and resamples of it, [n, 1, R]."""
    measured = truths + rng.normal(size=len(truths))
    return np.column_stack([measured, measured[:, None] + rng.normal(size=(len(truths), RESAMPLES))])[:, None]


def test_differences_that_are_found_make_room_for_further_ones():
    """Four submissions far apart but for two: their pairs no longer count when the close ones are tested."""
    rng, truths = np.random.default_rng(3), np.array([0.0, 100, 200, 203.6])
    noise = rng.normal(size=(4, RESAMPLES))
    scores = np.column_stack([truths, truths[:, None] + noise])[:, None]
    close = float(p_values(scores[3] - scores[2]))
    assert 0.05 / 6 < close < 0.05
    apart = significant_pairs(scores)
    assert apart[3].tolist() == [1, 1, 1, 0]
    assert (apart == -apart.T).all()


def test_the_least_difference_of_one_pair_is_just_seen_and_no_smaller_one_is():
    noise = np.random.default_rng(0).normal(size=(2, 3, 1 + RESAMPLES))
    noise[:, :, 0] *= 0.1
    least = typical_detectable_difference(noise)
    shift = least - (noise[0, :, 0] - noise[1, :, 0]).mean()
    for factor, seen in ((1.001, True), (0.999, False)):
        moved = noise + np.array([least * factor - least + shift, 0])[:, None, None]
        assert significant_pairs(moved).any() == seen
    assert typical_detectable_difference(noise[:1]) is None


def test_holm_has_its_textbook_values():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9]) == [0.9]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_keeps_the_order_and_never_lowers_a_p_value(values):
    corrected = holm(values)
    assert all(0 <= own <= new <= 1 for own, new in zip(values, corrected, strict=True))
    order = np.argsort(values, kind="stable")
    assert (np.diff(np.array(corrected)[order]) >= 0).all()


@given(st.integers(0, 10**6), st.integers(2, 7))
def test_ranks_follow_the_submissions_whatever_their_order(seed, count):
    rng = np.random.default_rng(seed)
    scores = resampled(rng, rng.normal(0, 3, count))
    order = rng.permutation(count)
    ranges = rank_ranges(scores)
    assert rank_ranges(scores[order]) == [ranges[number] for number in order]
    assert all(1 <= low <= high <= count for low, high in ranges)
