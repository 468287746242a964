"""What is run: a unit, under a configuration."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from simplibench import records
from simplibench.methods import EntryManifest, Manifest, MethodSpec
from simplibench.records import SeedName, key_of
from simplibench.records.manifests import KeptManifest
from simplibench.registry import protocol, scored_splits
from simplibench.tasks import Arena, Task, absent

ArenaKind = TypeVar("ArenaKind")


@dataclass(frozen=True)
class RunConfig:
    """How units are run; part of every record's key, but for the timeout and `compared`."""

    device: str  # "cpu" or "cuda"
    limit: int | None  # sentences a split, at most
    in_process: bool
    timeout: float  # seconds of an entry's own code in one unit
    compared: int | None = None  # sentences a split that proxies are run on, if fewer; fits, rates and timings use all


@dataclass(frozen=True)
class Unit:
    """One submission in one arena on one reference. Units are independent of each other."""

    file: Path
    source_sha256: str
    manifest: Manifest
    task: Task
    arena: Arena
    seed: SeedName
    only: frozenset[str] | None = None  # entries by label; None: all that fit
    spec: MethodSpec | None = None  # what is taken of the file, where that is not its own submission

    @property
    def entries(self) -> list[tuple[int, EntryManifest]]:
        """Return the entries that fit the arena, with their number in the submission."""
        fitting = [(i, entry) for i, entry in enumerate(self.manifest.entries) if entry.fits(self.arena)]
        return [(i, entry) for i, entry in fitting if self.only is None or entry.label in self.only]

    def record_path(self, entry: EntryManifest) -> Path:
        """Return where the entry's record belongs, below a root."""
        return records.entry_path(self.arena_name, self.manifest.name, entry.label, self.seed)

    def arena_as(self, kind: type[ArenaKind]) -> ArenaKind:
        """Return the arena as the kind that its track has. Raises TypeError for an arena of another track."""
        if not isinstance(self.arena, kind):
            raise TypeError(f"{self.arena_name} is no {kind.__name__}")
        return self.arena

    @property
    def arena_name(self) -> str:
        """Return the arena's name with its task, as records have it."""
        return f"{self.task.name}/{self.arena.name}"


def present(task: Task) -> list[str]:
    """Return the splits that a record can be made on here: those to be scored whose data are not missing."""
    problems = absent(task)
    return [name for name in scored_splits(task) if name not in problems]


def used(task: Task, limit: int | None) -> int | None:
    """Return how many sequences of each split a record uses, at most; None: all."""
    return min((count for count in (task.records_use, limit) if count is not None), default=None)


def record_key(unit: Unit, entry: EntryManifest, config: RunConfig) -> str:
    """Return a key that is equal for records that would be equal: same source, entry, arena, protocol, configuration."""
    return key_of(
        source_sha256=unit.source_sha256,
        entry=entry.label,
        fields=entry.fields,
        arena=unit.arena_name,
        seed=unit.seed,
        protocol_sha256=protocol(unit.task, unit.arena.track).sha256,
        device=config.device,
        limit=config.limit,
        in_process=config.in_process,
    )


def manifests_of(units: Iterable[Unit]) -> dict[str, KeptManifest]:
    """Return by submission the manifests of files that are run whole; of objects, the file says something else."""
    return {
        unit.manifest.name: KeptManifest(source_sha256=unit.source_sha256, manifest=unit.manifest)
        for unit in units
        if unit.spec is None and unit.only is None
    }
