"""`verify`: check that records hold, and that the page is what they give."""

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
    """Check that records hold: seal, protocol, source, counts, the figures that follow from the counts, and the page.

    Taken on trust, as they do not follow from the counts: rates, agreements by
    stratum, pattern measures, state size, runtime and environment; to check
    them, `simplibench rerun` makes a record again. Every problem is listed.
    """
    verify_records(record or [], records, page)


def verify_records(files: Sequence[Path], root: Path | None, page: Path | None) -> None:
    """Check the given records, or all below a folder with the page they make.

    An installed copy carries records and no page.

    Args:
        files: The records' .json files; empty: all below a folder.
        root: The folder; None: the committed records.
        page: The page that they should make; None: that of the checkout for the committed records, else none.

    Raises:
        UsageError: Both files and a folder or page are given, or there is no record.
        RecordsUnsound: Lists every problem.

    """
    if files and (root or page):
        raise UsageError("verify takes records, or --records and --page, not both")
    folder = root or workspace.committed()
    loaded = _load_files(files) if files else _load_folder(folder, ranked=root is None or page is not None)
    page = page or (workspace.page() if workspace.checkout() and not (root or files) else None)
    audited = audit(loaded, page, leaderboard_markdown)
    audited.require()
    unused = [] if files else list(orphans(folder, loaded.listed))
    _print(audited, unused, len(loaded.listed), page)


def _load_files(files: Sequence[Path]) -> LoadedRecords:
    """Load and audit single records. Raises UsageError for one that does not exist."""
    records: list[Stored] = []
    damaged: list[DamagedFile] = []
    for path in dict.fromkeys(files):
        if not path.exists():
            raise UsageError(f"{path}: no such record; expected the path of a .json file")
        try:
            records.append(load_single(path))
        except DamagedFile as error:
            damaged.append(error)
    return LoadedRecords(list(map(RecordHeader.of, records)), damaged, unsound(records))


def _load_folder(root: Path, ranked: bool) -> LoadedRecords:
    """Load and audit all records below a folder. Raises UsageError where there are none."""
    if not root.is_dir():
        raise UsageError(f"--records {root}: no such folder")
    loaded = load_records([root], LoadOptions(audited=True, ranked=ranked))
    if not loaded.listed and not loaded.damaged:
        raise UsageError(f"--records {root}: no records; expected TASK/ARENA/SUBMISSION/ENTRY.seed-N.json below it")
    return loaded


def _print(audited: Audit, unused: list[str], records: int, page: Path | None) -> None:
    """Print how many records were verified, and what is worth knowing of them; `unused`: notes on tables."""
    print_table(("records", "number"), [["in all", records], *map(list, audited.counts.items())], "what was verified")
    for note in (*audited.notes, *unused):
        print(f"note: {printable(note)}")
    print(f"{records} records verified" + (f"; {page} is what they give" if page else ""))
