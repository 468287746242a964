"""Score one unit: its entries to records, saved as they come, skipping what is known already."""

import sys
from pathlib import Path

from simplibench import records
from simplibench.errors import DamagedFile, MethodFailed
from simplibench.files import require_folder
from simplibench.guest import ForkServer, Guest, InProcess
from simplibench.harness.memory import enough_memory, lost, ran_out
from simplibench.harness.recording import make_record
from simplibench.harness.track import ArenaContext, Result, Step
from simplibench.harness.tracks import TRACKS
from simplibench.harness.unit import Conditions, Places, Progress, Unit, present, record_key
from simplibench.methods import EntryManifest, MethodSpec
from simplibench.records import SeedName, Stored
from simplibench.text import printable


class Contexts:
    """Contexts by arena and reference; the last one is kept, since units of one context follow each other."""

    def __init__(self, conditions: Conditions) -> None:
        self.conditions = conditions
        self._held: tuple[tuple[str, SeedName], ArenaContext] | None = None

    def of(self, unit: Unit) -> ArenaContext:
        """Load the references and run them, unless that was the last thing done."""
        name = (unit.arena_name, unit.seed)
        if self._held is None or self._held[0] != name:
            self._held = None  # free its memory first
            with enough_memory(f"{unit.arena_name} on reference {unit.seed}"):
                self._held = name, TRACKS[unit.arena.track].prepare(unit, self.conditions)
        self._held[1].open()
        return self._held[1]


def run_unit(
    unit: Unit,
    conditions: Conditions,
    server: ForkServer | None,
    contexts: Contexts,
    places: Places,
    progress: Progress,
) -> int:
    """Score the entries of a unit that have no valid record yet, save each record as it is made; how many were."""
    track = TRACKS[unit.arena.track]
    wanted = [(i, e) for i, e in unit.entries if known(unit, e, conditions, places) is None]
    progress.skip((len(unit.entries) - len(wanted)) * track.steps(unit.task))
    if not wanted:
        return 0
    require_folder("output", places.output)  # before the first entry is scored, not after
    context = contexts.of(unit)
    pair = callers(unit.file, conditions, server, unit.selection)
    try:
        for index, entry in wanted:
            for caller in pair:
                caller.seconds_left = conditions.timeout
            counted = Counted(progress, entry.label, track.steps(unit.task))
            result = _measured(context, pair, entry, index, counted.step)
            counted.finish()
            record = make_record(track, unit, entry, conditions, context, result)
            records.save(places.output, record, result.counts if isinstance(result, Result) else None, context.table)
    finally:
        for caller in pair:
            caller.close()
    return len(wanted)


def _measured(
    context: ArenaContext,
    pair: tuple[Guest | InProcess, Guest | InProcess],
    entry: EntryManifest,
    index: int,
    step: Step,
) -> Result | MethodFailed:
    """Score an entry. What goes wrong loses this entry, not the run."""
    try:
        return context.score(pair, entry, index, step)
    except MethodFailed as failure:
        return failure
    except (MemoryError, OSError, RuntimeError) as error:
        if not ran_out(error):
            raise
        for caller in pair:  # a message may be half read
            caller.close()
        return lost(entry.label, error)


class Counted:
    """An entry's share of a progress: what it does not use, because it failed, is skipped."""

    def __init__(self, progress: Progress, entry: str, steps: int) -> None:
        self.progress, self.entry, self.left = progress, entry, steps

    def step(self, what: str) -> None:
        """A part begins."""
        self.left -= 1
        self.progress.step(f"{self.entry} {what}")

    def finish(self) -> None:
        """The entry is done."""
        self.progress.skip(self.left)


def known(
    unit: Unit, entry: EntryManifest, conditions: Conditions, places: Places, statuses: tuple[str, ...] = ("ok",)
) -> Stored | None:
    """The entry's valid record of one of the statuses, if there is one.

    One that is damaged or outdated, or lacks a split whose data are here now, is not valid.
    """
    for root in places.known:
        path = root / unit.record_path(entry)
        if not path.exists():
            continue
        try:
            stored = records.load(path)
            record = stored.record
            whole = record.status == "failed" or set(present(unit.task)) <= set(record.splits)
            if record.status in statuses and whole and record.key == record_key(unit, entry, conditions):
                stored.check_tables()
                return stored
        except DamagedFile as error:
            print(printable(f"not counted as known: {error}"), file=sys.stderr)
    return None


def callers(
    file: Path, conditions: Conditions, server: ForkServer | None, selection: MethodSpec | None = None
) -> tuple[Guest | InProcess, Guest | InProcess]:
    """Who encodes and who decodes: two processes, so that a code is all that passes between them."""
    if server is None:
        here = InProcess(file, conditions.device, selection)
        return here, here
    encoder, decoder = (Guest(server, file, conditions.device, selection) for _ in range(2))
    encoder.seconds_left = decoder.seconds_left = conditions.timeout
    return encoder, decoder
