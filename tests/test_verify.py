"""Records that one can check: what holds, what does not, and an entry made again."""

import json
import shutil
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from simplibench import workspace
from simplibench.audit import load as reading
from simplibench.audit import records as audit_records
from simplibench.audit.records import RecordsUnsound
from simplibench.board import boards, leaderboard_markdown
from simplibench.cli import leaderboard as leaderboard_command
from simplibench.cli import rerun, verify
from simplibench.errors import UsageError
from simplibench.records import (
    COMMITTED,
    BankTable,
    Counts,
    ExplainerCounts,
    GroundCounts,
    expected_key,
    load,
    load_all,
)
from simplibench.records.record import UNSEALED
from simplibench.records.schema import SCHEMA, schema_text
from simplibench.records.tracks import schema
from simplibench.registry import BASELINES, MethodFile, all_tasks, terms

ARENA = "dyck-20-10/attention.1"
SVD = f"{ARENA}/svd/SVD-rank-8.seed-0.json"
OCCLUSION = "dyck-2-4/explanations/token-occlusion/TokenOcclusion.seed-0.json"


@pytest.fixture
def folder(tmp_path):
    """Two committed submissions of five references each, in a folder of their own."""
    root = tmp_path / "records"
    for pattern in (f"{ARENA}/svd/SVD-rank-[18].seed-*", "dyck-2-4/explanations/token-occlusion/*"):
        for file in COMMITTED.glob(pattern):
            target = root / file.relative_to(COMMITTED)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)
        for file in (COMMITTED / pattern).parent.parent.glob("ground-*"):
            shutil.copy(file, root / file.relative_to(COMMITTED))
    return root


@pytest.fixture
def page(folder, tmp_path):
    """The page that they give."""
    path = tmp_path / "board.md"
    path.write_text(leaderboard_markdown(boards(load_all(folder), terms())), encoding="utf-8")
    return path


def edited(path, change, seal=True, key=True):
    """Change a record's content, and put a new key and a new seal on it as somebody would who knows how."""
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    if seal:
        content["sha256"] = UNSEALED
        unsealed = schema().validate_python(content, context=UNSEALED)
        if key:
            content["key"] = expected_key(unsealed)
        content["sha256"] = schema().validate_python(content, context=UNSEALED).content_sha256()
    path.write_text(json.dumps(content), encoding="utf-8")


def problems(*files, root=None, page=None) -> list[str]:
    """What `verify` lists, without its numbers."""
    with pytest.raises(RecordsUnsound) as caught:
        verify.verify_records(files, root, page)
    first, *lines = str(caught.value).splitlines()
    listed = [line.split(". ", 1)[1] for line in lines if line.startswith("  ")]
    assert first == f"{len(listed)} problem{'s' if len(listed) > 1 else ''}:"
    return listed


def test_whole_records_and_their_page_are_verified_with_a_summary(folder, page, capsys):
    verify.verify_records([], folder, page)
    printed = capsys.readouterr().out
    assert "of the current protocol      15" in printed
    assert "made by a file as it is now  15" in printed
    assert printed.endswith(f"15 records verified; {page} is what they give\n")


def test_counts_without_a_record_are_noted(folder, capsys):
    counts = (folder / SVD).with_suffix(".npz")
    left = counts.with_name("SVD-rank-99.seed-0.npz")
    shutil.copy(counts, left)
    verify.verify_records([], folder, None)
    assert f"note: {left}: no record has these counts; delete it, or restore its record" in capsys.readouterr().out


def test_single_records_are_verified_without_a_page(folder, capsys):
    verify.verify_records([folder / SVD, folder / OCCLUSION], None, None)
    assert capsys.readouterr().out.endswith("\n2 records verified\n")


def test_every_problem_is_listed_not_only_the_first(folder):
    edited(folder / SVD, lambda content: content["splits"]["iid"].update(agreement=0.5, proxy_accuracy=0.25))
    edited(folder / OCCLUSION, lambda content: content["splits"]["length-28"].update(equivalence=0.5))
    broken = folder / SVD.replace("seed-0", "seed-1")
    broken.write_text('{"track": "codec"', encoding="utf-8")
    found = problems(root=folder)
    assert len(found) == 4
    assert found[0].startswith(f"{broken}: not a valid record: the file: Invalid JSON")
    assert [own.split(": ")[1] for own in found[1:]] == [
        "splits.length-28.equivalence",
        "splits.iid.agreement",
        "splits.iid.proxy_accuracy",
    ]
    assert found[2].endswith("the record says 0.5; run it again")


