"""The board of explainers, from records whose scores are known exactly: their cases do not differ."""

import csv
import io
import json

import numpy as np
import pytest
from pydantic import ValidationError
from record_kit import facts

from simplibench.board import boards, entry_rows, leaderboard_csv, leaderboard_json, leaderboard_markdown
from simplibench.errors import DamagedFile
from simplibench.records import (
    BankTable,
    ExplainerCounts,
    ExplainerRecord,
    Protocol,
    Terms,
    explainer_figures,
    load,
    load_all,
    save,
    verify,
)
from simplibench.records.explainer import FORMS, MASKINGS, PAIR_KINDS
from simplibench.scoring.explanations import UNIT

ONE = round(1 / UNIT)  # as distances and correlations are stored


PROTOCOL = Protocol(task_version=1, scoring_version=1, sha256="a" * 64)
ARENA = "toy/explanations"
SEEDS = [0, 1, 2]
ROLES = {"short": "id", "long": "ood", "longer": "ood"}
CASES = 30
EQUAL = (0.2, 0.4)  # distances of the two pairs of equal function
DIFFERENT = {1.0: (0.5, 0.5), 0.75: (0.3, 0.5), 0.5: (0.3, 0.3), 0.25: (0.1, 0.3), 0.0: (0.1, 0.1)}  # by the area
KINDS = [PAIR_KINDS.index(kind) for kind in ("same", "same", "broken", "retrained")]
MODELS = 2


def toy_bank():
    pairs = [
        (split, kind, pair, case) for split in range(3) for pair, kind in enumerate(KINDS) for case in range(CASES)
    ]
    masked = [
        (split, masking, form, model, case)
        for split in range(3)
        for masking in range(len(MASKINGS))
        for form in range(len(FORMS))
        for model in range(MODELS)
        for case in range(CASES)
    ]
    return BankTable(*np.array(pairs, dtype=np.int32).T, *np.array(masked, dtype=np.int32).T)


def toy_counts(bank, equivalence, intervention, replaced, noise, rng):
    apart = np.array([[*EQUAL, *DIFFERENT[equivalence[name]]] for name in ROLES])
    rho = np.array([[intervention[name], replaced] for name in ROLES])[bank.masked_split, bank.form]
    rho = np.clip(rho + noise * rng.normal(size=(3, CASES))[bank.masked_split, bank.masked_case], -1, 1)
    return ExplainerCounts(*(np.round(ONE * own).astype(np.int32) for own in (apart[bank.pair_split, bank.pair], rho)))


GOOD = {"equivalence": {"short": 1.0, "long": 0.75, "longer": 0.5}, "intervention": dict.fromkeys(ROLES, 0.8)}
POOR = {"equivalence": dict.fromkeys(ROLES, 0.5), "intervention": {"short": 0.6, "long": 0.2, "longer": 0.0}}
GOOD_SCORES = {"id": 0.9, "ood": (0.625 + 0.8) / 2}
POOR_SCORES = {"id": 0.55, "ood": 0.3}


def simulated(tmp_path, name, measures=GOOD, replaced=0.5, noise=0.0, seeds=SEEDS, entry="E()", **changes):
    """Records of one entry with these areas and rank correlations on every split."""
    bank = toy_bank()
    for seed in seeds:
        rng = np.random.default_rng([seed, *name.encode()])
        counts = toy_counts(bank, **measures, replaced=replaced, noise=noise, rng=rng)
        values = {
            **facts(name, entry, seed, ARENA, (counts, bank), PROTOCOL),
            "splits": {
                split: {"role": role, **explainer_figures(bank, counts, index)}
                for index, (split, role) in enumerate(ROLES.items())
            },
            "runtime": {"case_microseconds": 10.0, "forward_ratio": 1.5, "peak_memory_bytes": 1},
        } | changes
        if values["status"] == "failed":
            values |= {"splits": {}, "runtime": None, "counts_sha256": None}
        record = ExplainerRecord.sealed(**values)
        save(tmp_path, record, counts if record.status == "ok" else None, bank)


