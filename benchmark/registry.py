"""What exists, found by looking into the folders: tasks, baselines, submissions, and the protocol's hash."""

import hashlib
import importlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from simplibench import baselines, tasks
from simplibench.errors import UsageError
from simplibench.methods import source_sha256
from simplibench.models import load_card
from simplibench.records import Protocol, Terms
from simplibench.scoring import explanations, faithfulness
from simplibench.tasks import Arena, Task, Track

BASELINES = Path(baselines.__file__).parent
SUBMISSIONS = BASELINES.parent / "submissions"
TASK_PACKAGE = Path(tasks.__file__).parent
SCORING_VERSIONS: dict[Track, int] = {"codec": faithfulness.VERSION, "explainer": explanations.VERSION}
Kind = Literal["baseline", "submission"]


@dataclass(frozen=True)
class MethodFile:
    """A method that can be named without a path."""

    name: str
    kind: Kind
    path: Path


@lru_cache(maxsize=1)
def all_tasks() -> dict[str, Task]:
    """Every task by name: the modules of the tasks folder that define `task`."""
    modules = [importlib.import_module(f"{tasks.__name__}.{file.stem}") for file in sorted(TASK_PACKAGE.glob("*.py"))]
    found = [module.task for module in modules if isinstance(getattr(module, "task", None), Task)]
    return {task.name: task for task in found}


def load_task(name: str) -> Task:
    """A task by name. Raises UsageError that lists those there are."""
    if name not in all_tasks():
        raise UsageError(f"no task {name}; there are: {', '.join(all_tasks())}")
    return all_tasks()[name]


def find_arenas(task: Task, names: list[str] | None) -> list[Arena]:
    """A task's arenas by name, `attention.1` or `dyck-20-10/attention.1`; None: all. Raises UsageError."""
    if not names:
        return list(task.arenas)
    by_name = {arena.name: arena for arena in task.arenas}
    short = [name.removeprefix(f"{task.name}/") for name in names]
    unknown = [name for name in short if name not in by_name]
    if unknown:
        raise UsageError(f"{task.name} has no arena {', '.join(unknown)}; there are: {', '.join(by_name)}")
    return [by_name[name] for name in dict.fromkeys(short)]


def all_methods() -> dict[str, MethodFile]:
    """Every baseline and submission by name. Raises UsageError for two files of one name."""
    found: dict[str, MethodFile] = {}
    kinds: tuple[tuple[Kind, Path], ...] = (("baseline", BASELINES), ("submission", SUBMISSIONS))
    for kind, folder in kinds:
        for path in sorted(folder.glob("[!_]*.py")):
            method = MethodFile(path.stem.replace("_", "-"), kind, path)
            if method.name in found:
                raise UsageError(
                    f"two methods are called {method.name}: {found[method.name].path} and {path}; rename one"
                )
            found[method.name] = method
    return found


def find_method(name_or_file: str | Path) -> Path:
    """The file of a method given by name or path. Raises UsageError that says what there is."""
    text = str(name_or_file)
    if text.endswith(".py") or "/" in text:
        if not Path(text).is_file():
            raise UsageError(
                f"{text}: no such file; `simplibench list` shows the methods that can be named without a path"
            )
        return Path(text)
    methods = all_methods()
    if text not in methods:
        raise UsageError(
            f"no method {text}; there are: {', '.join(methods)}; a file of yours is given by its path, ending in .py"
        )
    return methods[text].path


def require_own_name(name: str, file: Path) -> None:
    """Refuse a file whose submission is called like another method: its records would mix with the other's.

    Raises:
        UsageError: The name is that of a method of another file, with another content.

    """
    other = all_methods().get(name)
    if other is None or other.path.resolve() == file.resolve() or source_sha256(other.path) == source_sha256(file):
        return
    raise UsageError(
        f"{file}: its submission is called {name}, and so is the {other.kind} {other.path}: their records would mix; "
        "give it another name, Submission(name=...)"
    )


@lru_cache(maxsize=8)
def protocol(task: Task, track: Track = "codec") -> Protocol:
    """What a task's records of a track are measured against: versions, splits and checkpoints, in one hash."""
    cards = [load_card(task, family) for family in task.families]
    checkpoints = {f"{card.family}/{seed}": made.sha256 for card in cards for seed, made in card.references.items()}
    facts = {
        "task": task.name,
        "task_version": task.protocol,
        "scoring_version": SCORING_VERSIONS[track],
        "splits": dict(task.hashes),
        "roles": dict(task.roles),
        "checkpoints": checkpoints,
        **({"records_use": task.records_use} if task.records_use else {}),
    }
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    return Protocol(task_version=task.protocol, scoring_version=SCORING_VERSIONS[track], sha256=digest)


def terms() -> dict[str, Terms]:
    """What every arena ranks, by its name with the task."""
    return {
        f"{task.name}/{arena.name}": Terms(protocol(task, arena.track), list(arena.seeds), scored_splits(task))
        for task in all_tasks().values()
        for arena in task.arenas
    }


def scored_splits(task: Task) -> list[str]:
    """The splits that a record is to have, in the order of the tables."""
    return [name for name, role in task.roles.items() if role != "fit"]
