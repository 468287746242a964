"""What is run: a unit, under conditions, with records to make and records that are known."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from simplibench import records
from simplibench.methods import EntryManifest, Manifest, MethodSpec
from simplibench.records import SeedName, key_of
from simplibench.records.manifests import KeptManifest
from simplibench.registry import protocol, scored_splits
from simplibench.tasks import Arena, Task, absent


@dataclass(frozen=True)
class Conditions:
    """How units are run; part of every record's key, but for the timeout."""

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
    selection: MethodSpec | None = None  # what is taken of the file, where that is not its own submission

    @property
    def entries(self) -> list[tuple[int, EntryManifest]]:
        """The entries that fit the arena, with their number in the submission."""
        fitting = [(i, entry) for i, entry in enumerate(self.manifest.entries) if entry.fits(self.arena)]
        return [(i, entry) for i, entry in fitting if self.only is None or entry.label in self.only]

    def record_path(self, entry: EntryManifest) -> Path:
        """Where the entry's record belongs, below a root."""
        return records.entry_path(self.arena_name, self.manifest.name, entry.label, self.seed)

    @property
    def arena_name(self) -> str:
        """With the task, as records have it."""
        return f"{self.task.name}/{self.arena.name}"


@dataclass(frozen=True)
class Places:
    """Where records are saved, and where those lie that need not be made again."""

    output: Path
    known: tuple[Path, ...]


class Progress(Protocol):
    """Who wants to know how a run is getting on."""

    def step(self, what: str) -> None:
        """One split of one entry is about to be run."""

    def skip(self, steps: int) -> None:
        """So many steps will not be needed."""


def present(task: Task) -> list[str]:
    """The splits a record can be made on here: those to be scored whose data are not missing."""
    problems = absent(task)
    return [name for name in scored_splits(task) if name not in problems]


def used(task: Task, limit: int | None) -> int | None:
    """How many sequences of each split a record uses, at most; None: all."""
    return min((count for count in (task.records_use, limit) if count is not None), default=None)


def record_key(unit: Unit, entry: EntryManifest, conditions: Conditions) -> str:
    """Equal for records that would be equal: same source, fields, arena, reference, protocol, device kind, conditions."""
    return key_of(
        unit.source_sha256,
        entry.label,
        entry.fields,
        unit.arena_name,
        unit.seed,
        protocol(unit.task, unit.arena.track).sha256,
        conditions.device,
        conditions.limit,
        conditions.in_process,
    )


def manifests_of(units: Iterable[Unit]) -> dict[str, KeptManifest]:
    """Return by submission the manifests of files that are run whole; of objects, the file says something else."""
    return {
        unit.manifest.name: KeptManifest(source_sha256=unit.source_sha256, manifest=unit.manifest)
        for unit in units
        if unit.selection is None and unit.only is None
    }
