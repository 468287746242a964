"""Score one unit: its entries to records, saved as they come, skipping what is known already."""

import sys
from pathlib import Path

from benchmark import records
from benchmark.errors import DamagedFile, MethodFailed
from benchmark.harness.evaluate import Fitted, Measured, fit, measure
from benchmark.harness.ground import Ground, lay_ground
from benchmark.harness.guest import Guest, InProcess, Nursery
from benchmark.harness.recording import make_record
from benchmark.harness.summary import ground_counts
from benchmark.harness.unit import Conditions, Places, Progress, Unit, record_key
from benchmark.methods import EntryManifest, HostedCodec
from benchmark.models import load_reference
from benchmark.records import SeedName, Stored


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
            record = make_record(unit, entry, conditions, ground, table, result)
            records.save(places.output, record, result.counts if isinstance(result, Measured) else None, table)
    finally:
        encoder.close()
        decoder.close()
    return len(wanted)


def known(
    unit: Unit, entry: EntryManifest, conditions: Conditions, places: Places, statuses: tuple[str, ...] = ("ok",)
) -> Stored | None:
    """The entry's valid record of one of the statuses, if there is one; a damaged or outdated one is not valid."""
    for root in places.known:
        path = root / unit.record_path(entry)
        if not path.exists():
            continue
        try:
            stored = records.load(path)
            if stored.record.status in statuses and stored.record.key == record_key(unit, entry, conditions):
                stored.check_tables()
                return stored
        except DamagedFile as error:
            print(f"not counted as known: {error}", file=sys.stderr)
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
