"""Submitting, start to end: a new file runs as it is, every step names the next, and the rules are what they say."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from simplibench import workspace
from simplibench.cli import application
from simplibench.cli.new import write_submission
from simplibench.cli.run import Options, next_commands
from simplibench.errors import UsageError
from simplibench.guest import Guest, check_codec, check_explainer
from simplibench.harness.codec.trial import tiny_rows
from simplibench.harness.explainer.trial import tiny_questions
from simplibench.methods import CodecEntry, load_submission
from simplibench.methods.template import TRACKS
from simplibench.records import RESULTS
from simplibench.registry import load_task

app = application()

README = (workspace.submissions() / "README.md").read_text(encoding="utf-8")
IMPORTS = "import torch\nfrom torch import Tensor\nfrom simplibench import Codec, State, Submission\n"
REFUSED = {
    "Adapting": "rows independent of each other",
    "Remembering": "the same result for the same input",
    "Counting": "the same state under the same seed",
}


def examples(heading):
    """The classes of a section by name, each as a whole file."""
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    found = {}
    for block in re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL):
        name = re.findall(r"^class (\w+)\(Codec\)", block, flags=re.MULTILINE)[0]
        manifest = f"Submission(name='own', authors=('a',), citation='here', entries=[{name}()])"
        found[name] = f"{IMPORTS}\n{block}\n\nsubmission = {manifest}\n"
    return found


def problems(server, path):
    """All that `validate` finds in a file, in guests of the suite's server."""
    caller, stranger = Guest(server, path, "cpu"), Guest(server, path, "cpu")
    try:
        found = []
        for index, entry in enumerate(caller.manifest().entries):
            caller.seconds_left = stranger.seconds_left = 20.0
            if isinstance(entry, CodecEntry):
                found += check_codec(caller, stranger, entry, index, tiny_rows(load_task("dyck-20-10")))
            else:
                found += check_explainer(caller, entry, index, tiny_questions())
        return [str(problem) for problem in found]
    finally:
        caller.close()
        stranger.close()


def next_command(text):
    """The command that the last line of an output names."""
    last = text.splitlines()[-1]
    assert last.startswith("next: simplibench ")
    return shlex.split(last.removeprefix("next: simplibench "))


@pytest.mark.parametrize("track", TRACKS)
def test_a_new_file_keeps_the_contract_as_it_is(track, tmp_path, server):
    write_submission("my-method", track, tmp_path)
    assert problems(server, tmp_path / "my_method.py") == []
    assert {entry.manifest().track for entry in load_submission(tmp_path / "my_method.py").entries} == {track}


COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL) for line in block.splitlines()]


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """An empty checkout: its submissions, committed records and leaderboard stand in for the real ones."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "submissions").mkdir()
    monkeypatch.setattr(workspace, "CHECKOUT", tmp_path)
    return tmp_path


def test_the_commands_of_the_page_work_one_after_the_other_and_each_names_the_next(checkout):
    quick = ["--limit", "2", "--arena", "residual.0", "--seed", "0"]
    said = {}
    for line in COMMANDS:
        words = shlex.split(line)[1:]
        finished = CliRunner().invoke(app, words + (quick if words[0] == "run" else []))
        assert finished.exit_code == 0, finished.output
        said[line] = finished.stdout
    made, validated, ran, reported, ran_to_commit, board = said.values()
    assert made.startswith(f"wrote {checkout}/submissions/my_method.py, which runs as it is")
    assert next_command(made) == ["validate", "my-method"]
    assert next_command(validated) == ["run", "my-method"]
    assert "MyMethod(coordinates=8)" in ran
    assert next_command(ran) == ["run", "my-method", "--arena", "residual.0"]  # all of it, as this was a quick look
    assert reported.startswith("wrote report.md from 4 records of my-method")
    assert next_command(reported) == ["run", "my-method"]
    assert next_command(ran_to_commit)[-2:] == ["--output", "benchmark/records/committed"]
    assert board.startswith(f"wrote {checkout}/leaderboard.md from 4 records")
    assert "my-method" in (checkout / "leaderboard.md").read_text(encoding="utf-8")
    assert "Its file is submissions/my_method.py" in (checkout / "report.md").read_text(encoding="utf-8")


def options(file, **changes):
    known = ("task", "arenas", "seeds", "device", "limit", "output", "fresh", "jobs", "timeout", "in_process", "format")
    values = (None, None, None, "cpu", None, RESULTS, False, None, 60.0, False, "table")
    return Options([file], **dict(zip(known, values, strict=True)) | changes)


def test_a_whole_run_leads_to_the_report_and_a_part_of_one_to_the_whole():
    assert next_commands(["own"], options("own.py", arenas=["attention.1"])) == [["report", "own"]]
    there = Path("my records")
    assert next_commands(["own"], options("own.py", output=there)) == [["report", "own", "--records", "my records"]]
    quick = options("own.py", task="dyck-2-4", limit=3, in_process=True, output=there)
    assert next_commands(["own"], quick) == [["run", "own.py", "--task", "dyck-2-4", "--output", "my records"]]
    assert next_commands([], options("own.py")) == next_commands([], quick) == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("my-method", "MyMethod"),
        ("svd2-of-3", "Svd2Of3"),
        ("codec", "CodecMethod"),
        ("positive-int", "PositiveIntMethod"),
        ("none", "NoneMethod"),
    ],
)
def test_the_class_is_called_like_the_file_and_never_like_what_the_file_uses(name, expected, tmp_path):
    write_submission(name, "codec", tmp_path)
    submission = load_submission(tmp_path / f"{name.replace('-', '_')}.py")
    assert submission.name == name
    assert {type(entry).__name__ for entry in submission.entries} == {expected}


@pytest.mark.parametrize("name", ["My-method", "my_method", "my method", "-a", "a--b", "3d", "../a", "", "é", "a" * 65])
def test_a_name_that_cannot_be_is_refused(name, tmp_path):
    with pytest.raises(UsageError, match="must be lower case letters and digits with single dashes between") as refused:
        write_submission(name, "codec", tmp_path)
    assert f"got {name!r}" in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_taken_is_refused_naming_who_has_it(tmp_path):
    with pytest.raises(UsageError, match=r"there is a baseline called svd, .*svd\.py; choose another name"):
        write_submission("svd", "codec", tmp_path)


def test_a_file_that_is_there_is_never_overwritten(tmp_path):
    path = tmp_path / "my_method.py"
    path.write_text("mine\n", encoding="utf-8")
    with pytest.raises(UsageError, match=rf"{re.escape(str(path))}: there already, and left as it is"):
        write_submission("my-method", "codec", tmp_path)
    assert path.read_text(encoding="utf-8") == "mine\n"


def test_another_track_and_a_missing_checkout_are_refused(tmp_path, monkeypatch):
    with pytest.raises(UsageError, match="--track must be codec or explainer, got surrogate"):
        write_submission("my-method", "surrogate", tmp_path)
    monkeypatch.setattr(workspace, "CHECKOUT", None)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"no folder of submissions at .*; make it, or say where with --folder"):
        write_submission("my-method", "codec", None)


@pytest.fixture
def found(server, tmp_path):
    """What `validate` finds in an example."""

    def find(text):
        path = tmp_path / "own.py"
        path.write_text(text, encoding="utf-8")
        return problems(server, path)

    return find


ALLOWED = examples("What is allowed")
CAUGHT = examples("What is not allowed, and refused")
OUT_OF_REACH = examples("What is not allowed, and out of reach")


@pytest.mark.parametrize("name", ALLOWED)
def test_what_the_page_allows_keeps_the_contract(name, found):
    assert found(ALLOWED[name]) == []


@pytest.mark.parametrize("name", CAUGHT)
def test_what_the_page_calls_refused_is_refused_with_the_words_it_quotes(name, found):
    assert f"*{REFUSED[name]}*" in README.replace("\n", " ")
    assert any(f"expected {REFUSED[name]}" in problem for problem in found(CAUGHT[name]))


@pytest.mark.parametrize("name", OUT_OF_REACH)
def test_what_the_page_calls_out_of_reach_fails_for_want_of_files(name, found):
    problems_found = found(OUT_OF_REACH[name])
    assert problems_found
    assert all(re.search(r"Permission denied|not permitted|no task dyck-20-10", problem) for problem in problems_found)


def test_the_page_has_the_examples_it_announces():
    assert (len(ALLOWED), set(CAUGHT), set(OUT_OF_REACH)) == (3, set(REFUSED), {"Peeking", "Asking", "Carrying"})
