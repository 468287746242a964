"""What several suites use: one cache folder for generated splits, small tasks, submissions written on the spot."""

import os
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # before torch is loaded: host and guest share the cores

import pytest

from benchmark.harness.guest import Nursery
from benchmark.registry import all_tasks

ROOT = Path(__file__).parent.parent
HEADER = """
import torch
from torch import Tensor
from pydantic import PositiveInt
from benchmark import Codec, State, Submission
"""


@pytest.fixture(scope="session")
def task():
    return all_tasks()["dyck-20-10"]


@pytest.fixture(scope="session")
def nursery():
    with Nursery() as shared:
        yield shared


@pytest.fixture
def submission_file(tmp_path):
    """Writes a submission with one codec class `Own`, given its body, and returns the file."""

    def write(body: str, entries: str = "[Own()]", name: str = "own", file: str = "own.py") -> Path:
        indented = "\n".join("    " + line for line in body.strip("\n").splitlines())
        manifest = f"submission = Submission(name={name!r}, authors=('a',), reference='here', entries={entries})"
        path = tmp_path / file
        path.write_text(f"{HEADER}\nclass Own(Codec):\n{indented}\n\n{manifest}\n")
        return path

    return write


@pytest.fixture
def simplibench():
    """Runs the command as a user would and returns the finished process."""

    def run(*arguments: object, **options) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "benchmark.cli", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=240, **options)

    return run


IDENTITY = """
def encode(self, state, x): return x
def decode(self, state, code): return code
"""


@pytest.fixture
def identity_body():
    return IDENTITY
