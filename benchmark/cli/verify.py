"""`verify`: whether records hold, and whether the page is what they give."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from simplibench import workspace
from simplibench.audit.load import LoadedRecords, LoadOptions, load_records
from simplibench.audit.page import Audit, audit
from simplibench.audit.records import RecordHeader, orphans, unsound
from simplibench.board import leaderboard_markdown
from simplibench.cli.app import app
from simplibench.cli.printing import print_table
from simplibench.errors import DamagedFile, UsageError
from simplibench.records import Stored, load_single
from simplibench.text import printable


@app.command()
def verify(
    record: Annotated[
        list[Path] | None, typer.Argument(help="Records, by their .json files; without, all and the board.")
    ] = None,
    records: Annotated[Path | None, typer.Option(help="A folder of records instead of the committed ones.")] = None,
    page: Annotated[
        Path | None,
        typer.Option(help="The page they are to give; leaderboard.md of a checkout for the committed ones."),
    ] = None,
) -> None:
    """Check that records hold: seal, protocol, source, counts, every figure, and the page. Every problem is listed."""
    verify_records(record or [], records, page)


def verify_records(files: Sequence[Path], root: Path | None, page: Path | None) -> None:
    """Examine the given records, or all below a folder with the board they make. Raises RecordsUnsound.

    An installed copy carries records and no page.
    """
    if files and (root or page):
        raise UsageError("verify takes records, or --records and --page, not both")
    folder = root or workspace.committed()
    reading = _given(files) if files else _below(folder, ranked=root is None or page is not None)
    page = page or (workspace.page() if workspace.checkout() and not (root or files) else None)
    found = audit(reading, page, leaderboard_markdown)
    found.require()
    left = [] if files else list(orphans(folder, reading.listed))
    _print(found, left, len(reading.listed), page)


def _given(files: Sequence[Path]) -> LoadedRecords:
    """Single records. Raises UsageError for one that is not there."""
    stored: list[Stored] = []
    damaged: list[DamagedFile] = []
    for path in dict.fromkeys(files):
        if not path.exists():
            raise UsageError(f"{path}: no such record; expected the path of a .json file")
        try:
            stored.append(load_single(path))
        except DamagedFile as error:
            damaged.append(error)
    return LoadedRecords(list(map(RecordHeader.of, stored)), damaged, unsound(stored))


def _below(root: Path, ranked: bool) -> LoadedRecords:
    """All records of a folder. Raises UsageError where there are none."""
    if not root.is_dir():
        raise UsageError(f"--records {root}: no such folder")
    reading = load_records([root], LoadOptions(audited=True, ranked=ranked))
    if not reading.listed and not reading.damaged:
        raise UsageError(f"--records {root}: no records; expected TASK/ARENA/SUBMISSION/ENTRY.seed-N.json below it")
    return reading


def _print(found: Audit, left: list[str], records: int, page: Path | None) -> None:
    print_table(("records", "number"), [["in all", records], *map(list, found.standing.items())], "what was verified")
    for note in (*found.notes, *left):
        print(f"note: {printable(note)}")
    print(f"{records} records verified" + (f"; {page} is what they give" if page else ""))
