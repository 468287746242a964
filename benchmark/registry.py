"""Find the tasks, baselines and submissions in their folders, and the protocol that records are made under."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from simplibench import baselines, tasks, workspace
from simplibench.errors import UsageError
from simplibench.methods import source_sha256
from simplibench.models import load_card
from simplibench.models.card import card_path
from simplibench.records import TRACKS, Protocol, Terms
from simplibench.tasks import Arena, Task
from simplibench.tasks.registration import BrokenTask, Registered, register

BASELINES = Path(baselines.__file__).parent
DEFAULT_TASK = "dyck-20-10"
DEFAULT_EXPLAINED = "dyck-2-4"  # the default of explainers, which have no arena in the other
Kind = Literal["baseline", "submission"]


@dataclass(frozen=True)
class MethodFile:
    """The file of a method that can be named without a path."""

    name: str
    kind: Kind
    path: Path


@lru_cache(maxsize=1)
def registered_tasks() -> Registered:
    """Return the tasks of the tasks folder, and its files that should hold a usable task and do not."""
    return register(tasks)


def all_tasks() -> dict[str, Task]:
    """Return every task that can be used, by name."""
    return registered_tasks().tasks


def broken_tasks() -> tuple[BrokenTask, ...]:
    """Return the files of the tasks folder that are left out, each with its problems."""
    return registered_tasks().broken


def load_task(name: str) -> Task:
    """Return a task by name. Raises UsageError that lists the tasks there are, or the problems of a broken one."""
    if name in all_tasks():
        return all_tasks()[name]
    broken = registered_tasks().broken_of(name)
    if broken:
        raise broken.error()
    left_out = "".join(f"; left out: {file.path}" for file in broken_tasks())
    raise UsageError(f"no task {name}; there are: {', '.join(all_tasks())}{left_out}")


def default_task() -> Task:
    """Return the task to use where none is named."""
    return load_task(DEFAULT_TASK)


def find_arenas(task: Task, names: Sequence[str] | None) -> list[Arena]:
    """Return a task's arenas by name, `attention.1` or `dyck-20-10/attention.1`; without names, all. Raises UsageError."""
    if not names:
        return list(task.arenas)
    by_name = {arena.name: arena for arena in task.arenas}
    short = [name.removeprefix(f"{task.name}/") for name in names]
    unknown = [name for name in short if name not in by_name]
    if unknown:
        raise UsageError(f"{task.name} has no arena {', '.join(unknown)}; there are: {', '.join(by_name)}")
    return [by_name[name] for name in dict.fromkeys(short)]


def all_methods() -> dict[str, MethodFile]:
    """Return every baseline and submission by name. Raises UsageError for two files of the same name."""
    methods: dict[str, MethodFile] = {}
    kinds: tuple[tuple[Kind, Path], ...] = (("baseline", BASELINES), ("submission", workspace.submissions()))
    for kind, folder in kinds:
        for path in sorted(folder.glob("[!_]*.py")):
            method = MethodFile(path.stem.replace("_", "-"), kind, path)
            if method.name in methods:
                raise UsageError(
                    f"two methods are called {method.name}: {methods[method.name].path} and {path}; rename one"
                )
            methods[method.name] = method
    return methods


def find_method(name_or_file: str | Path) -> Path:
    """Return the file of a method given by name or path. Raises UsageError that lists the methods there are."""
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
def protocol(task: Task, track: str = "codec") -> Protocol:
    """Return the protocol of a task's records: versions of task and scoring, and a hash of splits and checkpoints too."""
    cards = [load_card(task, family) for family in task.families]
    checkpoints = {
        f"{card.family}/{seed}": reference.sha256 for card in cards for seed, reference in card.references.items()
    }
    facts = {
        "task": task.name,
        "task_version": task.protocol,
        "scoring_version": TRACKS[track].scoring_version,
        "splits": dict(task.hashes),
        "roles": dict(task.roles),
        "checkpoints": checkpoints,
        **({"records_use": task.records_use} if task.records_use else {}),
    }
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    return Protocol(task_version=task.protocol, scoring_version=TRACKS[track].scoring_version, sha256=digest)


def terms() -> dict[str, Terms]:
    """Return what every arena ranks, by its name with the task.

    A task whose references have no card, as they are still to be trained, ranks nothing, and the others do.
    """
    return {
        f"{task.name}/{arena.name}": Terms(protocol(task, arena.track), list(arena.seeds), scored_splits(task))
        for task in all_tasks().values()
        if has_references(task)
        for arena in task.arenas
    }


def has_references(task: Task) -> bool:
    """Say whether every family of a task has a card: a task that is being added has none until it is trained."""
    return all(card_path(task, family).exists() for family in task.families)


def scored_splits(task: Task) -> list[str]:
    """Return the splits that a record should have, in the order of the tables: all but the one to fit on."""
    return [name for name, role in task.roles.items() if role != "fit"]
