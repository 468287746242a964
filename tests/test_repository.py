"""What a repository has beside its code: workflows, forms, containers, locks, a citation, a notebook, a tour."""

import ast
import importlib.resources
import json
import re
import tomllib

import altair
import pytest
import snippets
import yaml

from simplibench.registry import BASELINES

ROOT = BASELINES.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = [path for path in sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")) if path.name != "config.yml"]
LOCKS = sorted((ROOT / "locks").glob("*.txt"))
NOTEBOOK = json.loads((ROOT / "examples" / "quickstart.ipynb").read_text(encoding="utf-8"))
TARGETS = set(re.findall(r"^(\.?[\w/-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))


def parsed(path):
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def stem(path):
    return path.stem


@pytest.mark.parametrize("path", WORKFLOWS, ids=stem)
def test_a_workflow_uses_official_actions_only_may_only_read_and_calls_what_exists(path):
    workflow = parsed(path)
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert 0 < job["timeout-minutes"] <= 60
        used = [step["uses"] for step in job["steps"] if "uses" in step]
        assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", action) for action in used)
        called = [step["run"] for step in job["steps"] if "run" in step]
        assert called
        for line in called:
            require_there(line)


def require_there(line):
    """A command is a target of the Makefile or one of simplibench's."""
    program, first, *_ = line.split()
    if program == "make":
        assert first in TARGETS
    else:
        assert program == ".venv/bin/simplibench"
        assert first in {command.name or command.callback.__name__ for command in snippets.app.registered_commands}


def test_tests_run_on_every_python_that_there_is_a_lock_for():
    matrix = parsed(".github/workflows/tests.yml")["jobs"]["tests"]["strategy"]["matrix"]["python"]
    assert [f"python{version}.txt" for version in matrix] == [path.name for path in LOCKS]


@pytest.mark.parametrize("path", FORMS, ids=stem)
def test_an_issue_form_has_what_a_form_needs(path):
    form = parsed(path)
    assert {"name", "description", "title", "labels", "body"} == set(form)
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    assert len({field["id"] for field in fields}) == len(fields)
    for field in fields:
        assert field["type"] in {"input", "textarea", "dropdown", "checkboxes"}
        assert field["attributes"]["label"]
        assert bool(field["attributes"].get("options")) == (field["type"] in {"dropdown", "checkboxes"})
    assert any(field.get("validations", {}).get("required") for field in fields)


def test_there_are_forms_for_a_submission_a_task_and_a_doubt():
    assert [path.stem for path in FORMS] == ["doubt-a-record", "submission", "task"]
    assert set(parsed(".github/ISSUE_TEMPLATE/config.yml")) == {"blank_issues_enabled", "contact_links"}


def test_the_citation_has_what_the_format_asks_for_and_the_version_of_the_project():
    citation = parsed("CITATION.cff")
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"]
    assert [author["name"] for author in citation["authors"]] == [author["name"] for author in PROJECT["authors"]]
    assert all({"type", "title", "authors", "year", "url"} <= set(paper) for paper in citation["references"])


def test_hooks_call_programs_of_the_project_alone():
    hooks = [hook for repository in parsed(".pre-commit-config.yaml")["repos"] for hook in repository["hooks"]]
    assert {hook["language"] for hook in hooks} == {"system"}
    assert {hook["entry"].split()[0] for hook in hooks} == {".venv/bin/ruff", "make"}


def test_containers_install_what_the_project_has():
    extras = set(PROJECT["optional-dependencies"])
    for name in ("Dockerfile", "Dockerfile.gpu"):
        text = (ROOT / name).read_text(encoding="utf-8")
        (asked,) = re.findall(r"--constraint constraints\.txt --editable '\.\[([\w,]+)\]'", text)
        assert set(asked.split(",")) <= extras
        assert text.count("\nUSER simplibench\n") == 1  # a stranger's code does not run as root
    assert "NOT RUN" in (ROOT / "Dockerfile.gpu").read_text(encoding="utf-8").splitlines()[0]
    command = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))[
        "postCreateCommand"
    ].split()
    assert command[0] == "make"
    assert set(command[1:]) <= TARGETS


def pins(text):
    """Versions by name."""
    found = re.findall(r"^([\w.-]+)==([\w.!+-]+)", text, flags=re.MULTILINE)
    return {name.lower().replace("_", "-"): version for name, version in found}


@pytest.mark.parametrize("path", LOCKS, ids=stem)
def test_a_lock_has_the_versions_of_the_constraints_with_hashes_and_names_no_host(path):
    text, constraints = path.read_text(encoding="utf-8"), pins((ROOT / "constraints.txt").read_text(encoding="utf-8"))
    locked = pins(text)
    assert {name: locked[name] for name in constraints if name in locked} == {
        name: version for name, version in constraints.items() if name in locked
    }
    extras = [line for lines in PROJECT["optional-dependencies"].values() for line in lines]
    asked = {re.match(r"[\w-]+", line)[0].lower() for line in [*PROJECT["dependencies"], *extras]} - {"simplibench"}
    assert asked <= set(locked)
    packages = re.split(r"\n(?=\S)", text.strip())
    assert len(packages) == len(locked)
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", package) for package in packages)
    assert not re.search(r"https?:|file:|--(?:extra-)?index|--find-links|@", text)


def test_the_types_of_the_package_can_be_used():
    assert importlib.resources.files("simplibench").joinpath("py.typed").is_file()
    setup = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    assert setup["package-data"]["simplibench"] == ["py.typed"]
    assert "Typing :: Typed" in PROJECT["classifiers"]


def tour():
    """Files and the names to read in them, in the order of the tour."""
    section = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("## A tour")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`[^|]+`) \| (`[^|]+`) \|", section, flags=re.MULTILINE)
    back = re.findall(r"(`[\w/]+\.py`)(?: |\n)\((`\w+`)\)", section)
    return [(file.strip("`"), re.findall(r"`(\w+)`", names)) for file, names in [*rows, *back]]


