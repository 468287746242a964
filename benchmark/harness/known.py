"""Records that are there already: which of them are valid, and how they are deleted to be made anew."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from simplibench import records
from simplibench.errors import DamagedFile
from simplibench.files import require_folder, writing
from simplibench.harness.unit import RunConfig, Unit, present, record_key
from simplibench.methods import EntryManifest
from simplibench.records import Stored
from simplibench.text import printable


def known_record(
    unit: Unit, entry: EntryManifest, config: RunConfig, roots: Sequence[Path], statuses: tuple[str, ...] = ("ok",)
) -> Stored | None:
    """Return the entry's valid record of one of the statuses, from the first root that has it; None if none has.

    A record is not valid if it is damaged or outdated, or lacks a split whose data are here now.
    """
    for root in roots:
        path = root / unit.record_path(entry)
        if not path.exists():
            continue
        try:
            stored = records.load(path)
            record = stored.record
            whole = record.status == "failed" or set(present(unit.task)) <= set(record.splits)
            if record.status in statuses and whole and record.key == record_key(unit, entry, config):
                stored.check_tables()
                return stored
        except DamagedFile as error:
            print(printable(f"not counted as known: {error}"), file=sys.stderr)
    return None


def delete_records(units: Iterable[Unit], output: Path) -> None:
    """Delete the units' records in a folder. Raises: UsageError if no file can be written there, UnwritableFile."""
    require_folder("output", output)
    for unit in units:
        for _, entry in unit.entries:
            record = output / unit.record_path(entry)
            with writing(record):
                record.unlink(missing_ok=True)
