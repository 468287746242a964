"""A third track, defined in one file (third_track.py) and entered in four tables, goes through every command."""

import json
import shutil
from pathlib import Path

import pytest
import third_track
from typer.testing import CliRunner

from simplibench import evaluate
from simplibench.cli import application
from simplibench.registry import load_task

pytest_plugins = "pytester"

TASK = "dyck-2-4"
ARENA = f"{TASK}/votes"
HEAD = "import torch\nfrom third_track import Vote, enter\nfrom simplibench import Submission\n\nenter()\n\n"
VOTER = """
class {kind}(Vote):
    last: int = 1_000

    def vote(self, tokens):
        def number(token):
            return (tokens[:, -self.last:] == token).sum(1)
        {body}

submission = Submission(name="{name}", authors=("a",), citation="here", entries=({kind}(), {kind}(last=20)))
"""
MAJORITY = "return 3 + (number(2) - number(4) > number(1) - number(3)).long()"  # the type with more brackets open
NEVER = "return number(0) * 0"  # START, which is never right


def write(folder: Path, name: str, body: str) -> Path:
    shutil.copy(third_track.__file__, folder / "third_track.py")
    file = folder / f"{name}.py"
    file.write_text(HEAD + VOTER.format(kind=name.capitalize(), body=body, name=name), encoding="utf-8")
    return file


@pytest.fixture(scope="module", autouse=True)
def votes():
    """The track in the four tables, and an arena of it in a shipped task, for these tests."""
    task = load_task(TASK)
    with pytest.MonkeyPatch.context() as patch:
        for table, entry in third_track.LINES:
            patch.setitem(table, "vote", entry)
        patch.setattr(type(task), "arenas", (*task.arenas, third_track.Votes("two-layer")))
        yield


def command(*arguments: object, exit_code: int = 0) -> str:
    """Run a command in this process, and return what it printed."""
    finished = CliRunner().invoke(application(), [str(argument) for argument in arguments])
    assert finished.exit_code == exit_code, (arguments, finished.output, finished.exception)
    return finished.stdout


@pytest.fixture(scope="module")
def made(votes, tmp_path_factory):
    """A folder with two voters, and in `out` their records on every reference."""
    folder = tmp_path_factory.mktemp("made")
    files = [write(folder, "majority", MAJORITY), write(folder, "nobody", NEVER)]
    printed = command("run", *files, "--arena", "votes", "--task", TASK, "--output", folder / "out", "--jobs", 1)
    assert "agreement of votes over 3 references" in printed
    return folder


@pytest.fixture
def majority(made, tmp_path, monkeypatch):
    """The better voter's file, in a working folder of the test's own with both voters' records."""
    shutil.copytree(made, tmp_path / "made")
    monkeypatch.chdir(tmp_path / "made")
    return tmp_path / "made" / "majority.py"


def test_a_third_track_is_validated_run_reported_ranked_compared_and_verified(majority):
    assert "majority keeps the contract, 2 entries" in command("validate", majority)
    assert len(list(Path("out", ARENA).rglob("*.json"))) == 2 * 2 * 3
    report = command("report", "majority", "--records", "out")
    assert "Agreement by split" in report
    assert "Rank 1 of 1." in report  # among the committed records, of which there are none
    assert "<table" in command("report", "majority", "--records", "out", "--format", "html")
    table = command("leaderboard", "--records", "out")
    assert "order by agreement in distribution" in table
    rows = json.loads(command("leaderboard", "--records", "out", "--format", "json"))
    ranks = {row["submission"]: row["rank_low"] for row in rows if row["arena"] == ARENA}
    assert ranks == {"majority": 1, "nobody": 2}
    command("leaderboard", "--records", "out", "--html", "page.html")
    assert "votes take no time" in Path("page.html").read_text(encoding="utf-8")
    assert "majority is more faithful" in command("compare", "majority", "nobody", "--records", "out", "--arena", ARENA)
    assert "12 records verified" in command("verify", "--records", "out")


def test_a_record_of_a_third_track_is_made_again_and_checked(majority):
    record = next(path for path in Path("out").rglob("*.json") if path.name.startswith("Majority"))
    assert "0 beyond" in command("rerun", record, "--file", majority)
    assert "none got worse" in command("check", majority, "--against", "out", "--arena", "votes")
    write(majority.parent, "majority", NEVER)
    assert "got worse" in command("check", majority, "--against", "out", "--arena", "votes", exit_code=1)


def test_an_edited_figure_of_a_third_track_is_refused(majority):
    record = next(Path("out", ARENA, "majority").glob("*.json"))
    content = json.loads(record.read_text(encoding="utf-8"))
    name = next(iter(content["splits"]))
    content["splits"][name]["agreement"] = 0.123
    sealed = third_track.VoteRecord.sealed(**{key: value for key, value in content.items() if key != "sha256"})
    record.write_text(sealed.model_dump_json(), encoding="utf-8")
    with pytest.raises(Exception, match=f"splits.{name}.agreement: its counts give"):
        application()(["verify", "--records", "out"], standalone_mode=False)


def test_python_and_the_pytest_plugin_know_a_third_track(made, tmp_path, pytester, monkeypatch):
    file = made / "majority.py"
    results = evaluate(file, TASK, "votes", 0, output=tmp_path / "out")
    assert [record.track for record in results] == ["vote", "vote"]
    assert "agreement of votes" in results.to_markdown()
    assert set(results.to_dataframe()["agreement"]) <= {split.agreement for r in results for split in r.splits.values()}
    for name in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    plugin = ("-p", "simplibench.plugin", "-p", "no:cacheprovider")
    pytester.runpytest_inprocess(*plugin, "--simplibench", str(file)).assert_outcomes(passed=5)
    pytester.makepyfile(
        f"""
        def test_stays(proxy):
            voter = proxy({str(file)!r}, arena={ARENA!r}, seed=0)
            voter.must_be_as_faithful_as({str(tmp_path / "out")!r}).must_be_as_fast_as({str(tmp_path / "out")!r})
        """
    )
    pytester.runpytest_inprocess(*plugin).assert_outcomes(passed=1)
