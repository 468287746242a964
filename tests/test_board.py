"""The leaderboard: a pure function of records, tried on simulated ones with known truth."""

import csv
import io
import json

import numpy as np
import pytest
from record_kit import facts

from simplibench.board import boards, entry_rows, leaderboard_csv, leaderboard_json, leaderboard_markdown
from simplibench.records import CodecRecord, Counts, GroundCounts, Protocol, Terms, load_all, save, split_figures
from simplibench.scoring.quantised import quantise

PROTOCOL = Protocol(task_version=1, scoring_version=1, sha256="a" * 64)
SEEDS = {"toy/attention.0": [0, 1, 2]}
SENTENCES, CASES = 60, 5
ROLES = {"iid": "id", "near": "ood", "far": "ood"}
KEYS = {"arena", "submission", "control", "score", "score_low", "score_high", "id_score", "gap", "gap_low", "gap_high"}
KEYS |= {"rank_low", "rank_high", "entries", "status"}
RUNTIME = {
    "fit_seconds": 1.0,
    "codec_microseconds": 1.0,
    "forward_ratio": 1.5,
    "forward_ratio_low": 1.4,
    "forward_ratio_high": 1.6,
    "peak_memory_bytes": 1,
}
MEASURED = ("runtime", "counts_sha256", "bits_per_token", "state_bytes")  # what a failed record has none of


def ground(seed):
    rng = np.random.default_rng([1, seed])
    total = SENTENCES * len(ROLES)
    return GroundCounts(
        split=np.repeat(np.arange(len(ROLES)), SENTENCES).astype(np.uint8),
        positions=np.full(total, CASES, dtype=np.uint16),
        reference_wrong=rng.binomial(CASES, 0.01, total).astype(np.uint16),
        floor_disagree=rng.binomial(CASES, 0.8, total).astype(np.uint16),
        floor_divergence=quantise(rng.uniform(0.3, 0.5, total)),
    )


def simulated(tmp_path, name, errors, bits=64.0, seeds=(0, 1, 2), entry="E()", at_depth_1=0.5, **changes):
    """Records of one entry that disagrees with probability `errors[split]`, and agrees in its stratum as said.

    Without `errors` it is the constant code.
    """
    for seed in seeds:
        base = ground(seed)
        counts = counted(base, errors, np.random.default_rng([2, seed, *name.encode(), *entry.encode()]))
        values = {
            **facts(name, entry, seed, "toy/attention.0", (counts, base), PROTOCOL),
            "track": "codec",
            "part": "vectors",
            "family": "f",
            "ceiling_bits": 2048.0,
            "bits_per_token": bits,
            "state_bytes": 10,
            "splits": split_results(base, counts, bits, at_depth_1),
            "runtime": RUNTIME,
        } | changes
        if values["status"] == "failed":
            values |= dict.fromkeys(MEASURED) | {"splits": {}}
        record = CodecRecord.sealed(**values)
        save(tmp_path, record, counts if record.status == "ok" else None, base)


def counted(base, errors, rng):
    """What an entry with these errors gets wrong, sentence by sentence."""
    if errors is None:
        disagree = base.floor_disagree
    else:
        rates = np.repeat([errors[split] for split in ROLES], SENTENCES)
        disagree = rng.binomial(CASES, rates).astype(np.uint16)
    return Counts(disagree, np.minimum(disagree, base.reference_wrong), disagree, quantise(0.4 * disagree / CASES))


def split_results(base, counts, bits, at_depth_1):
    return {
        split: {
            **split_figures(base, counts, index),
            "role": role,
            "pattern_divergence_bits": 0.1,
            "pattern_agreement": 0.9,
            "bits_per_token": bits,
            "strata": {"depth": {"1": {"positions": SENTENCES * CASES, "agreement": at_depth_1}}},
        }
        for index, (split, role) in enumerate(ROLES.items())
    }


def terms(protocol=PROTOCOL):
    return {arena: Terms(protocol, seeds, list(ROLES)) for arena, seeds in SEEDS.items()}


def board(tmp_path, protocol=PROTOCOL):
    found = boards(load_all(tmp_path), terms(protocol))
    return {row.submission: row for one in found for row in one.rows}


SIMULATIONS = 40
GOOD = {"iid": 0.02, "near": 0.1, "far": 0.2}
POOR = {"iid": 0.2, "near": 0.4, "far": 0.6}