def test_every_broken_field_of_a_record_is_named(folder):
    edited(folder / SVD, lambda content: content.update(seed=-1, in_process="perhaps"), seal=False)
    (found,) = problems(folder / SVD)
    assert "in_process: Input should be a valid boolean" in found
    assert "greater than or equal to 0, got '-1'" in found
    assert found.endswith("delete it and run the entry again")


def test_the_page_is_compared_byte_for_byte(folder, page):
    page.write_text(page.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    (found,) = problems(root=folder, page=page)
    assert found == f"{page} is not what the records give; `simplibench leaderboard` writes it anew:"
    page.unlink()
    (found,) = problems(root=folder, page=page)
    assert found.startswith(f"{page} is not what the records give")


def test_no_page_is_compared_with_records_that_do_not_hold(folder, page):
    edited(folder / SVD, lambda content: content.update(bits_per_token=1.0))
    (found,) = problems(root=folder, page=page)
    assert "bits_per_token must be the dearest split's, 512.0, got 1.0" in found


def test_a_board_that_unsound_records_would_break_is_not_missed(folder, page):
    path = moved(folder, folder / SVD, task="dyck-2-4", arena="dyck-2-4/explanations")
    (found,) = problems(root=folder, page=page)
    assert found.startswith(f"{path}: track: ")


def test_many_records_are_read_side_by_side_with_the_same_findings(folder, monkeypatch):
    edited(folder / SVD, lambda content: content["splits"]["iid"].update(agreement=0.5))
    edited(folder / OCCLUSION, lambda content: content["splits"]["length-28"].update(equivalence=0.5))
    alone = problems(root=folder)
    monkeypatch.setattr(reading, "MANY", 10)
    monkeypatch.setattr(reading, "default_jobs", lambda device: 2)
    assert problems(root=folder) == alone
    assert len(alone) == 2


def test_a_record_that_is_gone_when_it_is_read_is_named(folder, monkeypatch):
    (folder / SVD).unlink()
    (folder / SVD).symlink_to("nowhere.json")
    monkeypatch.setattr(reading, "MANY", 10)
    assert f"{folder / SVD}: no such record" in problems(root=folder)


def test_boards_and_curves_are_the_same_from_other_processes(folder, monkeypatch):
    wish = reading.LoadOptions(drawn=reading.ALL)
    here = reading.load_records([folder], wish)
    monkeypatch.setattr(reading, "MANY", 10)
    monkeypatch.setattr(reading, "default_jobs", lambda device: 2)
    there = reading.load_records([folder], wish)
    assert there == here
    assert [board.arena for board in here.boards] == [own.arena for own in here.curves]
    assert here.boards == boards(load_all(folder), terms())


def test_only_the_arenas_that_are_asked_for_are_read(folder, monkeypatch):
    assert {one.record.arena for one in load_all(folder, arenas=[ARENA])} == {ARENA}
    assert len(load_all(folder)) > len(load_all(folder, arenas=[ARENA])) > 0
    edited(folder / OCCLUSION, lambda content: content.update(seed=9), seal=False)
    assert load_all(folder, arenas=[ARENA])  # a damaged record elsewhere is none of theirs


def test_an_edit_under_the_old_seal_is_refused(folder):
    edited(folder / SVD, lambda content: content.update(state_bytes=1), seal=False)
    (found,) = problems(folder / SVD)
    assert f"{folder / SVD}: not a valid record: the file: Value error, it was edited: its content has sha256" in found


def test_an_edit_under_a_new_seal_is_found_by_its_key(folder):
    edited(folder / SVD, lambda content: content.update(fields={"rank": 1}), key=False)
    (found,) = problems(folder / SVD)
    assert found.startswith(f"{folder / SVD}: key: its content gives ")


def test_strata_that_do_not_sum_to_the_agreement_of_their_split_are_found(folder):
    def change(content):
        stratum = content["splits"]["unseen-depth"]["strata"]["depth"]["11"]
        stratum["agreement"] = 1.0 if stratum["agreement"] < 0.9 else 0.1

    edited(folder / SVD, change)
    (found,) = problems(folder / SVD)
    assert "splits.unseen-depth.strata.depth: expected agreement on " in found


def test_two_records_of_one_entry_are_named_both(folder):
    copy = folder / SVD.replace("rank-8", "rank-8-copy")
    shutil.copy(folder / SVD, copy)
    (found,) = problems(root=folder)
    place = f"holds the record that belongs at {folder / SVD}, where there is another; move or delete one of them"
    assert found == f"{copy}: {place}"
    assert problems(copy) == [found]


def test_missing_swapped_and_unreadable_counts_are_named_with_their_field(folder):
    counts = (folder / SVD).with_suffix(".npz")
    shutil.copy(folder / SVD.replace("seed-0.json", "seed-1.npz"), counts)
    (found,) = problems(folder / SVD)
    assert found.startswith(f"{folder / SVD}: counts_sha256: {counts}: its records expect sha256 ")
    counts.unlink()
    (found,) = problems(folder / SVD)
    assert found.startswith(f"{folder / SVD}: counts_sha256: {counts}: missing; ")
    with counts.open("wb") as file:
        np.savez(file, **dict.fromkeys(Counts.__dataclass_fields__, np.zeros((2, 2))))
    (found,) = problems(folder / SVD)
    assert "disagree must be a column of whole numbers, got float64 of shape (2, 2)" in found


def test_a_missing_ground_is_named_for_each_of_its_records(folder):
    record = load(folder / SVD).record
    (folder / ARENA / f"ground-{record.ground_sha256[:16]}.npz").unlink()
    found = problems(root=folder)
    assert len(found) == 2  # two entries on reference 0
    assert all(": ground_sha256: " in own and "missing" in own for own in found)


def forge(path, ground=None, counts=None):
    """Put other tables beside a record, with their hashes into it."""
    if ground is not None:
        ground.save(path.parent.parent / f"ground-{ground.sha256()[:16]}.npz")
        edited(path, lambda content: content.update(ground_sha256=ground.sha256()))
    if counts is not None:
        counts.save(path.with_suffix(".npz"))
        edited(path, lambda content: content.update(counts_sha256=counts.sha256()))


def test_counts_that_no_split_could_have_are_found(folder):
    stored = load(folder / SVD)
    counts, ground = stored.counts(Counts), stored.ground(GroundCounts)
    forge(folder / SVD, counts=Counts(*(getattr(counts, name)[1:] for name in Counts.__dataclass_fields__)))
    assert "its counts and its ground have different numbers of sentences" in problems(folder / SVD)[0]
    many = counts.disagree.copy()
    many[0] = ground.positions[0] + 1
    forge(folder / SVD, counts=Counts(many, counts.disagree_where_wrong, counts.proxy_wrong, counts.divergence))
    assert "its counts have more errors than positions in a sentence" in problems(folder / SVD)[0]
    split = np.where(ground.split == 2, 1, ground.split)
    columns = {name: getattr(ground, name) for name in GroundCounts.__dataclass_fields__} | {"split": split}
    forge(folder / SVD, ground=GroundCounts(**columns))
    assert "splits: its counts are of 5, the record has 6" in problems(folder / SVD)[0]


def test_an_explainers_counts_must_fit_its_bank(folder):
    stored = load(folder / OCCLUSION)
    counts, bank = stored.counts(ExplainerCounts), stored.ground(BankTable)
    forge(folder / OCCLUSION, counts=ExplainerCounts(counts.distance[1:], counts.correlation))
    assert "its counts do not fit its bank" in problems(folder / OCCLUSION)[0]
    columns = {name: getattr(bank, name) for name in BankTable.__dataclass_fields__}
    forge(folder / OCCLUSION, BankTable(**columns | {"pair_kind": bank.pair_kind * 0}), counts)
    assert "its figures cannot be computed from its tables (" in problems(folder / OCCLUSION)[0]


def moved(folder, path, **changes):
    """A record with other names, at the place that goes with them."""
    edited(path, lambda content: content.update(changes))
    record = schema().validate_json(path.read_bytes())
    target = folder / record.arena / record.submission / path.name
    target.parent.mkdir(parents=True, exist_ok=True)
    path.rename(target)
    path.with_suffix(".npz").rename(target.with_suffix(".npz"))
    ground = f"ground-{record.ground_sha256[:16]}.npz"
    if not (target.parent.parent / ground).exists():
        shutil.copy(path.parent.parent / ground, target.parent.parent / ground)
    return target


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"task": "latin", "arena": "latin/attention.1"},
            f"task: expected one of {', '.join(all_tasks())}, got 'latin'; delete it, or restore the task's file",
        ),
        (
            {"arena": "dyck-20-10/attention.7"},
            "arena: expected one of dyck-20-10/attention.0, dyck-20-10/attention.1, dyck-20-10/residual.0, "
            "got 'dyck-20-10/attention.7'; delete it, or restore the arena in the task's file",
        ),
        (
            {"task": "dyck-2-4", "arena": "dyck-2-4/explanations"},
            "track: dyck-2-4/explanations is of the track explainer, the record says codec; run it again",
        ),
        (
            {"submission": "<script>alert(1)<"},
            "submission: expected lower-case words joined by hyphens, got '<script>alert(1)<'; rename and run it again",
        ),
    ],
)
def test_names_that_there_are_not_are_refused_with_those_there_are(changes, expected, folder, monkeypatch, capsys):
    path = moved(folder, folder / SVD, **changes)
    assert problems(path) == [f"{path}: {expected}"]
    if "submission" not in changes:  # and no board is made that leaves them out without a word
        leaderboard_command.make_leaderboard(False, "json", [folder], None)
        assert capsys.readouterr().err == f"left out: {path}: {expected}\n"
        monkeypatch.setattr(workspace, "committed", lambda: folder)
        with pytest.raises(RecordsUnsound) as caught:
            leaderboard_command.make_leaderboard(False, "json", None, None)
        assert str(caught.value) == f"1 problem:\n  1. {path}: {expected}"


