"""What several suites use: one cache folder for generated splits, small tasks, submissions written on the spot."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # before torch is loaded: host and guest share the cores

import pytest
from small_code import package_writer

from simplibench import tasks as shipped
from simplibench.guest import ForkServer
from simplibench.harness.explainer.bank import load_bank
from simplibench.registry import all_tasks, registered_tasks
from simplibench.tasks import splits

ROOT = Path(__file__).parent.parent
HEADER = """
import torch
from torch import Tensor
from pydantic import PositiveInt
from simplibench import Codec, State, Submission
"""


@pytest.fixture(scope="session")
def task():
    return all_tasks()["dyck-20-10"]


@pytest.fixture(scope="session")
def server():
    with ForkServer() as shared:
        yield shared


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache folder of the test's own, empty."""
    monkeypatch.setenv("SIMPLIBENCH_CACHE", str(tmp_path / "cache"))
    splits.load_split.cache_clear()
    yield tmp_path / "cache"
    splits.load_split.cache_clear()


@pytest.fixture
def submission_file(tmp_path):
    """Writes a submission with one codec class `Own`, given its body, and returns the file."""

    def write(body: str, entries: str = "[Own()]", name: str = "own", file: str = "own.py") -> Path:
        indented = "\n".join("    " + line for line in body.strip("\n").splitlines())
        manifest = f"submission = Submission(name={name!r}, authors=('a',), citation='here', entries={entries})"
        path = tmp_path / file
        path.write_text(f"{HEADER}\nclass Own(Codec):\n{indented}\n\n{manifest}\n", encoding="utf-8")
        return path

    return write


@pytest.fixture
def simplibench():
    """Runs the command as a user would and returns the finished process."""

    def run(*arguments: object, module: bool = True, **options) -> subprocess.CompletedProcess[str]:
        script = Path(sys.executable).parent / "simplibench"  # what users call: it does not read the working folder
        command = [sys.executable, "-m", "simplibench.cli"] if module else [str(script)]
        command += map(str, arguments)
        return subprocess.run(command, capture_output=True, encoding="utf-8", timeout=240, **options)

    return run


@pytest.fixture
def task_file(tmp_path, monkeypatch):
    """Writes a file that the registry finds beside the shipped tasks, and returns its path."""
    folder = tmp_path / "more tasks"
    folder.mkdir()
    before = set(sys.modules)
    monkeypatch.setattr(shipped, "__path__", [*shipped.__path__, str(folder)])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # a file may be written twice within a second

    def write(name: str, text: str) -> Path:
        path = folder / name
        path.write_text(text, encoding="utf-8")
        registered_tasks.cache_clear()
        importlib.invalidate_caches()
        return path

    yield write
    registered_tasks.cache_clear()
    for module in set(sys.modules) - before:
        if str(getattr(sys.modules[module], "__file__", "")).startswith(str(folder)):
            del sys.modules[module]
            delattr(shipped, module.rpartition(".")[2])


IDENTITY = """
def encode(self, state, x): return x
def decode(self, state, code): return code
"""


@pytest.fixture
def identity_body():
    return IDENTITY


@pytest.fixture
def package(tmp_path):
    """Writes an archive of the given files into `tmp_path / "index"`, as the package index has it, and pins it."""
    return package_writer(tmp_path / "index")


@pytest.fixture(scope="module", params=["minimal", "minimal-type-angle", "two-layer", "two-layer-linear"])
def network(request):
    """A trained reference of each family."""
    from explainer_kit import trained  # loads every submission, which most suites do not need

    return trained(request.param)


@pytest.fixture(scope="module")
def bank():
    """The pairs of models that explainers are to tell apart."""
    from explainer_kit import ARENA, TASK

    return load_bank(TASK, ARENA, 0, "cpu")