def test_records_that_lack_a_split_are_listed_naming_it_and_not_ranked(tmp_path):
    simulated(tmp_path, "whole", POOR)
    splits = {name: split.model_dump() for name, split in load_all(tmp_path)[0].record.splits.items()}
    del splits["far"]
    simulated(tmp_path, "partial", GOOD, splits=splits)
    rows = board(tmp_path)
    assert (rows["whole"].rank_low, rows["whole"].rank_high) == (1, 1)
    assert rows["partial"].status == "unranked"
    assert rows["partial"].rank_low is None
    assert rows["partial"].note == "scored without far, whose data were missing; fetch them and run it again"


def test_the_more_faithful_submission_ranks_first_with_a_score_near_the_truth(tmp_path):
    simulated(tmp_path, "good", GOOD)
    simulated(tmp_path, "poor", POOR)
    rows = board(tmp_path)
    assert (rows["good"].rank_low, rows["good"].rank_high) == (1, 1)
    assert (rows["poor"].rank_low, rows["poor"].rank_high) == (2, 2)
    # At 64 bits five of eight budgets can pay: faithfulness is 1 - 0.15 / 0.8 on average over the OOD splits.
    truth = 5 / 8 * (1 - 0.15 / 0.8)
    assert rows["good"].score.low <= truth <= rows["good"].score.high
    assert rows["good"].gap.value == pytest.approx(rows["good"].id_score.value - rows["good"].score.value)


def test_intervals_cover_the_truth_as_often_as_they_say(tmp_path):
    truth, covered = 5 / 8 * (1 - 0.15 / 0.8), 0
    for index in range(SIMULATIONS):
        seeds = [3 * index, 3 * index + 1, 3 * index + 2]  # other references, and with them another floor
        simulated(tmp_path / str(index), "own", GOOD, seeds=seeds)
        known = {"toy/attention.0": Terms(PROTOCOL, seeds, list(ROLES))}
        ((row,),) = [own.rows for own in boards(load_all(tmp_path / str(index)), known)]
        covered += row.score.low <= truth <= row.score.high
    assert covered >= 0.9 * SIMULATIONS  # test_inference.py has the exact coverage


def test_scores_and_their_intervals_stay_between_0_and_1_however_references_differ(tmp_path):
    for seed, errors in enumerate((dict.fromkeys(GOOD, 0.0), dict.fromkeys(GOOD, 0.9), dict.fromkeys(GOOD, 0.0))):
        simulated(tmp_path, "one", errors, bits=1.0, seeds=(seed,))
    row = board(tmp_path)["one"]
    assert (row.score.low, row.score.high) == (0, 1)
    assert row.id_score.high == 1
    assert -1 <= row.gap.low <= row.gap.high <= 1


def test_submissions_that_cannot_be_told_apart_share_their_ranks(tmp_path):
    simulated(tmp_path, "one", GOOD)
    simulated(tmp_path, "two", GOOD)
    rows = board(tmp_path)
    assert {(row.rank_low, row.rank_high) for row in rows.values()} == {(1, 2)}


def test_another_submission_never_changes_a_score(tmp_path):
    simulated(tmp_path, "one", GOOD)
    before = board(tmp_path)["one"]
    simulated(tmp_path, "two", POOR)
    after = board(tmp_path)["one"]
    assert (before.score, before.gap, before.id_score) == (after.score, after.gap, after.id_score)


def test_the_entry_is_chosen_on_id_even_if_another_is_better_out_of_distribution(tmp_path):
    simulated(tmp_path, "two", {"iid": 0.01, "near": 0.7, "far": 0.7}, bits=8.0, entry="A()")
    alone = board(tmp_path)["two"].score.value
    simulated(tmp_path, "two", {"iid": 0.3, "near": 0.0, "far": 0.0}, bits=8.0, entry="B()")
    assert board(tmp_path)["two"].score.value == alone


def test_controls_are_shown_in_italics_and_not_ranked(tmp_path):
    simulated(tmp_path, "good", POOR)
    simulated(tmp_path, "control", GOOD, control=True)
    rows = board(tmp_path)
    assert rows["control"].rank_low is None
    assert rows["good"].rank_low == 1
    page = leaderboard_markdown(boards(load_all(tmp_path), terms()))
    assert "*[control](https://example.org)*" in page


def test_a_control_dearer_than_every_budget_is_shown_as_the_ceiling_without_a_score(tmp_path):
    simulated(tmp_path, "identity", {"iid": 0, "near": 0, "far": 0}, bits=2048.0, control=True)
    row = board(tmp_path)["identity"]
    assert row.score is None
    assert row.note == "ceiling: OOD faithfulness 1.000, dearer than every budget"