def test_the_tour_leads_from_the_command_to_the_codec_through_names_that_exist():
    files = [file for file, _ in tour()]
    assert files[0] == "benchmark/cli/run.py"
    assert files.index("baselines/svd.py") == 8, "nine files"
    assert len(files) == len(set(files)) > 10
    for file, names in tour():
        nodes = ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8")))
        defined = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        assert names, file
        assert set(names) <= defined, file


def test_the_packages_of_the_tour_are_those_there_are():
    section = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("## The packages")[1].split("\n## ")[0]
    named = {name for row in re.findall(r"^\| (`.*?) \|", section, flags=re.MULTILINE) for name in row.split("`")[1::2]}
    folders = {path.parent.name for path in (ROOT / "benchmark").glob("*/__init__.py")}
    assert named - {"registry"} == folders


def cells(kind):
    return ["".join(cell["source"]) for cell in NOTEBOOK["cells"] if cell["cell_type"] == kind]


def test_the_notebook_was_executed_from_top_to_bottom_without_an_error():
    code = [cell for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, 1 + len(code)))
    outputs = [output for cell in code for output in cell["outputs"]]
    assert {output["output_type"] for output in outputs} <= {"stream", "execute_result", "display_data"}
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert not re.search(r"/(?:root|home|tmp|Users)/", json.dumps(outputs))


def test_the_cells_of_the_notebook_run(tmp_path, monkeypatch, capsys):
    snippets.make_checkout(tmp_path, monkeypatch)
    names, renderer = {}, altair.renderers.active
    try:
        for cell in cells("code"):
            run_cell(cell.replace("limit=100", "limit=4, in_process=True"), tmp_path, names)
    finally:
        altair.renderers.enable(renderer)
    assert {record.status for record in names["results"]} == {"ok"}
    assert [record.submission for record in names["results"]].count("largest") == 4
    assert "OneHotAttention()" in capsys.readouterr().out


def run_cell(cell, folder, names):
    """As a notebook does: write a file, call the command, or run Python."""
    first, _, rest = cell.partition("\n")
    if first.startswith("%%writefile "):
        (folder / first.split()[1]).write_text(rest, encoding="utf-8")
    elif first.startswith("!"):
        done = snippets.call(first[1:])
        assert done.exit_code == 0, done.output
    else:
        exec(cell, names)
