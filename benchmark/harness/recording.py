"""From what was measured, or what failed, to a record."""

from datetime import UTC, datetime

from simplibench.errors import MethodFailed
from simplibench.harness.track import ArenaContext, Result, Track
from simplibench.harness.unit import Conditions, Unit, record_key
from simplibench.methods import EntryManifest
from simplibench.records import TRACKS, Record
from simplibench.records.environment import environment
from simplibench.registry import protocol


def make_record(
    track: Track,
    unit: Unit,
    entry: EntryManifest,
    conditions: Conditions,
    context: ArenaContext,
    result: Result | MethodFailed,
) -> Record:
    """The record of one entry of a unit; `result` is what was measured or why it failed."""
    measured = result if isinstance(result, Result) else None
    return TRACKS[entry.track].sealed(
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
        task=unit.task.name,
        arena=unit.arena_name,
        seed=unit.seed,
        status="ok" if measured else "failed",
        reason=None if measured else str(result),
        in_process=conditions.in_process,
        limit=conditions.limit,
        counts_sha256=measured.counts.sha256() if measured else None,
        ground_sha256=context.table.sha256(),
        protocol=protocol(unit.task, unit.arena.track),
        environment=environment(conditions.device),
        **context.facts,
        **(measured.facts if measured else track.failed(entry)),
    )
