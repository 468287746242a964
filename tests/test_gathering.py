"""Records of one's own: what cannot be used is left out and named, and a part of a run hides no whole one."""

import shutil
import subprocess
from pathlib import Path

import pytest
from test_board import GOOD, POOR, PROTOCOL, ROLES, simulated

from simplibench import workspace
from simplibench.audit import baseline_records as recorded
from simplibench.audit import gathering
from simplibench.audit import load as reading
from simplibench.audit.choosing import choose
from simplibench.audit.gathering import gather, gather_of, paths
from simplibench.cli import compare as compare_command
from simplibench.cli import leaderboard
from simplibench.cli import report as report_command
from simplibench.cli import run as run_command
from simplibench.errors import DamagedFile, UsageError
from simplibench.methods import CodecEntry, Manifest
from simplibench.records import Terms, entry_path, load_all
from simplibench.records.manifests import KeptManifest, manifest_path

ARENA = "dyck-20-10/residual.0"
PLACE = (ARENA, "own")
TERMS = {ARENA: Terms(PROTOCOL, [0, 1, 2], list(ROLES))}
FIRST, SECOND = "c" * 64, "d" * 64  # hashes of a file before and after it was changed
RESULTS = Path("results")


def made(root, name="own", errors=GOOD, entry="E()", **changes):
    """Simulated records in an arena that there is."""
    simulated(root, name, errors, entry=entry, task="dyck-20-10", arena=ARENA, **changes)


def file_of(root, name="own", entry="E", seed=0, suffix=".json"):
    return (root / entry_path(ARENA, name, f"{entry}()", seed)).with_suffix(suffix)


@pytest.fixture(autouse=True)
def world(tmp_path, monkeypatch):
    """A folder in which commands are called, a checkout with few committed records, and one arena."""
    monkeypatch.setattr(workspace, "CHECKOUT", tmp_path)
    monkeypatch.chdir(tmp_path)
    for module in (compare_command, reading, recorded, report_command, run_command):
        monkeypatch.setattr(module, "terms", lambda: TERMS)
    monkeypatch.setattr(gathering, "foreign", lambda stored, terms: [])
    monkeypatch.setattr(reading, "unknown", lambda stored: [])
    made(workspace.committed(), "good")
    made(workspace.committed(), "poor", POOR)


def report(name="own", roots=None):
    report_command.write_report(name, roots, None, "md")


def write_folder(path):
    path.mkdir()


