"""The shape of the code: rooms, one-way imports, sizes, and a README whose commands work."""

import ast
import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from simplibench.registry import BASELINES

ROOT = BASELINES.parent
ORDER = [
    "errors",
    "lazy",
    "arrays",
    "files",
    "allocator",
    "pool",
    "workspace",
    "text",
    "tasks",
    "models",
    "scoring",
    "methods",
    "guest",
    "records",
    "baselines",
    "registry",
    "harness",
    "board",
    "audit",
    "pages",
    "api",
    "studies",
    "plugin",
    "cli",
]
FILES = sorted((ROOT / "benchmark").rglob("*.py"))
BINARY = (".npz", ".png", ".safetensors")


def room(path: Path) -> str:
    return path.relative_to(ROOT / "benchmark").parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
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
            assert imported_rooms(file) <= {"board", "records", "scoring", "arrays", "text", "errors"}
        if room(file) == "scoring":
            assert imported_rooms(file) <= {"scoring", "arrays"}


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
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 235
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno <= 45, f"{node.name} is too long"


FOLDERS = ("benchmark", "baselines", "submissions", "tests")
OWN_CODE = [ROOT / "setup.py", *sorted(path for name in FOLDERS for path in (ROOT / name).rglob("*.py"))]


def reads_text_of_no_named_encoding(call: ast.Call) -> bool:
    """Whether a call opens text and leaves the encoding to the locale; `Path.open` is left to ruff, which knows paths."""
    options = {option.arg: ast.unparse(option.value) for option in call.keywords}
    if "encoding" in options:
        return False
    first, mode = (*map(ast.unparse, call.args), "", "")[:2]
    mode = options.get("mode", mode)
    match ast.unparse(call.func).rpartition("."):
        case (_, ".", "read_text" | "write_text"):
            return True
        case ("", "", "open") | ("os", ".", "fdopen"):
            return "b" not in mode
        case ("gzip", ".", "open"):
            return "t" in mode
        case (_, _, "NamedTemporaryFile" | "TemporaryFile"):
            return options.get("mode", first or "'b'").count("b") == 0
    return "True" in (options.get("text"), options.get("universal_newlines"))


@pytest.mark.parametrize("path", OWN_CODE, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_text_is_read_and_written_in_a_named_encoding(path):
    calls = [node for node in ast.walk(ast.parse(path.read_bytes())) if isinstance(node, ast.Call)]
    assert [node.lineno for node in calls if reads_text_of_no_named_encoding(node)] == []


@pytest.mark.parametrize(
    ("code", "wrong"),
    [
        ("path.read_text()", True),
        ("path.write_text('b')", True),
        ("open(path)", True),
        ("open(path, 'rb')", False),
        ("gzip.open(path, 'wt')", True),
        ("gzip.open(path)", False),
        ("tempfile.NamedTemporaryFile('w')", True),
        ("TemporaryFile()", False),
        ("tarfile.open(path, 'r:gz')", False),
        ("run(command, text=True)", True),
        ("path.read_text(encoding='utf-8')", False),
    ],
)
def test_what_reads_text_is_known(code, wrong):
    assert reads_text_of_no_named_encoding(ast.parse(code).body[0].value) is wrong


WRITES = {"write_text", "write_bytes", "mkdir", "unlink", "touch", "rename", "rmdir", "savez", "savez_compressed"}


def puts_errors_into_words(node: ast.AST) -> bool:
    """Whether it is `with writing(path):`, or the filling of what is no file."""
    return isinstance(node, ast.With) and any("writing(" in ast.unparse(item) for item in node.items)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_is_written_where_a_full_disk_would_not_be_told(path):
    tree = ast.parse(path.read_bytes())
    worded = {id(node) for block in ast.walk(tree) if puts_errors_into_words(block) for node in ast.walk(block)}
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    bare = [node for node in calls if node.func.attr in WRITES and id(node) not in worded and room(path) != "files"]
    assert [ast.unparse(node) for node in bare if "BytesIO" not in ast.unparse(tree)] == []


def test_no_machine_path_and_no_third_party_data_is_in_the_repository():
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, encoding="utf-8", check=True
    ).stdout.split()
    for name in listed:
        path = ROOT / name
        most = 2_000_000 if path.suffix == ".safetensors" else 1_000_000  # weights are our own, and may be larger
        assert path.stat().st_size < most, name
        if path.suffix not in BINARY and path != Path(__file__):
            assert "/wor" + "k/" not in path.read_text(encoding="utf-8"), name


def test_the_readmes_two_commands_are_make_targets():
    commands = re.findall(r"^make (\w+)", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert commands[:2] == ["run", "test"]
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert set(commands) <= targets


def readme_blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)


COMMANDS = [line for block in readme_blocks("sh") for line in block.splitlines() if line.startswith("simplibench")]


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_of_the_readme_works(line, simplibench, tmp_path):
    arguments = line.partition("#")[0].split()[1:]
    (tmp_path / "my_method.py").write_text(readme_blocks("python")[0], encoding="utf-8")
    if arguments[0] == "run":
        arguments += ["--limit", "4", "--output", str(tmp_path / "out")]
    finished = simplibench(*arguments, cwd=tmp_path)
    assert finished.returncode == 0, finished.stderr


def test_the_readme_fits_on_a_page():
    assert (ROOT / "README.md").read_text(encoding="utf-8").count("\n") <= 150


def test_make_test_leaves_out_what_the_readme_says():
    (said,) = re.findall(r"^make test +# (.*)$", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    options = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]["ini_options"][
        "addopts"
    ]
    left_out = {"network": "not network", "browser": "--ignore=tests/browser", "speed": "--ignore=tests/benchmarks"}
    assert "fast test suite" in said
    assert all(word in said and option in options for word, option in left_out.items())


FILLERS = {"own", "one", "found"}  # names that say nothing of what they hold


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_variable_is_named_for_what_it_holds(path):
    nodes = list(ast.walk(ast.parse(path.read_bytes())))
    named = [node.id for node in nodes if isinstance(node, ast.Name)]
    named += [node.arg for node in nodes if isinstance(node, ast.arg)]
    assert FILLERS.isdisjoint(named)


TRACK_TABLES = {Path(ROOT, "benchmark", layer, "tracks.py") for layer in ("methods", "records", "harness", "board")}
TRACK_NAMES = {"codec", "explainer"}
TRACK_TYPES = {"Codec", "Explainer", "CodecEntry", "ExplainerEntry", "CodecRecord", "ExplainerRecord"}
TRACK_TYPES |= {"Component", "Explanations"}


def test_only_the_four_tables_are_keyed_by_track_and_nobody_compares_its_name():
    keyed, compared = set(), []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_bytes())):
            constants = {child.value for child in ast.iter_child_nodes(node) if isinstance(child, ast.Constant)}
            if isinstance(node, ast.Dict) and constants >= TRACK_NAMES:
                keyed.add(path)
            if isinstance(node, ast.Compare) and constants & TRACK_NAMES:
                compared.append(f"{path.name}:{node.lineno}")
    assert keyed == TRACK_TABLES
    assert compared == []


def test_what_a_thing_of_a_track_is_is_hardly_ever_tested():
    tested = []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "isinstance":
                kinds = {child.id for child in ast.walk(node.args[1]) if isinstance(child, ast.Name)}
                tested += [f"{path.name}:{node.lineno}"] if kinds & TRACK_TYPES else []
    assert len(tested) <= 4, tested
