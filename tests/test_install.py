"""Installed from its wheel, the package brings `simplibench` and nothing else: projects may use any other name."""

import os
import pkgutil
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BUILT_FROM = ("benchmark", "baselines", "pyproject.toml", "setup.py", "README.md", "LICENSE")
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
# What a project of somebody's has: folders of the names that ours have in the checkout.
PROJECT = {
    "benchmark/__init__.py": "TIMED = 3\n",
    "baselines.py": "KNOWN = 4\n",
    "test_theirs.py": """
import baselines, benchmark, simplibench

def test_their_folders_are_theirs_and_the_plugin_is_there(pytestconfig):
    assert (benchmark.TIMED, baselines.KNOWN) == (3, 4)
    assert pytestconfig.pluginmanager.has_plugin("simplibench")
    assert simplibench.__file__.startswith(r"{installed}")
""",
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of this checkout, built from a copy: a build leaves folders behind."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")
    for name in BUILT_FROM:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        else:
            shutil.copy(ROOT / name, source)
    run([*PIP, "wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", built, source])
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A virtual environment with the wheel installed; it sees the libraries of this one, but not this checkout."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    run([*PIP, "--python", python, "install", "--no-deps", "--no-index", "--no-compile", wheel])
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder)}))
    # A path in a .pth file joins the others without its own .pth files: so the editable install is left out.
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return site


def run(command, **options):
    """Runs a command without this process's Python settings, which must succeed; its output."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}
    finished = subprocess.run(
        list(map(str, command)),
        env=clean,
        capture_output=True,
        encoding="utf-8",
        timeout=200,
        **options,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def below(folder):
    return {
        path.relative_to(folder) for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_holds_every_file_of_both_folders_under_one_name(wheel):
    with zipfile.ZipFile(wheel) as archive:
        packed = {Path(name) for name in archive.namelist()}
    expected = {Path("simplibench") / path for path in below(ROOT / "benchmark")}
    expected |= {Path("simplibench", "baselines") / path for path in below(ROOT / "baselines")}
    facts = {path for path in packed if path.parts[0].endswith(".dist-info")}
    assert packed - facts == expected


def test_nothing_but_simplibench_is_importable_of_ours(installed):
    assert [module.name for module in pkgutil.iter_modules([str(installed)])] == ["simplibench"]


def test_a_project_with_folders_of_our_names_runs_its_tests_beside_the_installed_plugin(installed, tmp_path):
    for name, text in PROJECT.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text.replace("{installed}", str(installed)), encoding="utf-8")
    python = installed.parents[2] / "bin" / "python"
    said = run([python, "-m", "pytest", "-q", "-p", "no:cacheprovider"], cwd=tmp_path)
    assert "1 passed" in said


def test_the_installed_command_finds_its_baselines_and_tasks(installed, tmp_path):
    names = run([installed.parents[2] / "bin" / "simplibench", "list", "--format", "names"], cwd=tmp_path).split()
    assert set(names) == {path.stem.replace("_", "-") for path in (ROOT / "baselines").glob("[a-z]*.py")}