def board(tmp_path, protocol=PROTOCOL):
    return boards(load_all(tmp_path), {ARENA: Terms(protocol, SEEDS, list(ROLES))})


def rows(tmp_path, **options):
    return {row.submission: row for one in board(tmp_path, **options) for row in one.rows}


def ranked(row):
    return (row.rank_low, row.rank_high)


def test_the_better_explainer_ranks_first_and_scores_are_means_of_both_measures_over_splits(tmp_path):
    simulated(tmp_path, "poor", POOR)
    simulated(tmp_path, "good", GOOD)
    (arena,) = board(tmp_path)
    assert (arena.track, [row.submission for row in arena.rows]) == ("explainer", ["good", "poor"])
    for row, truth, place in zip(arena.rows, (GOOD_SCORES, POOR_SCORES), ((1, 1), (2, 2)), strict=True):
        assert ranked(row) == place
        assert row.id_score.value == pytest.approx(truth["id"])
        assert (row.score.low, row.score.value, row.score.high) == pytest.approx([truth["ood"]] * 3)
        assert row.gap.value == pytest.approx(truth["id"] - truth["ood"])
        assert (row.forward_ratio, row.entries, row.failed_entries) == (1.5, 1, 0)
    good = arena.rows[0].figures
    assert (good["id_equivalence"], good["equivalence"]) == (1.0, 0.625)
    assert [good["id_intervention"], good["intervention"]] == pytest.approx([0.8, 0.8])
    assert good["replaced_score"] == arena.rows[0].other_score == pytest.approx((0.625 + 0.5) / 2)


def test_the_other_measure_may_order_them_the_other_way_round(tmp_path):
    simulated(tmp_path, "good", GOOD, replaced=-0.5)
    simulated(tmp_path, "poor", POOR, replaced=0.9)
    assert board(tmp_path)[0].kendall_tau == -1


def test_intervals_hold_the_truth_and_come_from_cases_that_differ(tmp_path):
    simulated(tmp_path, "noisy", POOR, noise=0.2)
    score = rows(tmp_path)["noisy"].score
    assert score.low < POOR_SCORES["ood"] < score.high
    assert score.high - score.low > 0.01


def test_explainers_that_cannot_be_told_apart_share_their_ranks(tmp_path):
    simulated(tmp_path, "one", POOR, noise=0.2)
    simulated(tmp_path, "two", POOR, noise=0.2)
    simulated(tmp_path, "three", GOOD)
    found = rows(tmp_path)
    assert found["one"].score.value != found["two"].score.value
    assert {name: ranked(row) for name, row in found.items()} == {"one": (2, 3), "two": (2, 3), "three": (1, 1)}


def test_controls_are_shown_in_italics_and_not_ranked(tmp_path):
    simulated(tmp_path, "control", GOOD, control=True)
    simulated(tmp_path, "own", POOR)
    found = rows(tmp_path)
    assert ranked(found["control"]) == (None, None)
    assert found["control"].score.value == pytest.approx(GOOD_SCORES["ood"])
    assert ranked(found["own"]) == (1, 1)
    assert "*[control](https://example.org)*" in leaderboard_markdown(board(tmp_path))


def test_another_submission_never_changes_a_score(tmp_path):
    simulated(tmp_path, "one", POOR, noise=0.2)
    before = rows(tmp_path)["one"]
    simulated(tmp_path, "two", GOOD)
    after = rows(tmp_path)["one"]
    assert (before.score, before.id_score, before.gap) == (after.score, after.id_score, after.gap)
    assert before.figures == after.figures


def test_the_entry_is_chosen_on_id_even_if_another_is_better_out_of_distribution(tmp_path):
    better_on_ood = {"equivalence": {"short": 0.0, "long": 1.0, "longer": 1.0}, "intervention": GOOD["intervention"]}
    simulated(tmp_path, "two", POOR, entry="A()")
    simulated(tmp_path, "two", better_on_ood, entry="B()")
    row = rows(tmp_path)["two"]
    assert (row.id_score.value, row.score.value) == pytest.approx((POOR_SCORES["id"], POOR_SCORES["ood"]))
    assert row.entries == 2


