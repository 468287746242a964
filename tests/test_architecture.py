"""The shape of the code: rooms, one-way imports, sizes, and a README whose commands work."""

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from simplibench.registry import BASELINES

ROOT = BASELINES.parent
ORDER = [
    "errors",
    "lazy",
    "files",
    "text",
    "corpus",
    "tasks",
    "models",
    "theory",
    "scoring",
    "methods",
    "records",
    "registry",
    "harness",
    "board",
    "pages",
    "api",
    "studies",
    "commands",
    "plugin",
    "cli",
]
FILES = sorted((ROOT / "benchmark").rglob("*.py"))


def room(path: Path) -> str:
    return path.relative_to(ROOT / "benchmark").parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "simplibench":
            parts = node.module.split(".")
            found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("simplibench.")}
    return found - {"baselines"}  # submissions, not a room


@pytest.mark.parametrize(
    "path", [file for file in FILES if room(file) != "__init__"], ids=lambda p: str(p.relative_to(ROOT))
)
def test_imports_go_one_way(path):
    own = ORDER.index(room(path))
    assert all(ORDER.index(other) <= own for other in imported_rooms(path))


def test_the_board_and_the_scores_know_no_model_no_task_and_no_harness():
    for file in FILES:
        if room(file) == "board":
            assert imported_rooms(file) <= {"board", "records", "scoring", "text"}
        if room(file) == "scoring":
            assert imported_rooms(file) <= {"scoring"}


@pytest.mark.parametrize("package", ["simplibench", "simplibench.methods", "simplibench.models"])
def test_names_that_load_late_are_what_their_modules_call_so(package):
    module = importlib.import_module(package)
    for name in module.__all__:
        found = getattr(module, name)
        assert not isinstance(found, ModuleType), f"{package}.{name} is hidden by the module of that name"


def test_the_board_is_made_without_torch():
    code = "import sys, simplibench.board; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_and_functions_are_of_readable_size(path):
    text = path.read_text()
    assert text.count("\n") <= 235
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno <= 45, f"{node.name} is too long"


def test_no_machine_path_and_no_third_party_data_is_in_the_repository():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for name in listed:
        path = ROOT / name
        most = 2_000_000 if path.suffix == ".safetensors" else 1_000_000  # weights are our own, and may be larger
        assert path.stat().st_size < most, name
        if path.suffix in (".py", ".md", ".toml", ".txt", ".json") and path != Path(__file__):
            assert "/wor" + "k/" not in path.read_text(), name


def test_the_readmes_two_commands_are_make_targets():
    commands = re.findall(r"^make (\w+)", (ROOT / "README.md").read_text(), flags=re.MULTILINE)
    assert commands[:2] == ["run", "test"]
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert set(commands) <= targets


def readme_blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)


COMMANDS = [line for block in readme_blocks("sh") for line in block.splitlines() if line.startswith("simplibench")]


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_of_the_readme_works(line, simplibench, tmp_path):
    arguments = line.partition("#")[0].split()[1:]
    (tmp_path / "my_method.py").write_text(readme_blocks("python")[0])
    if arguments[0] == "run":
        arguments += ["--limit", "4", "--output", str(tmp_path / "out")]
    if arguments[0] == "check":
        arguments += ["--limit", "20"]
    if arguments[0] == "train":
        arguments = ["train", "--help"]  # a training takes a quarter of an hour; test_training.py runs a tiny one
    finished = simplibench(*arguments, cwd=tmp_path)
    assert finished.returncode == 0, finished.stderr


@pytest.mark.parametrize("block", readme_blocks("python")[1:])
def test_every_python_snippet_of_the_readme_runs(block, tmp_path):
    finished = subprocess.run([sys.executable, "-c", block], capture_output=True, text=True, cwd=tmp_path)
    assert finished.returncode == 0, finished.stderr
