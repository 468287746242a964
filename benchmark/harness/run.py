"""A run: every unit of some methods, one after the other or side by side, resumable, to typed records."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from simplibench import records, workspace
from simplibench.errors import UsageError
from simplibench.files import require_folder, writing
from simplibench.guest import ForkServer
from simplibench.harness.data import require_data, tell_left_out, with_data
from simplibench.harness.jobs import run_here, run_side_by_side
from simplibench.harness.scorer import callers, known
from simplibench.harness.tracks import TRACKS
from simplibench.harness.unit import Conditions, Places, Progress, Unit
from simplibench.methods import Manifest, MethodSpec, source_sha256
from simplibench.models import load_card
from simplibench.records import SeedName, Stored
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


def plan(
    methods: Sequence[str | Path | MethodSpec],
    task_names: str | Sequence[str] | None,
    arena_names: Sequence[str] | None,
    seeds: Sequence[SeedName] | None,
    conditions: Conditions,
    server: ForkServer | None,
) -> list[Unit]:
    """The units of some methods, those of one arena and reference next to each other. Raises UsageError."""
    named = [task_names] if isinstance(task_names, str) else list(task_names or [])
    every = named == [EVERY_TASK]
    named = [] if every else named
    tasks = [load_task(name) for name in dict.fromkeys(named)] or _default_first()
    if not named:
        tell_left_out()
    tasks = with_data(tasks) if every else tasks
    described = _manifests(methods, conditions, server)
    only_first = not named and not every
    fitting = {known_as.name: _fitting(tasks, known_as, arena_names, only_first) for _, known_as in described}
    hashes = {file: source_sha256(file) for file in {_parts(source)[0] for source, _ in described}}
    units = []
    for task in tasks:
        own = [(source, known_as) for source, known_as in described if task in fitting[known_as.name]]
        if named and not own:
            raise UsageError(f"nothing to run on {task.name}: no method has an entry for an arena asked for")
        for arena in find_arenas(task, arena_names) if own else []:
            for seed in _seeds(task, arena, seeds, every):
                candidates = (_unit(source, hashes, known_as, task, arena, seed) for source, known_as in own)
                units += [unit for unit in candidates if unit.entries]
    for task in dict.fromkeys(unit.task for unit in units):
        require_data(task)
    return units


def require_own_names(units: list[Unit]) -> None:
    """Refuse submissions that are called like methods of other files. Raises UsageError."""
    for name, file in dict.fromkeys((unit.manifest.name, unit.file) for unit in units):
        require_own_name(name, file)


def _unit(
    source: Path | MethodSpec, hashes: Mapping[Path, str], manifest: Manifest, task: Task, arena: Arena, seed: SeedName
) -> Unit:
    file, selection = _parts(source)
    return Unit(file, hashes[file], manifest, task, arena, seed, selection=selection)


def _parts(source: Path | MethodSpec) -> tuple[Path, MethodSpec | None]:
    """The file, and what is taken of it where that is not its own submission."""
    return (source.file, source) if isinstance(source, MethodSpec) else (source, None)


def _fitting(tasks: list[Task], manifest: Manifest, arena_names: Sequence[str] | None, only_first: bool) -> list[Task]:
    """The tasks with an arena asked for that an entry fits, or the default among them. Raises UsageError if none has."""
    named = [task for task in tasks if _has(task, arena_names)] or tasks
    found = [task for task in named if any(_fits(manifest, arena) for arena in find_arenas(task, arena_names))]
    if not found:
        places = [f"{t.name}/{a.name}" for t in all_tasks().values() for a in t.arenas if _fits(manifest, a)]
        raise UsageError(f"no entry of {manifest.name} fits an arena asked for; its arenas are {', '.join(places)}")
    return found[:1] if only_first else found


def _default_first() -> list[Task]:
    return sorted(all_tasks().values(), key=lambda task: (task.name != DEFAULT_TASK, task.name != DEFAULT_EXPLAINED))


def _has(task: Task, arena_names: Sequence[str] | None) -> bool:
    try:
        return bool(find_arenas(task, arena_names))
    except UsageError:
        return False


def _fits(manifest: Manifest, arena: Arena) -> bool:
    return any(entry.fits(arena) for entry in manifest.entries)


def _manifests(
    methods: Sequence[str | Path | MethodSpec], conditions: Conditions, server: ForkServer | None
) -> list[tuple[Path | MethodSpec, Manifest]]:
    """Where each method's code is, and what it puts forward. Two of one name would overwrite each other's records."""
    found: dict[str, Path] = {}
    described: list[tuple[Path | MethodSpec, Manifest]] = []
    for method in methods:
        source = method if isinstance(method, MethodSpec) else find_method(method)
        if any(source == known for known, _ in described):
            continue
        file, selection = _parts(source)
        caller, _ = callers(file, conditions, server, selection)
        described.append((source, caller.manifest()))
        caller.close()
        name = described[-1][1].name
        _require_own_files(described[-1][1], file)
        if name in found:
            raise UsageError(
                f"two submissions are called {name}: {found[name]} and {file}; rename one, or run one at a time"
            )
        found[name] = file
    return described


def _require_own_files(manifest: Manifest, file: Path) -> None:
    """Two entries whose records were one file would overwrite each other. Raises UsageError."""
    taken: dict[str, str] = {}
    for entry in manifest.entries:
        name = records.entry_path("", manifest.name, entry.label, 0).name
        other = taken.setdefault(name.casefold(), entry.label)
        if other != entry.label:
            raise UsageError(
                f"{file}: {other} and {entry.label} would share the file {name}; let their labels differ more"
            )


def _seeds(task: Task, arena: Arena, asked: Sequence[SeedName] | None, that_there_are: bool) -> list[SeedName]:
    """The references asked for, or of these only those `that_there_are`; else the arena's. Raises UsageError."""
    cards = [load_card(task, task.family(family)) for family in arena.needs]
    if that_there_are and asked:
        asked = [seed for seed in asked if all(str(seed) in card.references for card in cards)]
        return list(dict.fromkeys(asked))
    for seed in asked or []:
        for card in cards:
            card.checkpoint(seed)
    return list(dict.fromkeys(asked)) if asked else list(arena.seeds)


def steps(units: list[Unit]) -> int:
    """How many steps a progress will be told of, skipped ones included."""
    return sum(len(unit.entries) * TRACKS[unit.arena.track].steps(unit.task) for unit in units)


def prepare(units: list[Unit], output: Path, fresh: bool) -> Places:
    """Where to save, and where to look for records that need not be made again; `fresh` deletes those in `output`."""
    if not fresh:
        return Places(output, (output, workspace.committed()))
    require_folder("output", output)
    for unit in units:
        for _, entry in unit.entries:
            record = output / unit.record_path(entry)
            with writing(record):
                record.unlink(missing_ok=True)
    return Places(output, (output,))


def run(
    units: list[Unit],
    conditions: Conditions,
    places: Places,
    progress: Progress,
    server: ForkServer | None,
    jobs: int = 1,
) -> int:
    """Score every unit and save its records; how many were made. What is saved stays saved, whatever happens next."""
    if jobs > 1:
        return run_side_by_side(units, conditions, places, progress, jobs)
    return run_here(units, conditions, places, progress, server)


def results(units: list[Unit], conditions: Conditions, places: Places) -> list[Stored]:
    """The records of the units, failed ones included, in the order of the plan."""
    found = (known(unit, entry, conditions, places, ("ok", "failed")) for unit in units for _, entry in unit.entries)
    return [stored for stored in found if stored is not None]