def test_missing_banks_keep_an_explainer_from_a_rank(tmp_path):
    simulated(tmp_path, "part", seeds=[0, 1])
    row = rows(tmp_path)["part"]
    assert (row.status, ranked(row), row.score) == ("incomplete", (None, None), None)
    assert row.note == "1 records are missing, the first: E() seed 2"


@pytest.mark.parametrize("changes", [{"limit": 5}, {"in_process": True}])
def test_records_made_under_other_conditions_are_listed_not_ranked(changes, tmp_path):
    simulated(tmp_path, "quick", **changes)
    row = rows(tmp_path)["quick"]
    assert (row.status, ranked(row), row.score) == ("unranked", (None, None), None)


def test_records_of_another_protocol_are_listed_not_ranked(tmp_path):
    simulated(tmp_path, "old")
    row = rows(tmp_path, protocol=Protocol(task_version=1, scoring_version=2, sha256="d" * 64))["old"]
    assert (row.status, ranked(row)) == ("outdated", (None, None))


def test_a_failed_explainer_ranks_below_every_success_and_a_failed_entry_leaves_the_others(tmp_path):
    simulated(tmp_path, "half", POOR)
    simulated(tmp_path, "half", GOOD, entry="F()", status="failed", reason="explain: expected a result, got none")
    simulated(tmp_path, "none", GOOD, status="failed", reason="explain: expected finite attributions, got NaN")
    (arena,) = board(tmp_path)
    assert [(row.submission, row.status, ranked(row)) for row in arena.rows] == [
        ("half", "ok", (1, 1)),
        ("none", "failed", (2, 2)),
    ]
    assert (arena.rows[0].failed_entries, arena.rows[0].entries) == (1, 2)
    assert arena.rows[0].score.value == pytest.approx(POOR_SCORES["ood"])
    assert arena.rows[1].note == "explain: expected finite attributions, got NaN"


def test_an_explainer_that_failed_on_one_bank_alone_has_no_score_and_leaves_the_board_whole(tmp_path):
    simulated(tmp_path, "own", GOOD, seeds=[0, 1])
    simulated(tmp_path, "own", GOOD, seeds=[2], status="failed", reason="explain: expected a result, got none")
    simulated(tmp_path, "other", POOR)
    found = rows(tmp_path)
    assert found["own"].score is None
    assert found["own"].status != "ok"
    assert found["other"].rank_low == 1


FIGURES = ["replaced_score", "id_equivalence", "equivalence", "equivalence_low", "equivalence_high"]
FIGURES += ["id_intervention", "intervention", "intervention_low", "intervention_high"]


def test_every_format_has_the_columns_of_explainers(tmp_path):
    simulated(tmp_path, "good", GOOD)
    simulated(tmp_path, "quick", POOR, limit=5)
    found = board(tmp_path)
    records = json.loads(leaderboard_json(found))
    assert [record["submission"] for record in records] == ["good", "quick"]
    assert set(records[0]) >= set(FIGURES)
    assert [records[1][name] for name in FIGURES] == [None] * len(FIGURES)
    lines = list(csv.DictReader(io.StringIO(leaderboard_csv(found))))
    assert [float(lines[0][name]) for name in FIGURES] == [records[0][name] for name in FIGURES]
    assert [lines[1][name] for name in FIGURES] == [""] * len(FIGURES)
    page = leaderboard_markdown(found).splitlines()
    header, _, good = page[page.index(f"## {ARENA}") + 2 :][:3]
    names, values = ([cell.strip() for cell in line.split("|")[1:-1]] for line in (header, good))
    cells = dict(zip(names, values, strict=True))
    assert cells["submission"] == "[good](https://example.org)"
    first = names.index("equivalence OOD")
    assert names[first : first + 4] == ["equivalence OOD", "equivalence ID", "intervention OOD", "intervention ID"]
    assert values[first : first + 4] == ["0.625 [0.625, 0.625]", "1.000", "0.800 [0.800, 0.800]", "0.800"]
    assert cells["score by replacing"] == f"{(0.625 + 0.5) / 2:.3f}"
    assert "Fewer than two ranked submissions." in page[-1]


