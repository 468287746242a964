"""The documentation: it builds without a warning, and what it says can be typed works."""

import dataclasses
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import snippets

import simplibench
from simplibench.commands.train import train
from simplibench.models import load_card
from simplibench.records import (
    BankTable,
    CodecRecord,
    Counts,
    Environment,
    ExplainerCounts,
    ExplainerRecord,
    ExplainerRuntime,
    ExplainerSplit,
    GroundCounts,
    Protocol,
    Record,
    Runtime,
    SplitResult,
    Stratum,
)
from simplibench.registry import BASELINES, load_task
from simplibench.tasks import load_split, splits

DOCS = BASELINES.parent / "docs"
PAGES = sorted(DOCS.glob("*.md"))
DOCUMENTED = {
    "Every record": set(Record.model_fields) | {"track"},
    "Protocol": set(Protocol.model_fields),
    "Environment": set(Environment.model_fields),
    "Codec record": set(CodecRecord.model_fields) - set(Record.model_fields),
    "Codec split": set(SplitResult.model_fields),
    "Stratum": set(Stratum.model_fields),
    "Codec runtime": set(Runtime.model_fields),
    "Explainer record": set(ExplainerRecord.model_fields) - set(Record.model_fields),
    "Explainer split": set(ExplainerSplit.model_fields),
    "Explainer runtime": set(ExplainerRuntime.model_fields),
    "Codec ground": {field.name for field in dataclasses.fields(GroundCounts)},
    "Codec counts": {field.name for field in dataclasses.fields(Counts)},
    "Explainer ground": {field.name for field in dataclasses.fields(BankTable)},
    "Explainer counts": {field.name for field in dataclasses.fields(ExplainerCounts)},
}


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    snippets.make_checkout(tmp_path, monkeypatch)
    return tmp_path


def test_the_site_builds_without_a_warning_and_loads_nothing_from_a_network(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    built = subprocess.run(command, cwd=DOCS.parent, capture_output=True, text=True)
    assert (built.returncode, built.stdout, built.stderr) == (0, "", "")
    for page in PAGES:
        html = (tmp_path / "site" / page.name).with_suffix(".html").read_text()
        assert not re.findall(r'(?:src=|<link[^>]*href=)"(?:https?:)?//', html)


@pytest.mark.parametrize("page", [page for page in PAGES if snippets.command_lines(page)], ids=lambda page: page.stem)
def test_the_commands_of_a_page_work_one_after_the_other(page, checkout):
    assert snippets.call("simplibench leaderboard").exit_code == 0
    for line in snippets.command_lines(page):
        done = snippets.call(line)
        assert done.exit_code == 0, f"{line}\n{done.output}\n{done.exception!r}"


def test_every_command_that_is_named_exists():
    known = {command.name or command.callback.__name__ for command in snippets.app.registered_commands}
    known |= {group.name or group.typer_instance.info.name for group in snippets.app.registered_groups}
    for page in PAGES:
        named = set(re.findall(r"`simplibench (\w+)", page.read_text()))
        named |= {line.split()[1] for line in snippets.command_lines(page)}
        assert named <= known, page.name


@pytest.mark.parametrize("number", range(1, len(snippets.blocks(DOCS / "python.md", "python"))))
def test_the_python_snippets_run(number, checkout, capsys):
    file = checkout / "snippet.py"
    file.write_text(snippets.blocks(DOCS / "python.md", "python")[number])
    runpy.run_path(str(file), run_name="__main__")
    assert capsys.readouterr().out


def test_the_first_snippet_scores_its_own_class_from_its_own_file(checkout):
    file = checkout / "signs.py"
    file.write_text(snippets.blocks(DOCS / "python.md", "python")[0])
    results = runpy.run_path(str(file), run_name="__main__")["results"]
    assert [(record.submission, record.entry, record.status) for record in results] == [
        ("signs", "Signs(scale=1.0)", "ok"),
        ("signs", "Signs(scale=1.5)", "ok"),
        ("identity", "Identity()", "ok"),
    ]
    assert len(list((checkout / "results" / snippets.ARENA / "signs").glob("*.json"))) == 2
    assert "vega" in (checkout / "curves.html").read_text()


def test_the_task_of_the_page_is_found_builds_its_pinned_splits_and_its_reference_learns(cache, tmp_path, task_file):
    task_file("first_symbol.py", snippets.blocks(DOCS / "adding-a-task.md", "python")[0])
    task = load_task("first-symbol")
    train(task.name, ["0"], None, tmp_path / "trained", 1, 60.0)
    training = {bytes(sequence) for sequence in map(splits.load_training(task).__getitem__, range(4_000))}
    for name in ("iid", "repetitive"):
        split = load_split(task, name)
        assert len(split.cases) == len(split.sequences) == 200
        assert not training & {bytes(split.sequences[index]) for index in range(200)}
    accuracy = load_card(task, task.families[0], tmp_path / "trained").checkpoint(0).accuracy
    assert min(accuracy["iid"], accuracy["repetitive"]) > 0.5  # chance is 1 in 8


def test_the_record_page_has_every_field_and_no_other():
    sections = re.split(r"^## ", (DOCS / "record-format.md").read_text(), flags=re.MULTILINE)
    found = {}
    for section in sections[1:]:
        title, _, body = section.partition("\n")
        found[title] = set(re.findall(r"^\| `(\w+)` \|", body, flags=re.MULTILINE))
    assert found == DOCUMENTED


def test_the_reference_has_every_public_name():
    listed = re.findall(r"^::: simplibench\S*\.(\w+)$", (DOCS / "reference.md").read_text(), flags=re.MULTILINE)
    assert set(simplibench.__all__) <= set(listed)


def test_every_snippet_of_the_docs_is_of_a_kind_that_is_run():
    run = {"python.md": len(snippets.blocks(DOCS / "python.md", "python")), "adding-a-task.md": 1}
    for page in PAGES:
        assert len(snippets.blocks(page, "python")) == run.get(Path(page).name, 0), page.name
        assert set(re.findall(r"^```(\w+)$", page.read_text(), flags=re.MULTILINE)) <= {"sh", "python", "text"}
