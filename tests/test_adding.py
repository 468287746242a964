"""Adding a task and a reference breaks no test: suites run on a copy of the package that has one more of each."""

import os
import re
import runpy
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import snippets

import simplibench
from simplibench.models import CHECKPOINTS
from simplibench.models.reference import save_reference
from simplibench.models.training import initial
from simplibench.registry import BASELINES

ROOT = Path(__file__).parent.parent
MORE = 97  # a seed that no family has
SUITES = ["test_task_contract.py", "test_baseline_contract.py", "test_training.py", "test_registration.py"]
# What does not depend on which tasks there are, or takes long, runs in its own suite alone.
CHOSEN = (
    "(second-symbol or dyck-20-10/ or same or keeps_its_floor or committed_record or usable_task or others_work or beside)"
    " and not built_again"
)


def linked(folder, source, *left_out):
    """A folder of links to what a folder holds."""
    folder.mkdir()
    for path in source.iterdir():
        if path.name not in (*left_out, "__pycache__"):
            (folder / path.name).symlink_to(path)
    return folder


@pytest.fixture
def package(tmp_path, task):
    """Links to the package's files, a task more, and a reference more of the task that is shipped."""
    shipped = Path(simplibench.__file__).parent
    package = linked(tmp_path / "simplibench", shipped, "tasks", "models", "baselines")
    (package / "baselines").symlink_to(BASELINES)
    linked(package / "tasks", shipped / "tasks", "dyck.py")
    linked(package / "models", shipped / "models", "checkpoints")
    root = linked(package / "models" / "checkpoints", CHECKPOINTS, task.name)
    page = package / "tasks" / "second_symbol.py"
    text = snippets.blocks(ROOT / "docs" / "adding-a-task.md", "python")[0]
    page.write_text(text.replace("first-symbol", "second-symbol"), encoding="utf-8")
    added = runpy.run_path(str(page))["task"]
    for seed in (*added.families[0].seeds, "untrained"):
        enter(added, added.families[0], seed, root)
    text, times = re.subn(
        r"seeds=\(([\d, ]+)\)", rf"seeds=(\1, {MORE})", (shipped / "tasks" / "dyck.py").read_text(encoding="utf-8")
    )
    assert times == 1
    (package / "tasks" / "dyck.py").write_text(text, encoding="utf-8")
    shutil.copytree(CHECKPOINTS / task.name, root / task.name)
    enter(task, replace(task.families[0], seeds=(*task.families[0].seeds, MORE)), MORE, root)
    return package


def enter(task, family, seed, root):
    """A reference that was trained for no step, on its family's card as one that is as good as it needs to be."""
    measures = {"accuracy": {"iid": 0.99, "unseen-structure-long": 0.99, "unseen-depth": 0.7}}
    model = initial(family, 0 if seed == "untrained" else seed + 1)
    save_reference(model, task, family, seed, measures, root)


def test_adding_a_task_and_a_reference_breaks_no_test(package, task):
    suites = [str(ROOT / "tests" / suite) for suite in SUITES]
    options = ["-n", "0", "-v", "-p", "no:cacheprovider", "-k", CHOSEN]
    finished = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *suites],
        env=os.environ | {"PYTHONPATH": str(package.parent), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    passed = [line for line in finished.stdout.splitlines() if "PASSED" in line]
    for test in (
        "sequence_is_in_the_training_set[second-symbol]",
        "at_every_site_of_every_arena[second-symbol/attention.0-one-layer-0-query+key]",
        f"with_the_hash_of_its_file[{task.name}/two-layer]",
        "test_no_two_trained_references_are_the_same",
    ):
        assert any(test in line for line in passed), test
