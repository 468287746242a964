"""What a run leaves behind for the commands after it: a quick look hides nothing, a changed file ends no report."""

import json
from pathlib import Path

import pytest
import snippets

from simplibench import evaluate, load_submission, workspace
from simplibench.records.manifests import kept_manifest

METHOD = """
from simplibench import Codec, Submission


class Own(Codec):
    k: int

    def encode(self, state, x): return x
    def decode(self, state, code): return code


submission = Submission(name="own", authors=("a",), citation="here", entries=[Own(k=k) for k in {}])
"""
FOLDER = Path("results") / snippets.ARENA / "own"


@pytest.fixture(autouse=True)
def checkout(tmp_path, monkeypatch):
    snippets.make_checkout(tmp_path, monkeypatch)
    return tmp_path


def call(line):
    """Standard output and standard error of a command that is fine."""
    done = snippets.call(f"simplibench {line}")
    assert done.exit_code == 0, f"{done.output}\n{done.exception!r}"
    return done.stdout, done.stderr


def test_a_quick_look_hides_no_committed_record(checkout):
    report, compare = call("report svd"), call("compare svd pca")
    output, _ = call("run svd pca --seed 0 --limit 100")
    assert " ".join(output.split()).count("unranked scored with --limit or --in-process") == 2  # the run's own rows
    said = f"in {snippets.ARENA}: the committed records are used; the records in results make no rank there (unranked: "
    again, errors = call("report svd")
    assert again == report[0]
    assert f"svd {said}" in errors
    again, errors = call("compare svd pca")
    assert again == compare[0]
    assert errors.count(said) == 2
    output, errors = call("check svd")
    assert "none got worse" in output
    assert f"svd in {snippets.ARENA}: the committed records are used, not the records in results" in errors


def test_a_run_names_the_records_of_entries_that_its_file_no_longer_has(checkout):
    Path("own.py").write_text(METHOD.format("(1, 2)"), encoding="utf-8")
    _, errors = call("run own.py")
    assert "no longer" not in errors
    Path("own.py").write_text(METHOD.format("(1,)"), encoding="utf-8")
    _, errors = call("run own.py")
    deletes = f"rm {FOLDER}/Own-k-2.seed-*"
    said = f"no longer in the file of own, and not counted: Own(k=2) (1 record); to delete: {deletes}"
    assert said in errors.splitlines()
    assert (FOLDER / "Own-k-2.seed-0.json").exists()
    output, errors = call("report own")
    assert said in errors.splitlines()
    assert "Own(k=2)" not in output.split("## Its records")[0]


def test_in_the_committed_records_nothing_but_records_is_written_and_old_entries_are_named(checkout):
    committed = workspace.committed()
    before = {path for path in committed.rglob("*") if path.is_file()}
    Path("own.py").write_text(METHOD.format("(1, 2)"), encoding="utf-8")
    call(f"run own.py --output {committed}")
    Path("own.py").write_text(METHOD.format("(1,)"), encoding="utf-8")
    _, errors = call(f"run own.py --output {committed}")
    assert "and keeping it from the leaderboard until deleted: Own(k=2) (1 record); to delete: rm " in errors
    written = {path.name for path in committed.rglob("*") if path.is_file()} - {path.name for path in before}
    assert {name for name in written if not name.startswith("ground-")} == {
        f"Own-k-{k}.seed-0.{suffix}" for k in (1, 2) for suffix in ("json", "npz")
    }


def test_from_python_a_file_notes_what_it_puts_forward_and_objects_do_not(checkout):
    Path("own.py").write_text(METHOD.format("(1, 2)"), encoding="utf-8")
    options = {"arenas": ["attention.1"], "seeds": [0], "limit": 4, "in_process": True}
    evaluate("own.py", **options)
    kept = kept_manifest(Path("results"), "own")
    assert [entry.label for entry in kept.manifest.entries] == ["Own(k=1)", "Own(k=2)"]
    assert (
        kept.source_sha256 == json.loads((FOLDER / "Own-k-1.seed-0.json").read_text(encoding="utf-8"))["source_sha256"]
    )
    evaluate(load_submission("own.py").entries[0], output="objects", **options)
    assert list(Path("objects").rglob("Own-k-1.seed-0.json"))
    assert kept_manifest(Path("objects"), "own") is None
