"""The plan of a run: methods, tasks, arenas and seeds to units."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from simplibench import records
from simplibench.errors import UsageError
from simplibench.harness.data import require_data, tell_left_out, with_data
from simplibench.harness.unit import Unit
from simplibench.methods import Manifest, MethodSpec
from simplibench.models import load_card
from simplibench.records import SeedName
from simplibench.registry import (
    DEFAULT_EXPLAINED,
    DEFAULT_TASK,
    all_tasks,
    find_arenas,
    find_method,
    load_task,
    require_own_name,
)
from simplibench.tasks import Arena, Task

EVERY_TASK = "all"


@dataclass(frozen=True)
class Described:
    """A method's code, and what it puts forward."""

    file: Path
    source_sha256: str
    spec: MethodSpec | None  # what is taken of the file, where that is not its own submission
    manifest: Manifest


@dataclass(frozen=True)
class ChosenTasks:
    """The tasks of a run, and how they were chosen."""

    tasks: list[Task]
    named: bool  # each of them was asked for by name
    every: bool  # `all` were asked for; otherwise, unless named, each method goes to the first that it fits


def sources(methods: Sequence[str | Path | MethodSpec]) -> list[tuple[Path, MethodSpec | None]]:
    """Return each method's file, and what is selected of it; a method given twice once. Raises: UsageError."""
    given_methods = [method if isinstance(method, MethodSpec) else find_method(method) for method in methods]
    pairs = [(given.file, given) if isinstance(given, MethodSpec) else (given, None) for given in given_methods]
    return [pair for number, pair in enumerate(pairs) if pair not in pairs[:number]]


def choose_tasks(names: str | Sequence[str] | None) -> ChosenTasks:
    """Return the tasks asked for; without names all, the default ones first. Raises: UsageError for an unknown name."""
    asked = [names] if isinstance(names, str) else list(names or [])
    if asked and asked != [EVERY_TASK]:
        return ChosenTasks([load_task(name) for name in dict.fromkeys(asked)], named=True, every=False)
    tasks = sorted(all_tasks().values(), key=lambda task: (task.name != DEFAULT_TASK, task.name != DEFAULT_EXPLAINED))
    tell_left_out()
    return ChosenTasks(with_data(tasks) if asked else tasks, named=False, every=bool(asked))


def plan(
    methods: Sequence[Described],
    chosen: ChosenTasks,
    arena_names: Sequence[str] | None,
    seeds: Sequence[SeedName] | None,
) -> list[Unit]:
    """Return the units of some methods, those of one arena and reference next to each other.

    Raises: UsageError where methods exclude each other, and for arenas, seeds and data that there are not.
    """
    _require_distinct(methods)
    fitting = {method.manifest.name: _fitting_tasks(chosen, method.manifest, arena_names) for method in methods}
    units = []
    for task in chosen.tasks:
        runnable = [method for method in methods if task in fitting[method.manifest.name]]
        if chosen.named and not runnable:
            raise UsageError(f"nothing to run on {task.name}: no method has an entry for an arena asked for")
        for arena in find_arenas(task, arena_names) if runnable else []:
            for seed in _seeds(task, arena, seeds, chosen.every):
                candidates = [_unit(method, task, arena, seed) for method in runnable]
                units += [unit for unit in candidates if unit.entries]
    for task in dict.fromkeys(unit.task for unit in units):
        require_data(task)
    return units


def require_free_names(units: Sequence[Unit]) -> None:
    """Refuse submissions that are called like methods of other files. Raises: UsageError."""
    for name, file in dict.fromkeys((unit.manifest.name, unit.file) for unit in units):
        require_own_name(name, file)


def _unit(method: Described, task: Task, arena: Arena, seed: SeedName) -> Unit:
    return Unit(
        file=method.file,
        source_sha256=method.source_sha256,
        manifest=method.manifest,
        task=task,
        arena=arena,
        seed=seed,
        spec=method.spec,
    )


def _fitting_tasks(chosen: ChosenTasks, manifest: Manifest, arena_names: Sequence[str] | None) -> list[Task]:
    """Return the tasks with an arena asked for that an entry fits, or the first of them. Raises: UsageError if none has."""
    tasks = [task for task in chosen.tasks if _has(task, arena_names)] or chosen.tasks
    fitting = [task for task in tasks if any(_fits(manifest, arena) for arena in find_arenas(task, arena_names))]
    if not fitting:
        arenas = [f"{t.name}/{a.name}" for t in all_tasks().values() for a in t.arenas if _fits(manifest, a)]
        raise UsageError(f"no entry of {manifest.name} fits an arena asked for; its arenas are {', '.join(arenas)}")
    return fitting if chosen.named or chosen.every else fitting[:1]


def _has(task: Task, arena_names: Sequence[str] | None) -> bool:
    try:
        return bool(find_arenas(task, arena_names))
    except UsageError:
        return False


def _fits(manifest: Manifest, arena: Arena) -> bool:
    return any(entry.fits(arena) for entry in manifest.entries)


def _require_distinct(methods: Sequence[Described]) -> None:
    """Refuse methods of one name, whose records would overwrite each other. Raises: UsageError."""
    files: dict[str, Path] = {}
    for method in methods:
        _require_distinct_entries(method.manifest, method.file)
        name = method.manifest.name
        if name in files:
            raise UsageError(
                f"two submissions are called {name}: {files[name]} and {method.file}; rename one, or run one at a time"
            )
        files[name] = method.file


def _require_distinct_entries(manifest: Manifest, file: Path) -> None:
    """Refuse entries whose records would be one file. Raises: UsageError."""
    taken: dict[str, str] = {}
    for entry in manifest.entries:
        name = records.entry_path("", manifest.name, entry.label, 0).name
        other = taken.setdefault(name.casefold(), entry.label)
        if other != entry.label:
            raise UsageError(
                f"{file}: {other} and {entry.label} would share the file {name}; let their labels differ more"
            )


def _seeds(task: Task, arena: Arena, asked: Sequence[SeedName] | None, only_present: bool) -> list[SeedName]:
    """Return the references asked for, or those among them that there are; without, the arena's. Raises: UsageError."""
    cards = [load_card(task, task.family(family)) for family in arena.needs]
    if only_present and asked:
        asked = [seed for seed in asked if all(str(seed) in card.references for card in cards)]
        return list(dict.fromkeys(asked))
    for seed in asked or []:
        for card in cards:
            card.checkpoint(seed)
    return list(dict.fromkeys(asked)) if asked else list(arena.seeds)
