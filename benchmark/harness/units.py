"""Score one unit: its entries to records, saved as they come, skipping what is known already."""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from benchmark import records
from benchmark.errors import DamagedFile, MethodFailed
from benchmark.harness.evaluate import Fitted, Measured, fit, measure
from benchmark.harness.ground import Ground, lay_ground
from benchmark.harness.guest import Guest, InProcess, Nursery
from benchmark.harness.runtime import environment
from benchmark.harness.stage import ceiling_bits
from benchmark.harness.summary import ground_counts
from benchmark.methods import EntryManifest, HostedCodec, Manifest
from benchmark.models import load_reference
from benchmark.records import Record, SeedName, Stored
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


class Grounds:
    """Grounds by arena and reference; the last one is kept, since units of one ground follow each other."""

    def __init__(self, conditions: Conditions) -> None:
        self.conditions = conditions
        self._held: tuple[tuple[str, str, SeedName], Ground, records.GroundCounts] | None = None

    def of(self, unit: Unit) -> tuple[Ground, records.GroundCounts]:
        """Load the reference and run it over the splits, unless that was the last thing done."""
        name = (unit.task.name, unit.arena.name, unit.seed)
        if self._held is None or self._held[0] != name:
            self._held = None  # free its memory first
            family = unit.task.family(unit.arena.family)
            reference = load_reference(unit.task, unit.seed, family, self.conditions.device)
            ground = lay_ground(unit.task, reference, unit.arena, self.conditions.device, self.conditions.limit)
            self._held = name, ground, ground_counts(ground)
        return self._held[1], self._held[2]


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


def run_unit(
    unit: Unit, conditions: Conditions, nursery: Nursery | None, grounds: Grounds, places: Places, progress: Progress
) -> int:
    """Score the entries of a unit that have no valid record yet, save each record as it is made; how many were."""
    wanted = [(i, e) for i, e in unit.entries if known(unit, e, conditions, places) is None]
    progress.skip((len(unit.entries) - len(wanted)) * (len(unit.task.roles) - 1))
    if not wanted:
        return 0
    ground, table = grounds.of(unit)
    encoder, decoder = callers(unit.file, conditions, nursery)
    shared: dict[str, Fitted] = {}
    try:
        for index, entry in wanted:
            encoder.seconds_left = decoder.seconds_left = conditions.timeout
            result = _score(ground, table, HostedCodec(encoder, decoder, entry, index), unit.seed, shared, progress)
            record = _record(unit, entry, conditions, ground, table, result)
            records.save(places.output, record, result.counts if isinstance(result, Measured) else None, table)
    finally:
        encoder.close()
        decoder.close()
    return len(wanted)


def known(unit: Unit, entry: EntryManifest, conditions: Conditions, places: Places) -> Stored | None:
    """The entry's valid record, if there is one; a failed, damaged or outdated one is not valid."""
    for root in places.known:
        try:
            stored = records.load(root / unit.record_path(entry))
            if stored.record.status == "ok" and stored.record.key == record_key(unit, entry, conditions):
                stored.counts()
                stored.ground()
                return stored
        except DamagedFile:
            continue
    return None


def callers(file: Path, conditions: Conditions, nursery: Nursery | None) -> tuple[Guest | InProcess, Guest | InProcess]:
    """Who encodes and who decodes: two processes, so that a code is all that passes between them."""
    if nursery is None:
        here = InProcess(file, conditions.device)
        return here, here
    return Guest(nursery, file, conditions.device), Guest(nursery, file, conditions.device)


def _score(
    ground: Ground,
    table: records.GroundCounts,
    codec: HostedCodec,
    seed: SeedName,
    shared: dict[str, Fitted],
    progress: Progress,
) -> Measured | MethodFailed:
    """Fit the codec, put it in, compare. A method that fails loses this entry, not the run."""
    taken = 0

    def step(split: str) -> None:
        nonlocal taken
        taken += 1
        progress.step(f"{codec.entry.label} {split}")

    try:
        return measure(ground, table, codec, fit(ground, codec, seed, shared), step)
    except MethodFailed as failure:
        progress.skip(len(ground.splits) - taken)
        return failure


def _record(
    unit: Unit,
    entry: EntryManifest,
    conditions: Conditions,
    ground: Ground,
    table: records.GroundCounts,
    result: Measured | MethodFailed,
) -> Record:
    measured = result if isinstance(result, Measured) else None
    return Record.sealed(
        key=record_key(unit, entry, conditions),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        submission=unit.manifest.name,
        track=entry.track,
        control=unit.manifest.control,
        authors=unit.manifest.authors,
        reference=unit.manifest.reference,
        source_sha256=unit.source_sha256,
        entry=entry.label,
        fields=entry.fields,
        part=entry.part,
        task=unit.task.name,
        arena=unit.arena_name,
        family=unit.arena.family,
        seed=unit.seed,
        status="ok" if measured else "failed",
        reason=None if measured else str(result),
        in_process=conditions.in_process,
        limit=conditions.limit,
        ceiling_bits=ceiling_bits(unit.arena, ground.stage.model),
        bits_per_token=measured.bits_per_token if measured else None,
        state_bytes=measured.fitted.state_bytes if measured else None,
        splits=measured.splits if measured else {},
        runtime=measured.runtime if measured else None,
        counts_sha256=measured.counts.sha256() if measured else None,
        ground_sha256=table.sha256(),
        protocol=protocol(unit.task),
        environment=environment(conditions.device),
    )
