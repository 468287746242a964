"""The documentation: it builds without a warning, and what it says can be typed works."""

import dataclasses
import json
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import snippets

import simplibench
from simplibench.cli.train import train_references
from simplibench.models import load_card
from simplibench.records import (
    COMMITTED,
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
    load_all,
)
from simplibench.records.codec import split_figures
from simplibench.registry import BASELINES, load_task
from simplibench.tasks import load_split, splits

DOCS = BASELINES.parent / "docs"
PAGES = sorted(DOCS.glob("*.md"))
OF_TRACKS = {"track", "splits", "runtime"}  # every record has them; what is in them differs
DOCUMENTED = {
    "Every record": set(Record.model_fields) - OF_TRACKS | {"track"},
    "Protocol": set(Protocol.model_fields),
    "Environment": set(Environment.model_fields),
    "Codec record": set(CodecRecord.model_fields) - set(Record.model_fields) | OF_TRACKS,
    "Codec split": set(SplitResult.model_fields),
    "Stratum": set(Stratum.model_fields),
    "Codec runtime": set(Runtime.model_fields),
    "Explainer record": set(ExplainerRecord.model_fields) - set(Record.model_fields) | OF_TRACKS,
    "Explainer split": set(ExplainerSplit.model_fields),
    "Explainer runtime": set(ExplainerRuntime.model_fields),
    "Codec ground": {field.name for field in dataclasses.fields(GroundCounts)},
    "Codec counts": {field.name for field in dataclasses.fields(Counts)},
    "Explainer ground": {field.name for field in dataclasses.fields(BankTable)},
    "Explainer counts": {field.name for field in dataclasses.fields(ExplainerCounts)},
}
TRUSTED = {
    *("bits_per_token", "pattern_divergence_bits", "pattern_agreement", "strata", "ceiling_bits", "state_bytes"),
    *("family", "part", "runtime", "environment", "created", "authors", "citation", "control"),
}


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    snippets.make_checkout(tmp_path, monkeypatch)
    return tmp_path


def test_the_site_builds_without_a_warning_and_loads_nothing_from_a_network(tmp_path):
    makefile = (DOCS.parent / "Makefile").read_text(encoding="utf-8")
    (arguments,) = re.findall(r"^\t\$\(BIN\)/python (-m mkdocs .*)$", makefile, flags=re.MULTILINE)
    command = [sys.executable, *arguments.split(), "--quiet", "--site-dir", str(tmp_path / "site")]
    built = subprocess.run(command, cwd=DOCS.parent, capture_output=True, encoding="utf-8")
    assert (built.returncode, built.stdout, built.stderr) == (0, "", "")
    for page in PAGES:
        html = (tmp_path / "site" / page.name).with_suffix(".html").read_text(encoding="utf-8")
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
        named = set(re.findall(r"`simplibench (\w+)", page.read_text(encoding="utf-8")))
        named |= {line.split()[1] for line in snippets.command_lines(page)}
        assert named <= known, page.name


@pytest.mark.parametrize("number", range(1, len(snippets.blocks(DOCS / "python.md", "python"))))
def test_the_python_snippets_run(number, checkout, capsys):
    file = checkout / "snippet.py"
    file.write_text(snippets.blocks(DOCS / "python.md", "python")[number], encoding="utf-8")
    runpy.run_path(str(file), run_name="__main__")
    assert capsys.readouterr().out


def test_the_first_snippet_scores_its_own_class_from_its_own_file(checkout):
    file = checkout / "signs.py"
    file.write_text(snippets.blocks(DOCS / "python.md", "python")[0], encoding="utf-8")
    results = runpy.run_path(str(file), run_name="__main__")["results"]
    assert [(record.submission, record.entry, record.status) for record in results] == [
        ("signs", "Signs(scale=1.0)", "ok"),
        ("signs", "Signs(scale=1.5)", "ok"),
        ("identity", "Identity()", "ok"),
    ]
    assert len(list((checkout / "results" / snippets.ARENA / "signs").glob("*.json"))) == 2
    assert "vega" in (checkout / "curves.html").read_text(encoding="utf-8")


def test_the_task_of_the_page_is_found_builds_its_pinned_splits_and_its_reference_learns(cache, tmp_path, task_file):
    task_file("first_symbol.py", snippets.blocks(DOCS / "adding-a-task.md", "python")[0])
    task = load_task("first-symbol")
    train_references(task.name, ["0"], None, tmp_path / "trained", 1, 60.0)
    training = {bytes(sequence) for sequence in map(splits.load_training(task).__getitem__, range(4_000))}
    for name in ("iid", "repetitive"):
        split = load_split(task, name)
        assert len(split.cases) == len(split.sequences) == 200
        assert not training & {bytes(split.sequences[index]) for index in range(200)}
    accuracy = load_card(task, task.families[0], tmp_path / "trained").checkpoint(0).accuracy
    assert min(accuracy["iid"], accuracy["repetitive"]) > 0.5  # chance is 1 in 8


