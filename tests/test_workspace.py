"""Where files go: a checkout has its own pages and submissions, an installed copy writes into the current folder alone."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import snippets

from simplibench import workspace
from simplibench.board import boards, leaderboard_markdown
from simplibench.cli.leaderboard import make_leaderboard
from simplibench.cli.new import write_submission
from simplibench.cli.page import files_from
from simplibench.cli.report import write_report
from simplibench.cli.verify import verify_records
from simplibench.errors import UsageError
from simplibench.records import COMMITTED, load_all
from simplibench.records.environment import environment
from simplibench.registry import BASELINES, all_methods, terms

ROOT = Path(__file__).parent.parent
SHOWN = ("constant", "identity", "svd")
NUMBER = sum(len(list((COMMITTED / snippets.ARENA / name).glob("*.json"))) for name in SHOWN)


def content(folder):
    """What a folder holds, by file."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def copy_records(committed):
    """Few of the committed records."""
    for name in SHOWN:
        shutil.copytree(COMMITTED / snippets.ARENA / name, committed / snippets.ARENA / name)
    for ground in (COMMITTED / snippets.ARENA).glob("*.npz"):
        shutil.copy(ground, committed / snippets.ARENA)
    return committed


@pytest.fixture
def records(tmp_path):
    return copy_records(tmp_path / "records")


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """The package seen as an installed copy of it is, from a folder of the user's."""
    package = tmp_path / "site" / "simplibench"
    copy_records(package / "records" / "committed")
    monkeypatch.setattr(workspace, "PACKAGE", package)
    monkeypatch.setattr(workspace, "CHECKOUT", None)
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    before = content(package)
    yield here
    assert content(package) == before


def test_this_checkout_is_one():
    assert workspace.checkout() == ROOT
    assert workspace.page() == ROOT / "leaderboard.md"
    assert workspace.submissions() == ROOT / "submissions"
    assert workspace.committed() == COMMITTED == ROOT / "benchmark" / "records" / "committed"


@pytest.mark.parametrize(
    ("folder", "project", "expected"),
    [
        ("benchmark", '[project]\nname = "simplibench"\n', True),
        ("benchmark", '[project]\nname = "another"\n', False),
        ("benchmark", "no TOML", False),
        ("benchmark", "project = 1\n", False),
        ("benchmark", None, False),
        ("simplibench", '[project]\nname = "simplibench"\n', False),
    ],
)
def test_a_checkout_is_told_by_its_project_and_never_by_somebody_elses(folder, project, expected, tmp_path):
    if project is not None:
        (tmp_path / "pyproject.toml").write_text(project, encoding="utf-8")
    assert workspace._checkout_of(tmp_path / folder) == (tmp_path if expected else None)


def test_an_installed_copy_writes_the_leaderboard_into_the_current_folder(tmp_path):
    package, here = tmp_path / "site" / "simplibench", tmp_path / "here"
    unneeded = shutil.ignore_patterns("__pycache__", "*.safetensors", "committed")
    shutil.copytree(ROOT / "benchmark", package, ignore=unneeded)
    shutil.copytree(BASELINES, package / "baselines", ignore=unneeded)
    copy_records(package / "records" / "committed")
    here.mkdir()
    before = content(package)
    environment = os.environ | {"PYTHONPATH": str(package.parent), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "simplibench.cli", "leaderboard"]
    finished = subprocess.run(command, cwd=here, env=environment, capture_output=True, encoding="utf-8")
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout == f"wrote {here}/leaderboard.md from {NUMBER} records\n"
    assert [path.name for path in here.iterdir()] == ["leaderboard.md"]
    assert content(package) == before


def test_of_an_installed_copy_every_command_leaves_the_installation_alone(installed, capsys):
    make_leaderboard(False, None, None, None)
    assert "svd" in (installed / "leaderboard.md").read_text(encoding="utf-8")
    make_leaderboard(True, None, None, None)  # against the page that was written; there is no figure to check
    verify_records([], None, None)
    assert capsys.readouterr().out.endswith(f"\n{NUMBER} records verified\n")  # and no page, as none comes with it
    write_report("svd", None, Path("report.md"), "md")
    assert "Rank 1 of 1." in (installed / "report.md").read_text(encoding="utf-8")
    assert "in a checkout of simplibench" in capsys.readouterr().out
    assert sorted(path.name for path in installed.iterdir()) == ["leaderboard.md", "report.md"]
    found = environment("cpu", in_process=False)
    assert (found.commit, found.clean) == (None, None)


def test_an_installed_copy_finds_submissions_of_the_current_folder(installed):
    with pytest.raises(
        UsageError, match=f"no folder of submissions at {installed}/submissions, as this is no checkout"
    ):
        write_submission("my-method", "codec", None)
    (installed / "submissions").mkdir()
    write_submission("my-method", "codec", None)
    assert all_methods()["my-method"].path == installed / "submissions" / "my_method.py"
    assert files_from(Path("page.html"))["my-method"] == ("submissions/my_method.py", "submissions/my_method.py")


def test_paths_are_told_from_the_root_or_the_package(installed):
    assert workspace.told(installed / "submissions" / "a.py") == "submissions/a.py"
    assert workspace.told(workspace.PACKAGE / "baselines" / "svd.py") == "baselines/svd.py"
    assert workspace.told(Path("/elsewhere/a.py")) == "/elsewhere/a.py"


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout with a page that nobody asked to change."""
    monkeypatch.setattr(workspace, "CHECKOUT", tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "leaderboard.md").write_text("as committed\n", encoding="utf-8")
    return tmp_path


def test_the_board_of_records_that_are_named_is_printed_and_the_committed_page_stays(checkout, records, capsys):
    make_leaderboard(False, None, [records], None)
    printed = capsys.readouterr()
    assert printed.out == leaderboard_markdown(boards(load_all(records), terms()))
    assert printed.err == ""
    assert (checkout / "leaderboard.md").read_text(encoding="utf-8") == "as committed\n"


@pytest.mark.parametrize("option", ["--page", "--output"])
def test_the_board_of_records_that_are_named_is_written_where_it_is_said(option, checkout, records):
    done = snippets.call(f"simplibench leaderboard --records records {option} mine.md")
    assert (done.exit_code, done.stdout) == (0, f"wrote mine.md from {NUMBER} records\n")
    assert Path("mine.md").read_text(encoding="utf-8") == leaderboard_markdown(boards(load_all(records), terms()))
    done = snippets.call(f"simplibench leaderboard --records records --format csv {option} mine.csv")
    assert done.exit_code == 0
    assert Path("mine.csv").read_text(encoding="utf-8").startswith("arena,submission,")
    assert (checkout / "leaderboard.md").read_text(encoding="utf-8") == "as committed\n"


def test_a_folder_without_records_gives_no_board(checkout, records, simplibench):
    (checkout / "empty").mkdir()
    finished = simplibench("leaderboard", "--records", records, "--records", "empty", cwd=checkout)
    said = "simplibench: --records empty: no records; expected TASK/ARENA/SUBMISSION/ENTRY.seed-N.json below it\n"
    assert (finished.returncode, finished.stdout, finished.stderr) == (2, "", said)
    assert (checkout / "leaderboard.md").read_text(encoding="utf-8") == "as committed\n"


def test_a_page_that_cannot_be_written_is_said(checkout, records):
    Path("file").write_text("no folder", encoding="utf-8")
    with pytest.raises(UsageError, match=r"--page file/page.md: cannot be written \(.+\); name a file elsewhere"):
        make_leaderboard(False, None, [records], Path("file/page.md"))
