"""What `info` tells of an arena: its ranking, and every entry's figures by split."""

from collections import defaultdict
from collections.abc import Collection

from simplibench import workspace
from simplibench.audit.choosing import Chosen, choose
from simplibench.audit.gathering import gather, paths
from simplibench.board import TRACKS, Row, boards
from simplibench.board.render import interval_text, rank_text
from simplibench.cli.printing import print_table
from simplibench.records import Record
from simplibench.registry import terms

Entry = tuple[str, str]  # submission and label


def show_arena(name: str) -> None:
    """The ranking, then the figures."""
    committed = _committed([name])
    rows = [row for board in boards(committed.stored, terms(), committed.faults) for row in board.rows]
    print_table(("rank", "submission", "OOD score", "gap"), [place(row, row.submission) for row in rows], name)
    if not rows:
        task, _, arena = name.partition("/")
        print(f"no record of it is committed; `simplibench run METHOD --task {task} --arena {arena}` makes some")
    by_entry: dict[Entry, list[Record]] = defaultdict(list)
    for stored in committed.stored:
        record = stored.record
        if record.status == "ok" and record.seed != "untrained":
            by_entry[record.submission, record.entry].append(record)
    for table in TRACKS[next(iter(by_entry.values()))[0].track].details(by_entry) if by_entry else ():
        print_table(table.headers, table.rows, table.title)


def rows_of(submission: str) -> list[Row]:
    """A submission's rows of the leaderboard."""
    root = workspace.committed()
    arenas = {path.parent.relative_to(root).as_posix() for path in root.glob(f"*/*/{submission}")}
    committed = _committed(arenas)
    found = boards(committed.stored, terms(), committed.faults)
    return [row for board in found for row in board.rows if row.submission == submission]


def _committed(arenas: Collection[str]) -> Chosen:
    """The committed records of some arenas; those that cannot be used are named."""
    known, root = terms(), workspace.committed()
    chosen = choose([gather(root, paths(root, arenas), known)], known)
    chosen.remarks.say()
    return chosen


def place(row: Row, name: str) -> list[str]:
    """A row's rank and score under some name."""
    return [rank_text(row), name, interval_text(row.score) or row.note, interval_text(row.gap)]
