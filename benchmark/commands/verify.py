"""`verify`: whether records hold, and whether the page is what they give."""

from collections.abc import Sequence
from pathlib import Path

from benchmark.board import boards, leaderboard_markdown
from benchmark.commands.audit import Audit, audit, printable
from benchmark.commands.options import print_table
from benchmark.errors import DamagedFile, UsageError
from benchmark.records import COMMITTED, Stored, load_single, read_all
from benchmark.registry import BASELINES, terms

PAGE = BASELINES.parent / "leaderboard.md"


def verify(files: Sequence[Path], root: Path | None, page: Path | None) -> None:
    """Examine the given records, or all below a folder with the board they make. Raises RecordsUnsound."""
    if files and (root or page):
        raise UsageError("verify takes records, or --records and --page, not both")
    stored, damaged = _given(files) if files else _below(root or COMMITTED)
    page = page or (None if root or files else PAGE)
    found = audit(stored, damaged, lambda: leaderboard_markdown(boards(stored, terms())), page)
    found.require()
    _print(found, len(stored), page)


def _given(files: Sequence[Path]) -> tuple[list[Stored], list[DamagedFile]]:
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
    return stored, damaged


def _below(root: Path) -> tuple[list[Stored], list[DamagedFile]]:
    """All records of a folder. Raises UsageError where there are none."""
    if not root.is_dir():
        raise UsageError(f"--records {root}: no such folder")
    stored, damaged = read_all(root)
    if not stored and not damaged:
        raise UsageError(f"--records {root}: no records; expected TASK/ARENA/SUBMISSION/ENTRY.seed-N.json below it")
    return stored, damaged


def _print(found: Audit, records: int, page: Path | None) -> None:
    print_table(("records", "number"), [["in all", records], *map(list, found.standing.items())], "what was verified")
    for note in found.notes:
        print(f"note: {printable(note)}")
    print(f"{records} records verified" + (f"; {page} is what they give" if page else ""))
