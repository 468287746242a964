"""Intervals and p-values: that they err as often as they say, on simulated records with known truth."""

import numpy as np
import pytest
from scipy import stats

from simplibench.scoring.faithfulness import faithfulness
from simplibench.scoring.inference import mean_interval, minimum_detectable_difference, p_values, variances
from simplibench.scoring.resampling import RESAMPLES, sentence_weights

SIMULATIONS, CASES, WRONG, FLOOR = 1_000, 5, 0.3, 0.8
LEVELS = [0.05, 0.05 / 28, 0.05 / 190]


def covered(seeds, sentences, seed_sd, sentence_sd, interaction_sd):
    """How often the interval of faithfulness holds the truth when sentences and references are drawn anew each time."""
    rng, weights = np.random.default_rng(1), sentence_weights(sentences, "id").astype(float)
    hits = 0
    for _ in range(SIMULATIONS):
        wrong = WRONG + rng.normal(0, seed_sd, (seeds, 1)) + rng.normal(0, sentence_sd, sentences)
        wrong = np.clip(wrong + rng.normal(0, interaction_sd, (seeds, sentences)), 0, 1)
        own, floor = rng.binomial(CASES, wrong), rng.binomial(CASES, FLOOR, wrong.shape)
        found = mean_interval(
            np.stack([faithfulness(weights @ a, weights @ b) for a, b in zip(own, floor, strict=True)])
        )
        hits += found.low <= 1 - WRONG / FLOOR <= found.high
    return hits / SIMULATIONS


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize("sentence_sd", [0.0, 0.1])
@pytest.mark.parametrize("seed_sd", [0.0, 0.02, 0.08], ids=["alike", "nearly-alike", "different"])
def test_intervals_cover_the_truth_as_often_as_they_say_however_much_references_differ(seeds, sentence_sd, seed_sd):
    assert 0.92 <= covered(seeds, 100, seed_sd, sentence_sd, 0.0) <= 0.98


@pytest.mark.parametrize("seeds", [1, 3, 5])
@pytest.mark.parametrize("seed_sd", [0.0, 0.03], ids=["alike", "different"])
@pytest.mark.parametrize("sentence_sd", [0.0, 0.2])
def test_intervals_cover_as_often_where_sentences_do_to_each_reference_something_else(seeds, seed_sd, sentence_sd):
    assert 0.92 <= covered(seeds, 40, seed_sd if seeds > 1 else 0.0, sentence_sd, 0.1) <= 0.98


@pytest.mark.parametrize("seed_sd", [0.0, 0.03], ids=["alike", "different"])
def test_with_two_references_that_weigh_as_much_as_sentences_intervals_cover_somewhat_more_often(seed_sd):
    """Behrens and Fisher's distribution errs on this side, at most by three in a hundred and a half."""
    assert 0.95 <= covered(2, 40, seed_sd, 0.2, 0.1) <= 0.99


@pytest.mark.parametrize("seeds", [2, 3, 5, 20, 300])
@pytest.mark.parametrize("away", [0.5, 3.0, 40.0, 1_000.0])
def test_over_references_alone_the_test_is_students(seeds, away):
    own = np.random.default_rng(seeds).normal(size=seeds)
    own += away * own.std(ddof=1) / np.sqrt(seeds) - own.mean()
    found = p_values(over_references(own))
    assert found == pytest.approx(stats.ttest_1samp(own, 0).pvalue, rel=1e-3, abs=2e-7)


@pytest.mark.parametrize("seeds", [2, 3, 5, 20])
def test_over_references_alone_the_interval_is_students(seeds):
    own = np.random.default_rng(seeds).normal(size=seeds)
    found = mean_interval(over_references(own))
    half = stats.t.ppf(0.975, seeds - 1) * own.std(ddof=1) / np.sqrt(seeds)
    assert found.value == pytest.approx(own.mean())
    assert (found.value - found.low, found.high - found.value) == pytest.approx((half, half), rel=1e-4)


