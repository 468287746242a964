"""What the committed records say, against what theory demands and the paper reports; directions, not table values."""

import json
import re
from itertools import pairwise

import numpy as np
import pytest

from simplibench.records import COMMITTED, load_all
from simplibench.registry import BASELINES, all_tasks
from simplibench.tasks import Component

EXPLANATIONS = "dyck-2-4/explanations"
ATTENTION = ["dyck-20-10/attention.0", "dyck-20-10/attention.1"]


@pytest.fixture(scope="module")
def records():
    return [stored.record for stored in load_all(COMMITTED) if stored.record.seed != "untrained"]


def agreement(records, entry, arena, split):
    """Of every reference, by seed."""
    found = {
        record.seed: record.splits[split].agreement
        for record in records
        if (record.entry, record.arena) == (entry, arena)
    }
    assert sorted(found) == [0, 1, 2, 3, 4]
    return np.array([found[seed] for seed in sorted(found)])


def test_identity_is_one_and_the_constant_zero_on_every_split_of_every_record(records):
    ends = {"Identity()": 1, "Constant()": 0}
    found = [(record, ends[record.entry]) for record in records if record.entry in ends]
    measured = {record.arena for record in records}  # of code-python only some arenas
    arenas = {f"{task.name}/{arena.name}": arena for task in all_tasks().values() for arena in task.arenas}
    components = [arena for name, arena in arenas.items() if name in measured and isinstance(arena, Component)]
    assert len(found) == 2 * sum(len(arena.seeds) for arena in components)
    for record, end in found:
        assert {split.faithfulness for split in record.splits.values()} == {end}


@pytest.mark.parametrize("arena", ATTENTION)
def test_agreement_of_svd_rises_with_rank_on_every_split(arena, records, task):
    for split in list(task.roles)[1:]:
        means = [agreement(records, f"SVD(rank={rank})", arena, split).mean() for rank in (1, 2, 4, 8, 16)]
        assert all(later >= earlier - 1e-4 for earlier, later in pairwise(means)), (split, means)


def test_agreement_of_svd_rises_with_rank_in_the_stream_once_it_leaves_chance(records, task):
    for split in list(task.roles)[1:]:
        means = [
            agreement(records, f"SVD(rank={rank})", "dyck-20-10/residual.0", split).mean() for rank in (1, 2, 4, 8, 16)
        ]
        assert means[:2] == pytest.approx([0.05, 0.05], abs=0.02)  # 20 kinds of brackets
        assert means[1:] == sorted(means[1:])


@pytest.mark.parametrize("entry", ["SVD(rank=8)", "OneHotAttention()", "KMeans(clusters=1024, iterations=30)"])
def test_on_every_reference_iid_agreement_exceeds_that_on_unseen_depth(entry, records):
    gap = agreement(records, entry, ATTENTION[1], "iid") - agreement(records, entry, ATTENTION[1], "unseen-depth")
    assert (gap > 0.02).all()


def test_the_gap_is_not_length_alone(records):
    for entry in ("SVD(rank=8)", "OneHotAttention()"):
        gap = agreement(records, entry, ATTENTION[1], "long-shallow") - agreement(
            records, entry, ATTENTION[1], "unseen-depth"
        )
        assert (gap > 0.02).all()


def test_a_proxy_can_generalize_better_than_the_model(records):
    found = [r.splits["unseen-depth"] for r in records if (r.entry, r.arena) == ("OneHotAttention()", ATTENTION[1])]
    assert all(split.proxy_accuracy > split.reference_accuracy for split in found)


def test_one_hot_attention_departs_with_depth_as_the_readme_says(records):
    counted = {}
    for record in records:
        if (record.entry, record.arena) == ("OneHotAttention()", ATTENTION[1]):
            for depth, stratum in record.splits["unseen-depth"].strata["depth"].items():
                positions, agreeing = counted.get(int(depth), (0, 0.0))
                counted[int(depth)] = (positions + stratum.positions, agreeing + stratum.positions * stratum.agreement)
    share = {depth: agreeing / positions for depth, (positions, agreeing) in counted.items()}
    assert all(value > 0.9 for depth, value in share.items() if depth <= 9)
    assert all(value < 0.4 for depth, value in share.items() if depth >= 16)


