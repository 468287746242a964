"""Code blocks of Markdown pages, and a checkout of a test's own to run their commands in, with few records."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from simplibench import workspace
from simplibench.cli import application
from simplibench.records import COMMITTED

app = application()

ARENA = "dyck-20-10/attention.1"
SUBMISSIONS = ("constant", "identity", "pca", "svd")  # whose committed records are there
SMALL = {
    "run": ["--arena", "attention.1", "--seed", "0", "--limit", "4", "--in-process"],
    "check": ["--limit", "5", "--in-process"],
    "train": ["--help"],  # a training takes a quarter of an hour
    "study": ["--help"],  # a study takes minutes
}


def blocks(page: Path, language: str) -> list[str]:
    """The contents of a page's fenced blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def command_lines(page: Path) -> list[str]:
    """The lines that call simplibench, as a reader would type them."""
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    return [line for line in lines if line.startswith("simplibench ")]


def small_arguments(line: str) -> list[str]:
    """The arguments of a command, with limits; of an option given twice, the last counts."""
    command, *arguments = shlex.split(line, comments=True)[1:]
    return [command, *arguments, *SMALL.get(command, [])]


def call(line: str) -> Result:
    """Run a command in this process, made small."""
    return CliRunner().invoke(app, small_arguments(line))


def make_checkout(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with committed records of one arena, and an empty one for submissions, in place of the checkout."""
    monkeypatch.setattr(workspace, "CHECKOUT", folder)
    workspace.submissions().mkdir()
    arena = workspace.committed() / ARENA
    for name in SUBMISSIONS:
        shutil.copytree(COMMITTED / ARENA / name, arena / name)
    for ground in (COMMITTED / ARENA).glob("*.npz"):
        shutil.copy(ground, arena)
    monkeypatch.chdir(folder)