def test_control_characters_of_a_name_are_written_out(folder):
    path = moved(folder, folder / SVD, submission="red\x1b[31m\nsvd")
    with pytest.raises(RecordsUnsound) as caught:
        verify.verify_records([path], None, None)
    assert "\x1b" not in str(caught.value)
    assert r"red\x1b[31m\nsvd/SVD-rank-8" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 2


def test_a_split_in_another_role_or_order_is_found(folder):
    edited(folder / SVD, lambda content: content["splits"]["unseen-depth"].update(role="id"))
    (found,) = problems(folder / SVD)
    assert f"{folder / SVD}: splits: the task has " in found


def test_a_record_of_another_protocol_is_a_note_not_a_problem(folder, capsys):
    other = load(folder / SVD).record.protocol.model_dump() | {"task_version": 7, "sha256": "d" * 64}
    edited(folder / SVD, lambda content: content.update(protocol=other))
    verify.verify_records([], folder, None)
    printed = capsys.readouterr().out
    assert "of another protocol          1" in printed
    assert f"note: {folder / SVD}: protocol: {ARENA} is at " in printed
    assert "the record says 7.1 (dddddddd): listed, not ranked; run it again" in printed


def test_a_protocol_of_the_right_hash_and_another_version_is_a_problem(folder):
    edited(folder / SVD, lambda content: content["protocol"].update(task_version=7))
    (found,) = problems(folder / SVD)
    assert "protocol: its hash is that of version" in found
    assert "the record says 7.1" in found


