"""`verify`: whether records hold, and whether the page is what they give."""

from collections.abc import Sequence
from pathlib import Path

from simplibench import workspace
from simplibench.board import leaderboard_markdown
from simplibench.commands.audit import Audit, audit
from simplibench.commands.options import print_table
from simplibench.commands.reading import Reading, Wish, read
from simplibench.commands.soundness import unsound
from simplibench.commands.standing import Listed, orphans
from simplibench.errors import DamagedFile, UsageError
from simplibench.records import Stored, load_single
from simplibench.text import printable


def verify(files: Sequence[Path], root: Path | None, page: Path | None) -> None:
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


def _given(files: Sequence[Path]) -> Reading:
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
    return Reading(list(map(Listed.of, stored)), damaged, unsound(stored))


def _below(root: Path, ranked: bool) -> Reading:
    """All records of a folder. Raises UsageError where there are none."""
    if not root.is_dir():
        raise UsageError(f"--records {root}: no such folder")
    reading = read([root], Wish(audited=True, ranked=ranked))
    if not reading.listed and not reading.damaged:
        raise UsageError(f"--records {root}: no records; expected TASK/ARENA/SUBMISSION/ENTRY.seed-N.json below it")
    return reading


def _print(found: Audit, left: list[str], records: int, page: Path | None) -> None:
    print_table(("records", "number"), [["in all", records], *map(list, found.standing.items())], "what was verified")
    for note in (*found.notes, *left):
        print(f"note: {printable(note)}")
    print(f"{records} records verified" + (f"; {page} is what they give" if page else ""))
