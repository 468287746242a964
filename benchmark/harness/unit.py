"""What is run: a unit, under conditions, with records to make and records that are known."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmark import records
from benchmark.methods import EntryManifest, Manifest
from benchmark.records import SeedName
from benchmark.registry import protocol
from benchmark.tasks import Arena, Task


@dataclass(frozen=True)
class Conditions:
    """How units are run; part of every record's key, but for the timeout."""

    device: str  # "cpu" or "cuda"
    limit: int | None  # sentences a split, at most
    in_process: bool
    timeout: float  # seconds of an entry's own code in one unit


@dataclass(frozen=True)
class Unit:
    """One submission in one arena on one reference. Units are independent of each other."""

    file: Path
    source_sha256: str
    manifest: Manifest
    task: Task
    arena: Arena
    seed: SeedName

    @property
    def entries(self) -> list[tuple[int, EntryManifest]]:
        """The entries that fit the arena: patterns exist only in attention."""
        fitting = enumerate(self.manifest.entries)
        return [(i, e) for i, e in fitting if e.part == "vectors" or self.arena.component == "attention"]

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


def record_key(unit: Unit, entry: EntryManifest, conditions: Conditions) -> str:
    """Equal for records that would be equal: same source, fields, arena, reference, protocol, device kind, conditions."""
    facts = [
        unit.source_sha256,
        entry.label,
        entry.fields,
        unit.arena_name,
        unit.seed,
        protocol(unit.task).sha256,
        conditions.device,
        conditions.limit,
        conditions.in_process,
    ]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