def test_a_run_lists_a_submission_of_another_protocol_without_a_place(folder, monkeypatch, capsys):
    from simplibench.cli import run

    for file in (folder / ARENA / "svd").glob("*.json"):
        edited(file, lambda content: content["protocol"].update(task_version=7, sha256="d" * 64))
    monkeypatch.setattr(workspace, "committed", lambda: folder)
    run._print_ranks([one for one in load_all(folder) if one.record.submission == "svd"])
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith(ARENA)]
    assert line.split()[:3] == [ARENA, "svd", "outdated"]
    assert "made under another protocol than" in line
    markdown = leaderboard_markdown(boards(load_all(folder), terms()))
    (line,) = [line for line in markdown.splitlines() if "outdated" in line]
    cells = [cell.strip() for cell in line.split("|")]
    assert cells[1:6] == ["", cells[2], "", "", ""]  # neither rank nor score
    assert "svd" in cells[2]


@pytest.fixture
def methods(monkeypatch, tmp_path):
    """Lets a test say which files of methods there are, by name."""

    def there_are(**files):
        found = {}
        for name, text in files.items():
            path = tmp_path / f"{name}.py"
            path.write_text(text, encoding="utf-8")
            found[name] = MethodFile(name, "baseline", path)
        monkeypatch.setattr(audit_records, "all_methods", lambda: found)
        monkeypatch.setattr(rerun, "all_methods", lambda: found)
        return found

    return there_are


