"""What explanations are worth: distances, areas, rank correlations, and the figures made of them; no model is run."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import stats

from simplibench.records import (
    BankTable,
    ExplainerCounts,
    explainer_figures,
)
from simplibench.records.explainer import MASKINGS, PAIR_KINDS, by_masking, cases_of, equivalence, intervention
from simplibench.scoring.correlation import ranks, spearman, spearman_interval
from simplibench.scoring.explanations import UNIT, auc, distance, grouped_means, mean_over_groups, shares

ONE = round(1 / UNIT)  # as distances and correlations are stored


def eighths(shape):
    """Numbers with ties and zeros among them, whose sums are exact."""
    return arrays(np.int64, shape, elements=st.integers(-40, 40)).map(lambda whole: whole / 8)


@st.composite
def explanations(draw, count):
    shape = draw(array_shapes(min_dims=1, max_dims=2, max_side=6))
    return [draw(eighths(shape)) for _ in range(count)]


@pytest.mark.parametrize(
    ("a", "b", "apart"),
    [
        ([1, 1, 2, 0], [0, 1, 1, 2], 0.5),  # shares differ by 1/4, 0, 1/4 and 1/2
        ([3, 1], [1, 3], 0.5),
        ([1, -1], [1, 1], 0.5),
        ([5, 0, 0], [0, 0, 7], 1.0),
        ([2, 1], [-2, -1], 1.0),
        ([0, 0], [0, 0], 0.0),
        ([0, 0], [3, 1], 0.5),
    ],
)
def test_the_distance_is_half_of_how_far_the_shares_differ(a, b, apart):
    assert distance(np.array(a), np.array(b)) == apart
    assert distance(np.array(b), np.array(a)) == apart


def test_an_explanation_of_nothing_has_no_shares_and_troubles_no_other_case():
    assert shares(np.array([[0.0, 0.0], [1.0, -3.0]])).tolist() == [[0, 0], [0.25, -0.75]]


@given(explanations(2), st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
def test_the_scale_of_an_explanation_is_free(pair, first, second):
    a, b = pair
    assert np.allclose(distance(first * a, second * b), distance(a, b), rtol=0, atol=1e-12)
    assert np.allclose(distance(first * a, a), 0, rtol=0, atol=1e-12)


@given(explanations(3))
def test_distances_are_symmetric_between_nought_and_one_and_no_way_round_is_shorter(three):
    a, b, c = three
    assert distance(a, a).max(initial=0) == 0
    assert np.array_equal(distance(a, b), distance(b, a))
    assert (distance(a, b) >= 0).all()
    assert (distance(a, b) <= 1 + 1e-12).all()
    assert (distance(a, c) <= distance(a, b) + distance(b, c) + 1e-12).all()


def area(same, different):
    (found,) = auc(np.array([same], dtype=float), np.array([different], dtype=float))
    return found


@pytest.mark.parametrize(
    ("same", "different", "expected"),
    [
        ([1, 2], [3, 4], 1.0),
        ([3, 4], [1, 2], 0.0),
        ([1, 3], [2, 4], 0.75),
        ([2], [1, 2, 2, 3], 0.5),
        ([0, 0, 0], [0, 0], 0.5),
        ([1, 2], [2], 0.75),
    ],
)
def test_the_area_is_the_share_of_comparisons_that_are_won_and_half_of_those_tied(same, different, expected):
    assert area(same, different) == expected


@given(arrays(np.int64, (2, 5), elements=st.integers(0, 4)), arrays(np.int64, (2, 3), elements=st.integers(0, 4)))
def test_areas_swapped_add_up_to_one_and_only_order_counts(same, different):
    found = auc(same, different)
    assert np.allclose(found + auc(different, same), 1)
    assert np.array_equal(auc(np.exp(same), np.exp(different)), found)
    assert (auc(same, same) == 0.5).all()
    assert auc(same[1:], different[1:])[0] == found[1]  # resamples do not meet


@given(arrays(np.int64, st.tuples(st.integers(1, 3), st.integers(1, 9)), elements=st.integers(-4, 4)))
def test_ranks_are_the_textbooks(values):
    assert np.array_equal(ranks(values), stats.rankdata(values, axis=-1))


@given(eighths((9,)), eighths((9,)))
def test_the_rank_correlation_is_the_textbooks(a, b):
    assume(np.ptp(a) > 0)
    assume(np.ptp(b) > 0)
    assert spearman(a, b) == pytest.approx(stats.spearmanr(a, b).statistic, abs=1e-12)


def test_rank_correlations_have_their_exact_values():
    rising = np.array([1.0, 2.0, 4.0, 8.0])
    assert spearman(rising, rising**3) == pytest.approx(1)
    assert spearman(rising, -rising) == pytest.approx(-1)
    assert spearman(np.array([2.0, 1.0, 4.0, 8.0]), rising) == pytest.approx(0.8)  # 1 - 6 * 2 / (4 * 15)


def test_a_prediction_that_ranks_nothing_earns_nothing():
    assert spearman(np.zeros(3), np.array([1.0, 2.0, 3.0])) == 0


def test_what_is_to_be_predicted_may_not_be_constant():
    with pytest.raises(ValueError, match="what is to be predicted must not be constant"):
        spearman(np.array([1.0, 2.0, 3.0]), np.ones(3))


def related(count):
    rng = np.random.default_rng(0)
    a = rng.normal(size=count)
    return a, a + rng.normal(size=count)


def test_the_interval_of_a_rank_correlation_holds_it_and_shrinks_with_more_pairs():
    few, many = spearman_interval(*related(25)), spearman_interval(*related(400))
    truth = 6 / np.pi * np.arcsin(0.5**0.5 / 2)  # of normal variables whose correlation is 1 / sqrt(2)
    assert few.low < few.value < few.high
    assert many.low < truth < many.high
    assert many.high - many.low < (few.high - few.low) / 2
    assert many.value == spearman(*related(400))
    assert many == spearman_interval(*related(400))


def test_the_interval_of_a_perfect_order_is_a_point_and_constant_resamples_are_left_out():
    two = np.array([0.0, 1.0])  # half of the resamples draw one of them twice
    found = spearman_interval(two, two)
    assert (found.low, found.value, found.high) == pytest.approx((1, 1, 1))


def test_means_are_taken_over_the_cases_that_a_group_has_and_a_resample_draws():
    # group 7 has 10 and 30, group 9 only a 50 in case 0
    values, groups, cases = np.array([10, 30, 50]), np.array([7, 7, 9]), np.array([0, 1, 0])
    weights = np.array([[1.0, 1.0], [3.0, 1.0], [0.0, 2.0], [0.0, 0.0]])
    means = grouped_means(values, groups, cases, weights)
    nan = np.nan
    np.testing.assert_array_equal(means, [[20, 50], [15, 50], [30, nan], [nan, nan]])
    assert mean_over_groups(means).tolist() == [35, 32.5, 30, 0]


def by_hand():
    """One split of two cases. Pair 1, one of equal function, has no second case; model 5 has no second one either."""
    same, broken, swapped = (PAIR_KINDS.index(kind) for kind in ("same", "broken", "swapped"))
    pairs = [  # pair, kind, case, distance
        (0, same, 0, 0.1),
        (0, same, 1, 0.3),  # mean 0.2
        (1, same, 0, 0.4),  # mean 0.4
        (2, broken, 0, 0.3),
        (2, broken, 1, 0.3),  # mean 0.3
        (3, swapped, 0, 0.2),
        (3, swapped, 1, 0.6),  # mean 0.4
    ]
    token, group = MASKINGS.index("token"), MASKINGS.index("group")
    masked = [  # masking, form, model, case, correlation
        (token, 0, 4, 0, 1.0),
        (token, 0, 4, 1, 0.0),  # mean 0.5
        (token, 0, 5, 0, 0.2),  # mean 0.2, over models 0.35
        (group, 0, 5, 1, -0.3),
        (token, 1, 4, 0, 0.8),
    ]
    pair, kind, pair_case, apart = (np.array(column) for column in zip(*pairs, strict=True))
    masking, form, model, case, rho = (np.array(column) for column in zip(*masked, strict=True))
    nought = np.zeros(len(pairs), dtype=int), np.zeros(len(masked), dtype=int)
    bank = BankTable(nought[0], kind, pair, pair_case, nought[1], masking, form, model, case)
    return bank, ExplainerCounts(*(np.round(ONE * own).astype(int) for own in (apart, rho)))


def test_figures_of_a_bank_written_by_hand():
    figures = explainer_figures(*by_hand(), 0)
    assert figures["cases"] == cases_of(by_hand()[0], 0) == 2
    assert figures["equivalence"] == 2.5 / 4  # 0.3 lies above 0.2, 0.4 above 0.2 and ties with 0.4
    assert figures["equivalence_by_kind"] == {"broken": 0.5, "swapped": 0.75}
    assert figures["intervention_by_masking"] == pytest.approx({"token": 0.35, "group": -0.3})
    assert figures["intervention"] == pytest.approx(0.025)
    assert figures["replaced_by_masking"] == pytest.approx({"token": 0.8})
    assert figures["replaced"] == pytest.approx(0.8)


def test_resamples_weigh_the_cases_of_a_bank():
    bank, counts = by_hand()
    weights = np.array([[1.0, 1.0], [2.0, 0.0], [3.0, 1.0]])
    # case 0 alone: 0.3 and 0.2 against 0.1 and 0.4; three times case 0: 0.3 and 0.3 against 0.15 and 0.4
    assert equivalence(bank, counts, 0, weights).tolist() == [2.5 / 4, 0.5, 0.5]
    token = by_masking(bank, counts, 0, weights, 0)["token"]
    assert token.tolist() == pytest.approx([0.35, (1 + 0.2) / 2, (0.75 + 0.2) / 2])
    assert intervention(bank, counts, 0, weights).tolist() == pytest.approx([0.025, 0.3, (0.475 - 0.3) / 2])


@given(arrays(np.int64, 7, elements=st.integers(0, ONE)), arrays(np.int64, 5, elements=st.integers(-ONE, ONE)))
def test_figures_of_any_counts_are_figures_of_a_record(distances, correlations):
    figures = explainer_figures(by_hand()[0], ExplainerCounts(distances, correlations), 0)
    assert 0 <= figures["equivalence"] <= 1
    assert -1 <= figures["intervention"] <= 1
    assert -1 <= figures["replaced"] <= 1