def excerpt(first):
    """The table of the README whose first column is called so, as cells."""
    blocks = re.findall(
        r"```text\n(.*?)```", (BASELINES.parent / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL
    )
    (block,) = [block for block in blocks if block.startswith(first)]
    return [re.split(r" {2,}", line) for line in block.strip().splitlines()]


def test_the_readmes_excerpt_is_what_the_command_prints(simplibench):
    lines = excerpt("entry")
    printed = [re.split(r" {2,}", line.strip()) for line in simplibench("info", ATTENTION[1]).stdout.splitlines()]
    (header,) = [line for line in printed if line[:2] == ["entry", "bits"]]
    table = {line[0]: dict(zip(header, line, strict=True)) for line in printed if len(line) == len(header)}
    for line in lines[1:]:
        assert dict(zip(lines[0], line, strict=True)).items() <= table[line[0]].items()


def test_the_readmes_excerpt_of_explainers_is_what_the_leaderboard_says(simplibench):
    header, *lines = excerpt("submission")
    rows = json.loads(simplibench("leaderboard", "--format", "json").stdout)
    ranked = [row for row in rows if row["arena"] == EXPLANATIONS and not row["control"]]
    assert [line[0] for line in lines] == [row["submission"] for row in ranked]
    keys = {"OOD": "score", "ID": "id_score", "equivalence": "equivalence", "intervention": "intervention"}
    for line, row in zip(lines, ranked, strict=True):
        assert line[1:] == [f"{row[keys[name]]:.3f}" for name in header[1:]]


def explained(records, submission, split, figure):
    """A figure of every bank, by seed."""
    found = {
        record.seed: getattr(record.splits[split], figure)
        for record in records
        if (record.arena, record.submission) == (EXPLANATIONS, submission)
    }
    assert sorted(found) == [0, 1, 2, 3, 4]
    return [found[seed] for seed in sorted(found)]


@pytest.mark.parametrize("split", ["length-28", "length-100", "length-400-500"])
def test_attention_cannot_tell_a_broken_model_from_its_twin_on_any_bank(split, records):
    for by_kind in explained(records, "attention-row", split, "equivalence_by_kind"):
        assert by_kind["broken"] < 0.1
        assert by_kind["swapped"] < 0.1


@pytest.mark.parametrize("split", ["length-28", "length-100", "length-400-500"])
def test_explanations_that_do_not_read_the_model_are_at_chance(split, records):
    for control in ("random-attribution", "uniform-attribution", "last-token"):
        assert explained(records, control, split, "equivalence") == [0.5] * 5


@pytest.mark.parametrize("split", ["length-28", "length-100", "length-400-500"])
def test_only_who_hides_pairs_together_knows_what_hiding_a_pair_does(split, records):
    alone = explained(records, "token-occlusion", split, "intervention_by_masking")
    together = explained(records, "pair-occlusion", split, "intervention_by_masking")
    for one, both in zip(alone, together, strict=True):
        assert both["matched pair"] > 0.9
        assert both["matched pair"] > one["matched pair"] + 0.1
        assert one["token"] > 0.9 > both["token"]


def test_attention_of_two_layers_agrees_at_the_trained_length_and_departs_beyond(records):
    for entry in ("OneHotAttention()", "KMeans(clusters=256, iterations=30)"):
        near = agreement(records, entry, "dyck-2-4/attention.1", "length-28")
        far = agreement(records, entry, "dyck-2-4/attention.1", "length-400-500")
        assert near.min() > 0.99
        assert far.mean() < near.mean() - 0.05
