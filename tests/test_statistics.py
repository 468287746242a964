"""Intervals, tests and rank ranges: that they err as often as they say, on simulated records with known truth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from benchmark.scoring.differences import holm, least_difference, p_values, rank_ranges, told_apart
from benchmark.scoring.faithfulness import faithfulness
from benchmark.scoring.resampling import RESAMPLES, interval, over_seeds, seed_deviations, sentence_weights

SIMULATIONS, CASES, WRONG, FLOOR = 1_000, 5, 0.3, 0.8


def covered(seeds, sentences, seed_sd, sentence_sd, interaction_sd):
    """How often the interval of faithfulness holds the truth when sentences and references are drawn anew each time."""
    rng, weights = np.random.default_rng(1), sentence_weights(sentences, "id").astype(float)
    hits = 0
    for _ in range(SIMULATIONS):
        wrong = WRONG + rng.normal(0, seed_sd, (seeds, 1)) + rng.normal(0, sentence_sd, sentences)
        wrong = np.clip(wrong + rng.normal(0, interaction_sd, (seeds, sentences)), 0, 1)
        own, floor = rng.binomial(CASES, wrong), rng.binomial(CASES, FLOOR, wrong.shape)
        found = interval(over_seeds([faithfulness(weights @ a, weights @ b) for a, b in zip(own, floor, strict=True)]))
        hits += found.low <= 1 - WRONG / FLOOR <= found.high
    return hits / SIMULATIONS


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize("sentence_sd", [0.0, 0.1])
@pytest.mark.parametrize("seed_sd", [0.0, 0.02, 0.08], ids=["alike", "nearly-alike", "different"])
def test_intervals_cover_the_truth_as_often_as_they_say_however_much_references_differ(seeds, sentence_sd, seed_sd):
    assert 0.92 <= covered(seeds, 100, seed_sd, sentence_sd, 0.0) <= 0.98


@pytest.mark.parametrize("seeds", [1, 2, 5])
@pytest.mark.parametrize("sentence_sd", [0.0, 0.1])
def test_intervals_cover_as_often_where_sentences_do_to_each_reference_something_else(seeds, sentence_sd):
    assert 0.92 <= covered(seeds, 40, 0.0, sentence_sd, 0.1) <= 0.98


@pytest.mark.parametrize("seeds", [2, 5])
def test_over_references_alone_the_interval_is_that_of_students_t(seeds):
    scores = np.random.default_rng(0).normal(size=seeds)
    found = interval(over_seeds([np.full(1 + RESAMPLES, value) for value in scores]))
    half = stats.t.ppf(0.975, seeds - 1) * scores.std(ddof=1) / np.sqrt(seeds)
    assert found.value == pytest.approx(scores.mean())
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.25)  # 25 of 1,000 resamples lie beyond each end


def test_a_single_reference_says_nothing_of_others():
    values = np.linspace(0, 1, 1 + RESAMPLES)
    assert np.array_equal(over_seeds([values]), values)


@pytest.mark.parametrize("seeds", [1, 2, 5])
def test_the_sample_itself_is_the_plain_mean(seeds):
    deviations = seed_deviations(seeds)
    assert not deviations[0].any()
    assert np.abs(deviations.sum(1)).max() < 1e-9


def test_what_sentences_do_to_all_references_moves_their_mean_and_what_they_do_to_one_does_not():
    common, *alone = np.random.default_rng(0).normal(size=(3, RESAMPLES))
    alike = [np.r_[0.5, 0.5 + common]] * 2
    assert over_seeds(alike) == pytest.approx(alike[0])
    apart = [np.r_[0.5, 0.5 + own] for own in alone]
    assert over_seeds(apart).std() < 0.2 * np.mean(apart, axis=0).std()


def test_a_difference_of_equals_is_nothing():
    scores = np.random.default_rng(0).normal(size=(1, 3, 1 + RESAMPLES))
    assert not told_apart(np.concatenate([scores, scores])).any()
    assert least_difference(np.concatenate([scores, scores])) == 0


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
        wrong += told_apart(scores).any()
        alone += told_apart(scores[:2]).any()
    assert wrong <= 0.08 * 200
    assert 0.01 * 200 <= alone <= 0.10 * 200


@pytest.mark.parametrize("seeds", [2, 5])
def test_on_several_references_equal_submissions_are_hardly_ever_told_apart(seeds):
    """Eight that are equally good on average, each better on some references and on some sentences."""
    rng, weights = np.random.default_rng(2), sentence_weights(60, "id").astype(float)
    wrong = 0
    for _ in range(200):
        score = rng.normal(0, 0.05, (8, seeds, 1)) + rng.normal(0, 0.1, (8, 1, 60)) + rng.normal(0, 0.2, (8, seeds, 60))
        wrong += told_apart(score @ weights.T / weights.sum(1)).any()
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
    apart = told_apart(scores)
    assert apart[3].tolist() == [1, 1, 1, 0]
    assert (apart == -apart.T).all()


def test_the_least_difference_of_one_pair_is_just_seen_and_no_smaller_one_is():
    noise = np.random.default_rng(0).normal(size=(2, 3, 1 + RESAMPLES))
    noise[:, :, 0] *= 0.1
    least = least_difference(noise)
    shift = least - (noise[0, :, 0] - noise[1, :, 0]).mean()
    for factor, seen in ((1.001, True), (0.999, False)):
        moved = noise + np.array([least * factor - least + shift, 0])[:, None, None]
        assert told_apart(moved).any() == seen
    assert least_difference(noise[:1]) is None


@pytest.mark.parametrize("seeds", [2, 3, 5, 20])
@pytest.mark.parametrize("away", [0.5, 3.0, 40.0, 1_000.0])
def test_over_references_alone_the_test_is_students(seeds, away):
    own = np.random.default_rng(seeds).normal(size=seeds)
    own += away * own.std(ddof=1) / np.sqrt(seeds) - own.mean()
    found = p_values(np.repeat(own[:, None], 1 + RESAMPLES, axis=1))
    assert found == pytest.approx(stats.ttest_1samp(own, 0).pvalue, rel=1e-3, abs=2e-7)


def test_over_sentences_alone_the_test_is_the_normal_one():
    moved = np.random.default_rng(0).normal(size=RESAMPLES)
    found = p_values(np.r_[2.0, 2 + moved][None])
    assert found == pytest.approx(2 * stats.norm.sf(2 / np.sqrt((moved**2).mean())))


def test_what_chance_does_not_move_differs_or_does_not():
    assert p_values(np.zeros((2, 1 + RESAMPLES))) == 1
    assert p_values(np.full((2, 1 + RESAMPLES), 0.25)) == 0


def test_p_values_are_those_of_the_distribution_that_intervals_are_drawn_from():
    rng = np.random.default_rng(4)
    scores = rng.normal(0, 0.3, (5, 1)) + rng.normal(size=1 + RESAMPLES) * 0.2
    scores[:, 1:] += scores[:, :1]
    drawn = over_seeds(scores)
    for distance in (0.1, 0.3, 0.5):
        shifted = scores - scores[:, 0].mean() + distance
        share = np.mean(abs(drawn[1:] - drawn[0]) >= distance)
        assert p_values(shifted) == pytest.approx(share, abs=0.03)


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