def test_the_record_page_has_every_field_and_no_other():
    records = (DOCS / "record-format.md").read_text(encoding="utf-8").split("## Output for scripts")[0]
    sections = re.split(r"^## ", records, flags=re.MULTILINE)
    found = {}
    for section in sections[1:]:
        title, _, body = section.partition("\n")
        found[title] = set(re.findall(r"^\| `(\w+)` \|", body, flags=re.MULTILINE))
    assert found == DOCUMENTED


def test_the_reference_has_every_public_name():
    listed = re.findall(
        r"^::: simplibench\S*\.(\w+)$", (DOCS / "reference.md").read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    assert set(simplibench.__all__) <= set(listed)


def test_verify_recomputes_and_trusts_what_the_page_says():
    page = (DOCS / "reproducing.md").read_text(encoding="utf-8")
    recomputed, trusted = page.split("**Recomputed from the counts**")[1].split("**Taken on trust**")
    codec, explainer = map(names, recomputed.split("* of explainers:"))
    assert {"role", *codec, *names(trusted)} >= set(SplitResult.model_fields)
    (stored,) = load_all(COMMITTED, arenas={"dyck-20-10/attention.1"})[:1]
    assert codec == set(split_figures(stored.ground(GroundCounts), stored.counts(Counts), 0)) | {"bits_per_token"}
    assert explainer == set(ExplainerSplit.model_fields) - {"role"}
    assert names(trusted.split("Rates are among these")[0]) == TRUSTED


def names(text: str) -> set[str]:
    return set(re.findall(r"`(\w+)`", text))


def test_the_documented_keys_of_a_leaderboard_row_are_those_that_are_printed(simplibench):
    section = (
        (DOCS / "record-format.md").read_text(encoding="utf-8").split("### Leaderboard row")[1].split("### List")[0]
    )
    documented = {key for line in section.splitlines() if line.startswith("| `") for key in names(line.split("|")[1])}
    rows = json.loads(simplibench("leaderboard", "--format", "json").stdout)
    assert documented == {key for row in rows for key in row}


def test_the_explainer_of_the_page_keeps_the_contract(checkout):
    (checkout / "last_open.py").write_text(snippets.blocks(DOCS / "explainers.md", "python")[0], encoding="utf-8")
    done = snippets.call("simplibench validate last_open.py")
    assert done.exit_code == 0, done.output


def test_the_scores_are_explained_on_one_page_that_the_others_link_to():
    root = DOCS.parent
    pages = {"README.md": root, "leaderboard.md": root, "submissions/README.md": root, "index.md": DOCS}
    for page, folder in pages.items():
        text = (folder / page).read_text(encoding="utf-8")
        assert "reading-the-board.md" in text, page
        assert not re.search(r"/ 256|eight\s+budgets|area\s+under\s+the\s+curve|Student's", text), page


def test_every_link_in_the_repository_leads_to_a_file_and_a_heading_that_exist():
    root = DOCS.parent
    for page in [*root.glob("*.md"), *PAGES, root / "submissions" / "README.md"]:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            path, _, anchor = target.partition("#")
            if not path.startswith("http"):
                file = page.parent / path if path else page
                assert file.exists(), f"{page.name}: {target}"
                assert not anchor or anchor in headings(file), f"{page.name}: {target}"


def headings(page: Path) -> set[str]:
    """The anchors of a page's headings."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}


def test_every_file_that_a_page_names_exists():
    root = DOCS.parent
    for page in [*root.glob("*.md"), *PAGES, root / "submissions" / "README.md"]:
        named = re.findall(
            r"`((?:benchmark|baselines|tests|docs|examples|locks|\.github)/[\w./-]*)`", page.read_text(encoding="utf-8")
        )
        assert [path for path in named if not (root / path).exists()] == [], page.name


def test_the_navigation_has_every_page():
    named = re.findall(
        r"^  - [^:]+: (\S+\.md)$", (DOCS.parent / "mkdocs.yml").read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    assert sorted(named) == [page.name for page in PAGES]


def test_every_snippet_of_the_docs_is_of_a_kind_that_is_run():
    run = {"python.md": len(snippets.blocks(DOCS / "python.md", "python")), "adding-a-task.md": 1, "explainers.md": 1}
    for page in PAGES:
        assert len(snippets.blocks(page, "python")) == run.get(Path(page).name, 0), page.name
        assert set(re.findall(r"^```(\w+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)) <= {
            "sh",
            "python",
            "text",
        }