FOREIGN = {
    "notes.json": lambda path: path.write_text("remember: milk", encoding="utf-8"),
    "list.json": lambda path: path.write_text("[1, 2]", encoding="utf-8"),
    "nothing.json": lambda path: path.write_text("", encoding="utf-8"),
    "bytes.json": lambda path: path.write_bytes(b"\xff\xfe\x00"),
    "folder.json": write_folder,
    "link.json": lambda path: path.symlink_to("nowhere.json"),
    "deep.json": lambda path: path.write_text("[" * 5_000, encoding="utf-8"),
    "dyck-20-10/notes.json": lambda path: path.write_text("{}", encoding="utf-8"),
    "dyck-20-10/residual.0/own/notes.json": lambda path: path.write_text("{}", encoding="utf-8"),
    "dyck-20-10/residual.0/other/E.seed-0.json": lambda path: path.write_text("{}", encoding="utf-8"),
    "latin/residual.0/own/E.seed-0.json": lambda path: path.write_text("{}", encoding="utf-8"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_foreign_file_among_results_is_named_and_stops_no_command(name, capsys):
    made(RESULTS)
    path = RESULTS / name
    path.parent.mkdir(parents=True, exist_ok=True)
    FOREIGN[name](path)
    report()
    printed = capsys.readouterr()
    assert "Rank 1-2 of 3." in printed.out
    assert printed.err.splitlines()[0].startswith(f"left out: {path}: ")
    compare_command.compare_submissions("own", "poor", None, None)
    printed = capsys.readouterr()
    assert "own is more faithful out of distribution than poor" in printed.out
    assert printed.err.startswith(f"left out: {path}: ")
    leaderboard.make_leaderboard(False, None, [RESULTS], None)
    printed = capsys.readouterr()
    assert "| 1 " in printed.out
    assert printed.err.startswith(f"left out: {path}: ")
    assert len(recorded.records_of("own", "own", None)) == 3
    assert len(recorded.records_of("own", "own", RESULTS)) == 3


def half_copied(path):
    path.write_text(path.read_text(encoding="utf-8")[:100], encoding="utf-8")


DAMAGED = {
    "half of a record": lambda: half_copied(file_of(RESULTS)),
    "an edited record": lambda: file_of(RESULTS).write_text(
        file_of(RESULTS).read_text(encoding="utf-8").replace('"bits', '"Bits', 1), encoding="utf-8"
    ),
    "no counts": lambda: file_of(RESULTS, suffix=".npz").unlink(),
    "half of its counts": lambda: file_of(RESULTS, suffix=".npz").write_bytes(
        file_of(RESULTS, suffix=".npz").read_bytes()[:200]
    ),
    "a record that lies elsewhere": lambda: file_of(RESULTS).rename(file_of(RESULTS, entry="F")),
}


@pytest.mark.parametrize("what", DAMAGED)
def test_a_submission_with_a_damaged_record_has_no_rank_and_the_reason_is_shown(what, capsys):
    made(RESULTS)
    made(RESULTS, entry="Also()")
    DAMAGED[what]()
    report()
    printed = capsys.readouterr()
    assert printed.err.startswith(f"left out: {RESULTS}/{ARENA}/own/")
    assert f"No rank: incomplete ({RESULTS}/{ARENA}/own/" in printed.out
    with pytest.raises(UsageError, match=f"in no arena asked for. {ARENA}: own is incomplete: {RESULTS}/{ARENA}/own/"):
        compare_command.compare_submissions("own", "poor", None, None)
    capsys.readouterr()
    leaderboard.make_leaderboard(False, "csv", [RESULTS], None)
    (line,) = capsys.readouterr().out.splitlines()[1:]
    assert ",incomplete," in line
    assert f"{RESULTS}/{ARENA}/own/" in line


def test_a_whole_entry_that_is_damaged_does_not_pass_for_one_that_never_was():
    made(RESULTS)
    made(RESULTS, entry="Also()")
    for seed in (0, 1, 2):
        file_of(RESULTS, entry="Also", seed=seed).write_text("", encoding="utf-8")
    chosen = choose([gather_of(RESULTS, ("own",), TERMS)], TERMS)
    assert len(chosen.stored) == 3
    assert list(chosen.faults) == [PLACE]


def test_a_copy_of_a_record_that_counts_is_left_out_and_takes_no_rank_away(capsys):
    made(RESULTS)
    shutil.copytree(RESULTS / ARENA / "own", RESULTS / ARENA / "own-before")
    report()
    printed = capsys.readouterr()
    assert "where there is another; move or delete one of them" in printed.err
    assert "Rank 1-2 of 3." in printed.out


def test_a_damaged_record_of_a_reference_that_is_not_ranked_takes_no_rank_away(capsys):
    made(RESULTS)
    file_of(RESULTS, seed="untrained").write_text("", encoding="utf-8")
    file_of(RESULTS, seed=17).write_text("", encoding="utf-8")
    report()
    assert "Rank 1-2 of 3." in capsys.readouterr().out


def test_of_many_files_that_are_left_out_the_first_are_named_and_the_rest_counted(capsys):
    made(RESULTS)
    for number in range(9):
        (RESULTS / f"note-{number}.json").write_text("", encoding="utf-8")
    report()
    left_out = [line for line in capsys.readouterr().err.splitlines() if line.startswith("left out: ")]
    assert len(left_out) == 6
    assert left_out[-1] == "left out: 4 more files; `simplibench verify --records FOLDER` lists all of a folder"


def test_a_submission_of_damaged_records_alone_has_none_and_they_are_named(capsys):
    made(RESULTS, seeds=(0,))
    file_of(RESULTS).write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match="no records of own in results and the committed records"):
        report()
    assert capsys.readouterr().err.startswith(f"left out: {file_of(RESULTS)}: ")
    with pytest.raises(UsageError, match="no record of own in the committed records or results/"):
        recorded.records_of("own", "own", None)
    with pytest.raises(UsageError, match="--records results: no record there can be used"):
        leaderboard.make_leaderboard(False, None, [RESULTS], None)


def test_names_with_control_characters_are_written_out(capsys):
    made(RESULTS)
    (RESULTS / "red\x1b[31m.json").write_text("", encoding="utf-8")
    report()
    assert "\x1b" not in capsys.readouterr().err


def test_a_damaged_committed_record_is_named_by_whoever_looks_and_refused_by_whoever_guards(capsys):
    damaged = file_of(workspace.committed(), "good")
    half_copied(damaged)
    made(RESULTS)
    report()
    printed = capsys.readouterr()
    assert f"left out: {damaged}: not a valid record" in printed.err
    assert "Rank 1 of 2." in printed.out  # good has no rank any more, as it would be one of a part
    run_command._print_ranks(load_all(RESULTS))
    assert f"left out: {damaged}: " in capsys.readouterr().err
    for roots in (None, [workspace.committed()], [workspace.committed(), RESULTS]):
        with pytest.raises(DamagedFile, match=f"{damaged}: not a valid record"):
            leaderboard.make_leaderboard(False, None, roots, Path("page.md"))
    assert not Path("page.md").exists()


PARTS = {
    "few sentences": {"limit": 5},
    "in the scorer's process": {"in_process": True},
    "some references": {"seeds": (0, 1)},
    "failures on some references": {"seeds": (0,), "status": "failed", "reason": "fit: no"},
    "the untrained reference": {"seeds": (0,), "seed": "untrained"},
    "another protocol": {"protocol": PROTOCOL.model_copy(update={"sha256": "e" * 64}).model_dump()},
}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_a_run_hides_no_whole_one_that_is_committed(part, capsys):
    made(workspace.committed())
    made(RESULTS, errors=POOR, source_sha256=SECOND, **PARTS[part])
    report()
    printed = capsys.readouterr()
    assert "Rank 1-2 of 3." in printed.out
    said = f"own in {ARENA}: the committed records are used; the records in results make no rank there ("
    assert printed.err.startswith(said)
    compare_command.compare_submissions("own", "poor", None, None)
    printed = capsys.readouterr()
    assert "own is more faithful out of distribution than poor" in printed.out
    assert printed.err.startswith(said)
    assert {workspace.is_committed(one.path) for one in recorded.records_of("own", "own", None)} == {True}
    leaderboard.make_leaderboard(False, "csv", [workspace.committed(), RESULTS], None)
    assert ",ok," in next(line for line in capsys.readouterr().out.splitlines() if ",own," in line)


def counted():
    """Of every entry the folder of the records that count, as `report` takes them."""
    stored = [one for one in report_command.counting("own", None).stored if one.record.submission == "own"]
    return {(one.record.entry, one.path.is_relative_to(RESULTS)) for one in stored}


def test_whole_records_of_ones_own_stand_in_place_of_the_committed_ones_and_it_says_so(capsys):
    made(workspace.committed(), errors=POOR)
    made(RESULTS, source_sha256=SECOND)
    report()
    said = f"own in {ARENA}: the records in results are used, not the committed records"
    assert said in capsys.readouterr().err.splitlines()
    assert counted() == {("E()", True)}
    # a check holds the file to what was agreed on
    assert {workspace.is_committed(one.path) for one in recorded.records_of("own", "own", None)} == {True}
    assert f"own in {ARENA}: the committed records are used, not the records in results" in capsys.readouterr().err


def test_what_is_committed_of_the_same_file_completes_ones_own(capsys):
    made(workspace.committed(), seeds=(0, 1))
    made(workspace.committed(), entry="Also()")
    made(RESULTS, seeds=(2,))
    report()
    printed = capsys.readouterr()
    assert "Rank 1-2 of 3." in printed.out
    assert f"own in {ARENA}: the records in results and the committed records are used together" in printed.err
    assert counted() == {("E()", True), ("E()", False), ("Also()", False)}


def test_an_entry_of_another_version_of_the_file_completes_nothing():
    made(workspace.committed())
    made(workspace.committed(), entry="Also()")
    made(RESULTS, source_sha256=SECOND)
    assert counted() == {("E()", True)}


def test_where_no_records_make_a_rank_ones_own_are_shown(capsys):
    made(workspace.committed(), seeds=(0, 1))
    made(RESULTS, source_sha256=SECOND, limit=5)
    report()
    printed = capsys.readouterr()
    assert "No rank: unranked (scored with --limit or --in-process)." in printed.out
    assert f"own in {ARENA}: the records in results are used; neither these nor others make a rank" in printed.err


def test_records_on_other_references_than_those_that_are_ranked_decide_nothing(capsys):
    made(RESULTS)
    made(RESULTS, seeds=(17,), limit=5, source_sha256=SECOND)
    report()
    assert "Rank 1-2 of 3." in capsys.readouterr().out
    made(RESULTS, "elsewhere", seeds=(17,))
    report("elsewhere")
    assert "No rank: incomplete (no record is on a reference that is ranked: 0, 1, 2)." in capsys.readouterr().out


def test_a_check_takes_the_whole_records_and_names_those_of_a_quick_look(capsys):
    made(RESULTS)
    made(RESULTS, entry="Quick()", limit=5)
    stored = recorded.records_of("own", "own", RESULTS)
    kept = recorded.of_whole_splits(stored)
    assert {one.record.entry for one in kept} == {"E()"}
    assert capsys.readouterr().err == f"not checked, since they were made with --limit: records in {ARENA}\n"
    quick = [one for one in stored if one not in kept]
    assert recorded.of_whole_splits(quick) == quick


def keep(root, *labels, source=SECOND, part="vectors"):
    """As a run does: note what the file puts forward."""
    entries = tuple(CodecEntry(label=label, fields={}, part=part, fit_group="") for label in labels)
    manifest = Manifest(name="own", authors=("a",), citation="r", control=False, entries=entries)
    manifest_path(root, "own").write_text(
        KeptManifest(source_sha256=source, manifest=manifest).model_dump_json(), encoding="utf-8"
    )


def test_an_entry_that_the_file_no_longer_has_does_not_count_and_how_to_delete_it_is_told(capsys):
    made(RESULTS, errors=POOR, entry="Old(k=3)", source_sha256=FIRST)
    made(RESULTS, source_sha256=SECOND)
    report()
    printed = capsys.readouterr()
    assert "No rank: incomplete (its records are of different versions of its file" in printed.out
    assert (
        "that of Old(k=3) seed 0 of an older one; run it again, and delete the records of entries that" in printed.out
    )
    keep(RESULTS, "E()")  # which running it again does
    report()
    printed = capsys.readouterr()
    assert "Rank 1-2 of 3." in printed.out
    said = (
        f"no longer in the file of own, and not counted: Old(k=3) (3 records); to delete: rm {RESULTS}/{ARENA}/own/Old"
    )
    assert printed.err.startswith(said)
    assert said in printed.out.split("## Its records")[1].replace("\\*", "*")
    assert "Old(k=3)" not in printed.out.split("## Its records")[0]
    compare_command.compare_submissions("own", "poor", None, None)
    printed_compare = capsys.readouterr()
    assert "own is more faithful" in printed_compare.out
    assert printed_compare.err.startswith(said)
    leaderboard.make_leaderboard(False, "csv", [RESULTS], None)
    assert ",ok," in capsys.readouterr().out
    assert {one.record.entry for one in recorded.records_of("own", "own", RESULTS)} == {"E()"}
    line = printed.err.splitlines()[0]
    subprocess.run(line[line.index("rm ") :], shell=True, check=True)
    assert sorted(path.name for path in (RESULTS / ARENA / "own").glob("*")) == [
        file_of(RESULTS, seed=seed, suffix=suffix).name for seed in (0, 1, 2) for suffix in (".json", ".npz")
    ]


def test_a_damaged_record_of_an_entry_that_the_file_no_longer_has_takes_no_rank_away(capsys):
    made(RESULTS)
    file_of(RESULTS, entry="Old").write_text("", encoding="utf-8")
    report()
    assert "No rank: incomplete" in capsys.readouterr().out
    keep(RESULTS, "E()", source=FIRST)
    report()
    printed = capsys.readouterr()
    assert "Rank 1-2 of 3." in printed.out
    assert printed.err.startswith(f"left out: {file_of(RESULTS, entry='Old')}: ")


def test_as_long_as_an_entry_that_the_file_has_is_of_an_older_version_nothing_is_taken_for_gone(capsys):
    made(RESULTS, entry="Old(k=3)", source_sha256=FIRST)
    made(RESULTS, source_sha256=SECOND, seeds=(0, 1))
    made(RESULTS, source_sha256=FIRST, seeds=(2,))
    keep(RESULTS, "E()")
    report()
    printed = capsys.readouterr()
    assert "No rank: incomplete (its records are of different versions of its file" in printed.out
    assert "no longer" not in printed.err


def test_an_arena_that_no_entry_of_the_file_fits_any_more_has_no_row(capsys):
    made(RESULTS, source_sha256=FIRST)
    keep(RESULTS, "E()", part="pattern")  # which only attention has
    with pytest.raises(UsageError, match="no records of own"):
        report()
    assert capsys.readouterr().err.startswith("no longer in the file of own, and not counted: E() (3 records); ")


def test_a_manifest_that_cannot_be_read_is_named_and_takes_nothing_away(capsys):
    made(RESULTS, entry="Old()", source_sha256=FIRST)
    made(RESULTS, source_sha256=SECOND)
    manifest_path(RESULTS, "own").write_text("{", encoding="utf-8")
    report()
    printed = capsys.readouterr()
    said = f"left out: {RESULTS}/own.manifest: cannot be read; run the submission again, which writes it anew\n"
    assert printed.err.startswith(said)
    assert "No rank: incomplete" in printed.out


def test_committed_records_all_count_whatever_lies_beside_them():
    made(workspace.committed(), entry="Old()")
    made(workspace.committed(), source_sha256=SECOND)
    keep(workspace.committed(), "E()")
    chosen = choose([gather(workspace.committed(), paths(workspace.committed(), submissions=["own"]), TERMS)], TERMS)
    assert {one.record.entry for one in chosen.stored} == {"Old()", "E()"}
    assert not chosen.remarks.gone