def over_references(own):
    """Scores [seed] that no sentence moves, [seed, R]."""
    return np.repeat(own[:, None], 1 + RESAMPLES, axis=1)


def test_a_single_reference_says_nothing_of_others():
    moved = np.random.default_rng(0).normal(size=RESAMPLES)
    scores = np.r_[2.0, 2 + moved][None]
    deviation = np.sqrt((moved**2).mean())
    assert p_values(scores) == pytest.approx(2 * stats.norm.sf(2 / deviation))
    assert minimum_detectable_difference(scores, 0.05) == pytest.approx(stats.norm.ppf(0.975) * deviation, rel=1e-4)


def test_what_sentences_do_to_all_references_is_due_to_them_and_what_they_do_to_one_is_not():
    common, *alone = np.random.default_rng(0).normal(size=(4, RESAMPLES))
    alike, _ = variances(np.array([np.r_[0.5, 0.5 + common]] * 3))
    assert alike == pytest.approx((common**2).mean())
    apart, _ = variances(np.array([np.r_[0.5, 0.5 + own] for own in alone]))
    assert apart < 0.02 * alike
    opposed, _ = variances(np.array([np.r_[0.5, 0.5 + common], np.r_[0.5, 0.5 - common]]))
    assert opposed == 0


def test_what_chance_does_not_move_differs_or_does_not():
    assert p_values(np.zeros((2, 1 + RESAMPLES))) == 1
    assert p_values(np.full((2, 1 + RESAMPLES), 0.25)) == 0
    assert mean_interval(np.full((2, 1 + RESAMPLES), 0.25)).high == 0.25


def test_what_is_no_number_gives_no_p_value():
    assert np.isnan(p_values(np.full((2, 1 + RESAMPLES), np.nan)))


def crossed(rng, shift):
    """Scores of five references that differ, on sentences that move them all alike, about `shift`."""
    own = rng.normal(0, 0.3, (5, 1))
    return own - own.mean() + shift + np.r_[0, rng.normal(0, 0.2, RESAMPLES)]


@pytest.mark.parametrize("distance", [0.1, 0.3, 0.5, 1.0])
def test_p_values_are_those_of_a_normal_and_a_student_together(distance):
    scores = crossed(np.random.default_rng(4), distance)
    by_sentences, by_references = variances(scores)
    rng = np.random.default_rng(5)
    drawn = rng.normal(0, np.sqrt(by_sentences), 400_000) + np.sqrt(by_references) * rng.standard_t(4, 400_000)
    assert p_values(scores) == pytest.approx(np.mean(abs(drawn) >= distance), abs=0.003)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("seeds", [1, 2, 3, 5, 10])
def test_the_least_difference_that_is_seen_has_the_p_value_asked_for(seeds, level):
    """However chance is shared out between references and sentences."""
    rng = np.random.default_rng(seeds)
    for share in (0.0, 0.01, 0.1, 0.5, 2.0, 30.0):
        own = share * rng.normal(0, 1, (seeds, 1))
        scores = own - own.mean() + np.r_[0, rng.normal(0, 1, RESAMPLES)]
        assert p_values(scores + minimum_detectable_difference(scores, level)) == pytest.approx(level, rel=0.02)


def test_an_interval_leaves_out_0_where_the_test_sees_a_difference():
    rng = np.random.default_rng(6)
    for shift in np.linspace(0, 1, 21):
        scores = crossed(rng, shift)
        found = mean_interval(scores)
        assert (p_values(scores) < 0.05) == (found.low > 0)


def test_an_interval_ends_where_its_figure_can_go_no_further_and_holds_its_value():
    scores = over_references(np.array([0.5, 0.9]))
    found = mean_interval(scores, (0.0, 1.0))
    assert (found.low, found.value, found.high) == (0, 0.7, 1)
    assert mean_interval(scores + 1, (0.0, 1.0)).high == 1.7
