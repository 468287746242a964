"""`compare`: what may be concluded about two submissions."""

import numpy as np
import pytest
from test_board import GOOD, POOR, simulated, terms

from simplibench.board.comparison import _corrected, compare
from simplibench.records import load_all
from simplibench.scoring.inference import minimum_detectable_difference
from simplibench.scoring.resampling import RESAMPLES

ARENAS = ["toy/attention.0"]


def test_the_better_submission_is_named_whichever_comes_first(tmp_path):
    simulated(tmp_path, "good", GOOD)
    simulated(tmp_path, "poor", POOR)
    (one,), why = compare(load_all(tmp_path), terms(), "good", "poor", ARENAS)
    (other,), _ = compare(load_all(tmp_path), terms(), "poor", "good", ARENAS)
    assert not why
    assert one.difference.value == -other.difference.value > 0
    assert one.p == one.p_holm == other.p < 0.01
    assert one.conclusion("good", "poor") == "good is more faithful out of distribution than poor"
    assert other.conclusion("poor", "good") == one.conclusion("good", "poor")


def test_of_two_alike_it_says_which_difference_would_not_be_seen(tmp_path):
    simulated(tmp_path, "one", GOOD)
    simulated(tmp_path, "two", GOOD)
    (found,), _ = compare(load_all(tmp_path), terms(), "one", "two", ARENAS)
    assert found.difference.low < 0 < found.difference.high
    assert found.p_holm > 0.05
    text = found.conclusion("one", "two")
    assert text.startswith("one and two cannot be told apart; a difference below 0.")
    assert f"{found.minimum_detectable:.3f}" in text


def test_of_two_that_score_the_same_it_says_so(tmp_path):
    simulated(tmp_path, "one", None)
    simulated(tmp_path, "two", None)
    (found,), _ = compare(load_all(tmp_path), terms(), "one", "two", ARENAS)
    assert found.conclusion("one", "two") == "one and two score the same"


def test_over_several_arenas_no_difference_that_was_found_is_called_too_small_to_see():
    """A difference that alone would be seen is not where four more are tested with it."""
    rng = np.random.default_rng(0)
    scores = 0.5 + rng.normal(0, 0.02, (3, 1)) + np.r_[0, rng.normal(0, 0.02, RESAMPLES)]
    alone = minimum_detectable_difference(scores, 0.05)
    factors = (0, 0.3, 0.5, 1.1, 30)
    by_seed = {f"toy/attention.{n}": scores - scores[:, 0].mean() + own * alone for n, own in enumerate(factors)}
    found = _corrected(by_seed)
    assert any(one.p < 0.05 < one.p_holm for one in found)
    for one in found:
        seen = one.conclusion("a", "b") == "a is more faithful out of distribution than b"
        assert seen == (abs(one.difference.value) >= one.minimum_detectable) == (one.p_holm <= 0.05)


def test_a_submission_without_a_score_is_not_compared_and_the_reason_is_given(tmp_path):
    simulated(tmp_path, "good", GOOD)
    simulated(tmp_path, "part", GOOD, seeds=(0, 1))
    found, why = compare(load_all(tmp_path), terms(), "good", "part", ARENAS)
    assert not found
    assert why["toy/attention.0"].startswith("part is incomplete: 1 records are missing")
    assert compare(load_all(tmp_path), terms(), "good", "absent", ARENAS)[1] == {
        "toy/attention.0": "no records of absent"
    }


def test_the_command_prints_arenas_and_conclusions(simplibench):
    done = simplibench(
        "compare", "svd", "kmeans", "--arena", "dyck-20-10/attention.1", "--arena", "dyck-2-4/explanations"
    )
    assert done.returncode == 0, done.stderr
    assert "< 0.001  < 0.001     kmeans is more faithful out of distribution than svd" in done.stdout
    assert "not compared in dyck-2-4/explanations: no records of svd" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("svd", "svd"), "svd is to be compared with another submission, not with itself"),
        (("svd", "nothing"), "no records of nothing; there are of: "),
        (("svd", "pca", "--arena", "toy/attention.9"), "--arena toy/attention.9: no such arena; there are: "),
        (
            ("svd", "attention-rollout", "--arena", "dyck-2-4/explanations"),
            "have scores together in no arena asked for. dyck-2-4/explanations: no records of svd",
        ),
        (("svd", "pca", "--records", "nowhere"), "--records nowhere: no such folder"),
    ],
)
def test_wrong_names_are_told(simplibench, arguments, text):
    done = simplibench("compare", *arguments)
    assert done.returncode == 2
    assert text in done.stderr
