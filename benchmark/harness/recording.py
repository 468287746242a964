"""From what was measured, or what failed, to a record."""

from datetime import UTC, datetime

from benchmark.errors import MethodFailed
from benchmark.harness.evaluate import Measured
from benchmark.harness.ground import Ground
from benchmark.harness.runtime import environment
from benchmark.harness.stage import ceiling_bits
from benchmark.harness.unit import Conditions, Unit, record_key
from benchmark.methods import EntryManifest
from benchmark.records import GroundCounts, Record
from benchmark.registry import protocol


def make_record(
    unit: Unit,
    entry: EntryManifest,
    conditions: Conditions,
    ground: Ground,
    table: GroundCounts,
    result: Measured | MethodFailed,
) -> Record:
    """The record of one entry of a unit; `result` is what it measured or why it failed."""
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