def test_changed_and_deleted_sources_are_reported_once_a_submission(folder, methods, capsys):
    methods(svd="changed")
    verify.verify_records([], folder, None)
    printed = capsys.readouterr().out
    assert "made by a file that was changed  10" in printed
    assert "made by a file not found here    5" in printed
    assert " and 9 more of its kind: source_sha256: " in printed
    assert "the file was changed, so the record is outdated; run it again, or restore the file" in printed
    assert "neither baselines/ nor submissions/ has a file of 'token-occlusion'" in printed


def test_committed_records_whose_source_was_changed_or_deleted_are_problems(folder, page, methods, monkeypatch):
    methods(svd="changed")
    monkeypatch.setattr(workspace, "committed", lambda: folder)
    found = problems(root=folder, page=page)  # and the page, which does not know of files, still holds
    assert len(found) == 2
    assert any("so the record is outdated; run it again, or restore the file" in own for own in found)
    assert any("restore the file, or delete its records" in own for own in found)


def test_a_file_that_was_only_renamed_is_the_same(folder, methods, capsys):
    methods(other=(BASELINES / "svd.py").read_text(encoding="utf-8"))
    verify.verify_records([folder / SVD], None, None)
    assert "made by a file as it is now" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("files", "root", "expected"),
    [
        (["nowhere.json"], None, r"nowhere\.json: no such record; expected the path of a \.json file"),
        (["nowhere.json"], ".", "verify takes records, or --records and --page, not both"),
        ([], "nowhere", "--records nowhere: no such folder"),
        ([], "empty", r"--records empty: no records; expected TASK/ARENA/SUBMISSION/ENTRY\.seed-N\.json below it"),
    ],
)
def test_what_is_not_there_is_said(files, root, expected, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=expected):
        verify.verify_records([Path(file) for file in files], root and Path(root), None)


def test_a_folder_in_place_of_a_record_is_refused(folder):
    assert problems(folder / ARENA) == [
        f"{folder / ARENA}: cannot be read (Is a directory); expected the JSON file of a record"
    ]


def test_check_of_the_leaderboard_lists_every_problem_too(folder, page, capsys):
    leaderboard_command.make_leaderboard(True, None, [folder], page)
    assert "15 records verified" in capsys.readouterr().out
    for seed in (0, 1):
        edited(folder / SVD.replace("seed-0", f"seed-{seed}"), lambda content: content.update(bits_per_token=1.0))
    with pytest.raises(RecordsUnsound, match="2 problems"):
        leaderboard_command.make_leaderboard(True, None, [folder], page)


def test_the_command_exits_with_1_and_one_text(folder, simplibench):
    fine = simplibench("verify", folder / SVD)
    assert (fine.returncode, fine.stderr) == (0, "")
    edited(folder / SVD, lambda content: content.update(state_bytes=1), seal=False)
    finished = simplibench("verify", folder / SVD)
    assert (finished.returncode, finished.stdout) == (1, "")
    assert finished.stderr.startswith("simplibench: 1 problem:\n  1. ")


def test_a_ground_is_read_once_and_again_when_its_file_changes(folder, monkeypatch):
    reads = []
    read = GroundCounts.load
    monkeypatch.setattr(GroundCounts, "load", lambda path, sha256: reads.append(path) or read(path, sha256))
    stored = [one for one in load_all(folder) if one.record.arena == ARENA]
    for one in stored * 2:
        one.ground(GroundCounts)
    assert len(reads) == 5
    reads[0].touch()
    for one in stored:
        one.ground(GroundCounts)
    assert len(reads) == 6


# The schema.


def test_the_schema_in_the_repository_is_that_of_the_models():
    assert SCHEMA.read_text(encoding="utf-8") == schema_text(), (
        "the models of records changed: run python -m simplibench.records.schema"
    )


def test_committed_records_validate_against_the_schema():
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    validator.check_schema(validator.schema)
    files = sorted(COMMITTED.rglob("*.json"))
    sample = files[:: len(files) // 20]
    tracks = {json.loads(file.read_text(encoding="utf-8"))["track"] for file in sample}
    assert tracks == {"codec", "explainer"}
    for file in sample:
        validator.validate(json.loads(file.read_text(encoding="utf-8")))


def test_the_schema_refuses_an_unknown_field_and_a_missing_one(folder):
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    content = json.loads((folder / SVD).read_text(encoding="utf-8"))
    assert not validator.is_valid(content | {"colour": "red"})
    del content["entry"]
    assert not validator.is_valid(content)