def test_a_run_shows_an_entry_with_its_scores_and_its_own_figures(tmp_path):
    simulated(tmp_path, "good", GOOD)
    simulated(tmp_path, "good", POOR, entry="F()", seeds=[0, 1], status="failed", reason="explain: why")
    one, two = entry_rows(load_all(tmp_path))
    assert (one.track, one.seeds, one.failed) == ("explainer", 3, 0)
    assert (one.on_id.value, one.on_ood.value) == pytest.approx((GOOD_SCORES["id"], GOOD_SCORES["ood"]))
    expected = {"equivalence": 0.625, "intervention": 0.8, "us/case": 10.0, "forward": 1.5}
    assert one.figures == pytest.approx(expected)
    assert (two.seeds, two.failed, two.reason, two.on_ood) == (0, 2, "explain: why", None)


@pytest.fixture
def stored(tmp_path):
    simulated(tmp_path, "own", POOR, noise=0.2, seeds=[0])
    return load_all(tmp_path)[0]


def resealed(stored, change):
    """An edit by somebody who knows how the seal is made."""
    content = json.loads(stored.path.read_text(encoding="utf-8"))
    del content["sha256"]
    change(content)
    stored.path.write_text(ExplainerRecord.sealed(**content).model_dump_json(), encoding="utf-8")
    return load(stored.path)


def test_every_figure_of_a_record_follows_from_its_counts(stored):
    verify(stored)
    assert load(stored.path) == stored


def test_an_edited_record_is_refused(stored):
    content = json.loads(stored.path.read_text(encoding="utf-8"))
    content["splits"]["long"]["equivalence"] = 0.9
    stored.path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(DamagedFile, match="it was edited: its content has sha256"):
        load(stored.path)


@pytest.mark.parametrize(
    ("figure", "value"),
    [
        ("cases", 7),
        ("equivalence", 0.123),
        ("intervention", 0.123),
        ("replaced", 0.123),
        ("equivalence_by_kind", {"broken": 0.123, "retrained": 0.5}),
        ("intervention_by_masking", {"token": 0.123}),
        ("replaced_by_masking", {}),
    ],
)
def test_a_figure_changed_together_with_the_seal_is_found_by_its_counts(figure, value, stored):
    forged = resealed(stored, lambda content: content["splits"]["long"].update({figure: value}))
    with pytest.raises(
        DamagedFile, match=rf"own.E--\w+\.seed-0\.json: splits\.long\.{figure}: its counts give .*; run it"
    ):
        verify(forged)


@pytest.mark.parametrize("column", ["distance", "correlation"])
def test_counts_that_do_not_fit_the_bank_are_found(column, stored):
    counts = stored.counts(ExplainerCounts)
    columns = {name: getattr(counts, name) for name in counts.__dataclass_fields__}
    shorter = ExplainerCounts(**columns | {column: columns[column][:-1]})
    shorter.save(stored.path.with_suffix(".npz"))
    forged = resealed(stored, lambda content: content.update(counts_sha256=shorter.sha256()))
    with pytest.raises(DamagedFile, match=r"its counts do not fit its bank; run it again"):
        verify(forged)


def test_a_split_left_out_of_a_record_is_found(stored):
    forged = resealed(stored, lambda content: content["splits"].pop("longer"))
    with pytest.raises(DamagedFile, match=r"splits"):
        verify(forged)


def test_what_was_not_measured_is_no_success(stored):
    content = json.loads(stored.path.read_text(encoding="utf-8"))
    del content["sha256"]
    for change in ({"splits": {}}, {"runtime": None}, {"counts_sha256": None}, {"reason": "a reason"}):
        with pytest.raises(ValidationError, match="must have all that is measured, and no reason"):
            ExplainerRecord.sealed(**(content | change))
    content["splits"]["long"]["intervention"] = -1.5
    with pytest.raises(ValidationError, match="splits.long.intervention"):
        ExplainerRecord.sealed(**content)