def test_a_failed_entry_leaves_the_others_and_a_failed_submission_ranks_below_every_success(tmp_path):
    simulated(tmp_path, "half", POOR)
    simulated(tmp_path, "half", GOOD, entry="F()", status="failed", reason="fit: expected a result, got NaN")
    simulated(tmp_path, "none", GOOD, status="failed", reason="fit: expected a result, got | NaN\nand more")
    rows = board(tmp_path)
    assert rows["half"].status == "ok"
    assert rows["half"].failed_entries == 1
    assert rows["half"].rank_low == 1
    assert rows["none"].status == "failed"
    assert (rows["none"].rank_low, rows["none"].rank_high) == (2, 2)
    page = leaderboard_markdown(boards(load_all(tmp_path), terms()))
    assert "got \\| NaN and more" in page


def test_missing_references_keep_a_submission_from_a_rank(tmp_path):
    simulated(tmp_path, "part", GOOD, seeds=(0, 1))
    row = board(tmp_path)["part"]
    assert (row.status, row.rank_low) == ("incomplete", None)
    assert row.note == "1 records are missing, the first: E() seed 2"


@pytest.mark.parametrize(("changes", "status"), [({"limit": 5}, "unranked"), ({"in_process": True}, "unranked")])
def test_records_made_under_other_conditions_are_listed_not_ranked(changes, status, tmp_path):
    simulated(tmp_path, "quick", GOOD, **changes)
    row = board(tmp_path)["quick"]
    assert (row.status, row.rank_low, row.score) == (status, None, None)


def test_records_of_another_protocol_are_listed_not_ranked(tmp_path):
    simulated(tmp_path, "old", GOOD)
    row = board(tmp_path, Protocol(task_version=2, scoring_version=1, sha256="d" * 64))["old"]
    assert (row.status, row.rank_low) == ("outdated", None)
    assert "made under another protocol than 2.1" in row.note


def test_records_of_two_versions_of_a_file_are_not_mixed(tmp_path):
    simulated(tmp_path, "mixed", GOOD, seeds=(0, 1))
    simulated(tmp_path, "mixed", GOOD, seeds=(2,), source_sha256="d" * 64)
    assert board(tmp_path)["mixed"].status == "incomplete"


def test_the_untrained_control_never_enters_a_score(tmp_path):
    simulated(tmp_path, "one", GOOD)
    before = board(tmp_path)["one"]
    for stored in load_all(tmp_path):
        values = stored.record.model_dump(exclude={"sha256"}) | {"seed": "untrained"}
        save(tmp_path, CodecRecord.sealed(**values), stored.counts(Counts), stored.ground(GroundCounts))
    assert board(tmp_path)["one"] == before


def test_the_formats_hold_the_same_rows_under_the_documented_keys(tmp_path):
    simulated(tmp_path, "good", GOOD)
    simulated(tmp_path, "quick", GOOD, limit=5)
    found = boards(load_all(tmp_path), terms())
    rows = json.loads(leaderboard_json(found))
    assert set(rows[0]) >= KEYS
    lines = list(csv.DictReader(io.StringIO(leaderboard_csv(found))))
    assert [line["submission"] for line in lines] == [row["submission"] for row in rows] == ["good", "quick"]
    assert float(lines[0]["score"]) == rows[0]["score"]
    assert leaderboard_markdown(found) == leaderboard_markdown(boards(load_all(tmp_path), terms()))


def test_an_empty_board_is_a_page_without_tables():
    assert leaderboard_markdown([]).startswith("# Leaderboard")
    assert json.loads(leaderboard_json([])) == []
    assert leaderboard_csv([]) == "arena\n"


def test_entry_rows_carry_intervals_rate_and_runtime(tmp_path):
    simulated(tmp_path, "good", GOOD)
    (row,) = entry_rows(load_all(tmp_path))
    assert row.seeds == 3
    assert row.on_ood.low < row.on_ood.value < row.on_ood.high
    assert row.on_ood.value == pytest.approx(1 - 0.15 / 0.8, abs=0.03)
    assert (row.figures["bits/token"], row.figures["forward"], row.failed) == (64, 1.5, 0)


def test_where_all_tie_kendalls_tau_is_said_to_be_undefined(tmp_path):
    for name in ("one", "two"):
        simulated(tmp_path, name, None)
    (found,) = boards(load_all(tmp_path), terms())
    assert found.kendall_tau is None
    text = leaderboard_markdown([found])
    assert "Kendall's tau between this order and the order by divergence: undefined, all tie." in text
    assert "nan" not in text


def test_of_a_single_submission_no_order_is_compared(tmp_path):
    simulated(tmp_path, "one", GOOD)
    assert "Kendall" not in leaderboard_markdown(boards(load_all(tmp_path), terms()))
