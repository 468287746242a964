"""Runs of explainers, and their records."""

import json
import shutil
import signal
import sys

import numpy as np
import pytest
from explainer_kit import EXPLAIN, LIMIT, NAME, READ, TASK, written

from simplibench import cli, evaluate, workspace
from simplibench.records import BankTable, ExplainerCounts, load_all, verify
from simplibench.records.explainer import PAIR_KINDS

FAILS = f"""
k: int
{EXPLAIN}
    {READ}
    if self.k == 1: raise ArithmeticError('no')
    if self.k == 2: read = read / 0 * 0
    return read.float() if self.k != 3 else torch.ones(tokens.shape)
"""
REASONS = [
    None,
    "explain: expected a result, got ArithmeticError at own.py:9: no",
    "explain: expected finite attributions, got NaN",
    "explain: expected 0 after the explained position, where there is nothing to explain, got attributions after",
]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A file whose entries fail but for the first, then a shipped explainer; the folders of the file and its records."""
    folder = tmp_path_factory.mktemp("made")
    path = written(folder, FAILS, "[Own(k=k) for k in range(4)]")
    records = evaluate([path, "attention-row"], seeds=[0], limit=LIMIT, output=folder / "out", device="cpu")
    return path, folder / "out", records


def test_failing_explainers_are_recorded_and_the_others_go_on(made):
    _, folder, records = made
    assert [(record.submission, record.entry) for record in records] == [
        *(("own", f"Own(k={k})") for k in range(4)),
        ("attention-row", "AttentionRow()"),
    ]
    assert [record.status for record in records] == ["ok", "failed", "failed", "failed", "ok"]
    for record, reason in zip(records, REASONS, strict=False):
        assert (record.reason or "").startswith(reason or "")
    assert all(record.splits == {} and record.runtime is None for record in records[1:4])
    assert len(list(folder.rglob("own/*.npz"))) == 1
    assert {record.arena for record in records} == {NAME}


def test_records_of_a_run_hold_what_their_counts_give(made):
    for stored in load_all(made[1]):
        verify(stored)
        if stored.record.status == "ok":
            assert list(stored.record.splits) == list(TASK.roles)[1:]
            assert all(split.cases == LIMIT for split in stored.record.splits.values())


def test_a_run_finds_that_attention_takes_broken_and_swapped_copies_for_equal(made, bank):
    (stored,) = (own for own in load_all(made[1]) if own.record.submission == "attention-row")
    table, counts = stored.ground(BankTable), stored.counts(ExplainerCounts)
    by_construction = np.isin(table.pair_kind, [PAIR_KINDS.index("broken"), PAIR_KINDS.index("swapped")])
    assert by_construction.any()
    assert not counts.distance[by_construction].any()
    # Of the pairs of equal function only twins and the two uniform ones have equal attention: ties, which count half.
    same = [pair for pair in bank.pairs if pair.kind == "same"]
    tied = [pair for pair in same if pair.second in (f"{pair.first} twin", f"same values, {pair.first}")]
    for split in stored.record.splits.values():
        for kind in ("broken", "swapped"):
            assert split.equivalence_by_kind[kind] <= len(tied) / len(same) / 2


def test_an_attribution_that_is_the_same_everywhere_tells_no_two_models_apart(made):
    for split in made[2][0].splits.values():
        assert split.equivalence == 0.5
        assert set(split.equivalence_by_kind.values()) == {0.5}
        assert split.intervention_by_masking["token"] == 0  # a constant prediction


@pytest.fixture(scope="module")
def local(made, tmp_path_factory):
    """The same without guests."""
    options = {"seeds": [0], "limit": LIMIT, "output": tmp_path_factory.mktemp("local"), "device": "cpu"}
    return evaluate([made[0], "attention-row"], **options, in_process=True)


def test_in_process_gives_the_same_figures_and_is_marked(made, local):
    assert [(own.status, own.reason, own.splits) for own in local] == [
        (own.status, own.reason, own.splits) for own in made[2]
    ]
    assert [own.counts_sha256 for own in local] == [own.counts_sha256 for own in made[2]]
    assert {(own.in_process, own.limit) for own in local} == {(True, LIMIT)}


@pytest.fixture
def command(monkeypatch, capsys):
    """Runs the command without a process of its own: exit code, standard output and standard error."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["simplibench", *map(str, arguments)])
        before = signal.getsignal(signal.SIGINT)
        try:
            with pytest.raises(SystemExit) as ended:
                cli.main()
        finally:
            signal.signal(signal.SIGINT, before)
        return ended.value.code, *capsys.readouterr()

    return run


def test_a_run_goes_on_from_its_records_prints_the_failures_and_exits_one(made, command, tmp_path, monkeypatch):
    path, folder, _ = made
    monkeypatch.setattr(workspace, "committed", lambda: tmp_path / "none")  # no others to be placed among
    shutil.copytree(folder, tmp_path / "out")
    options = ("--limit", LIMIT, "--seed", 0, "--output", tmp_path / "out")
    code, output, errors = command("run", path, "attention-row", *options)
    assert code == 1, errors
    assert f"{NAME}, mean of equivalence and intervention over 1 references" in output
    assert "failed on 1" in output
    assert "scored with --limit or --in-process" in output
    assert "2 of 5 records were there already and valid" in errors
    for k, reason in enumerate(REASONS[1:], start=1):
        assert f"failed: own, Own(k={k}) in {NAME} on 1 references: {reason}" in errors


def test_codec_and_explainer_go_to_their_own_tasks_and_units_side_by_side_give_the_same(local, command, tmp_path):
    options = ("--limit", LIMIT, "--seed", 0, "--in-process", "--format", "json", "--output", tmp_path / "out")
    code, output, errors = command("run", "one-hot-attention", "attention-row", "--jobs", 2, *options)
    assert code == 0, errors
    records = json.loads(output)
    found = {(own["submission"], own["track"]): own["arena"] for own in records}
    assert found[("attention-row", "explainer")] == NAME
    assert found[("one-hot-attention", "codec")].startswith("dyck-20-10/attention.")
    assert len(found) == 2
    (together,) = (own for own in records if own["track"] == "explainer")
    alone = local[-1].model_dump(mode="json")
    for changing in ("created", "runtime", "sha256"):
        del together[changing], alone[changing]
    assert together == alone


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--task", "dyck-20-10"), "no entry of attention-row fits an arena asked for; its arenas are "),
        (("--seed", "untrained", "--limit", LIMIT), f"{NAME} has no bank of untrained models; its seeds are"),
    ],
)
def test_what_an_explainer_cannot_be_run_on_is_refused(options, text, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, output, errors = command("run", "attention-row", "--in-process", *options)
    assert (code, output) == (2, "")
    assert f"simplibench: {text}" in errors
    assert list(tmp_path.iterdir()) == []


def test_info_of_the_arena_shows_every_entry_by_kind_of_pair_and_of_masking(made, command, monkeypatch):
    monkeypatch.setattr(workspace, "committed", lambda: made[1])
    code, output, errors = command("info", NAME)
    assert code == 0, errors
    assert output.startswith(NAME)
    for split in made[2][0].splits:
        for title in (
            "equivalence (AUC) by how the function differs",
            "intervention (rank correlation) by masking",
            "the same, tokens replaced by balanced filler",
        ):
            table = output.partition(f"{split}: {title}, mean over references\n")[2].split("\n\n")[0]
            assert "AttentionRow()" in table
            assert "Own(k=0)" in table
            assert "Own(k=1)" not in table  # it failed
