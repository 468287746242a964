"""Load records arena by arena, in several processes where there are many; what these send back is small."""

import gc
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from threadpoolctl import threadpool_limits

from simplibench import workspace
from simplibench.audit.choosing import choose
from simplibench.audit.gathering import Gathered, gather, gathered
from simplibench.audit.records import RecordHeader, unknown, unsound
from simplibench.audit.remarks import Remarks
from simplibench.board import ArenaBoard, ArenaCurves, boards, comparable_curves
from simplibench.errors import DamagedFile
from simplibench.pool import default_jobs, exit_fast, parallel_map
from simplibench.records import Stored, files_below, read_files, without_collection
from simplibench.registry import terms

MANY = 200  # records: from so many on it pays to start another process
ALL = None
Files = list[tuple[Path, Path]]  # each after the root that it lies below


@dataclass(frozen=True)
class LoadOptions:
    """What to do with the records beside reading them."""

    audited: bool = False  # recompute what follows from the stored counts, and compare
    ranked: bool = True  # make boards
    drawn: tuple[str, ...] | None = ()  # the arenas to compute curves of, or ALL
    only: str | None = None  # read this arena alone
    lenient: bool = False  # leave out what cannot be used, unless it is committed


@dataclass(frozen=True)
class LoadedRecords:
    """What was read and computed, arena by arena in the order of their names."""

    listed: list[RecordHeader] = field(default_factory=list)
    damaged: list[DamagedFile] = field(default_factory=list)  # instead of records that cannot be used
    problems: list[str] = field(default_factory=list)  # of the others; an arena that has some is not ranked
    boards: list[ArenaBoard] = field(default_factory=list)
    curves: list[ArenaCurves] = field(default_factory=list)
    remarks: Remarks = field(default_factory=Remarks)


def load_records(roots: Sequence[Path], options: LoadOptions) -> LoadedRecords:
    """Load every record below the roots; of a submission with records below several roots, those of the last count."""
    groups: dict[str, Files] = defaultdict(list)
    for root in dict.fromkeys(roots):
        for _, path in files_below(root):
            groups["/".join(path.relative_to(root).parts[:2])].append((root, path))
    wanted = [arena for arena in sorted(groups) if options.only in (None, arena)]
    parts = _map_groups(partial(_load_arena, options=options), [groups[arena] for arena in wanted])
    return LoadedRecords(
        listed=[header for part in parts for header in part.listed],
        damaged=[error for part in parts for error in part.damaged],
        problems=[problem for part in parts for problem in part.problems],
        boards=sorted((board for part in parts for board in part.boards), key=lambda board: board.arena),
        curves=sorted((curves for part in parts for curves in part.curves), key=lambda curves: curves.arena),
        remarks=Remarks.of(part.remarks for part in parts),
    )


def _map_groups(call: Callable[[Files], LoadedRecords], groups: list[Files]) -> list[LoadedRecords]:
    """Call a function on every group of files, in several processes where there are many files; keep the order."""
    if sum(map(len, groups)) < MANY:
        return list(map(call, groups))
    largest_first = sorted(range(len(groups)), key=lambda number: -_bytes(groups[number]))
    with _single_threaded():
        results = parallel_map(call, [groups[number] for number in largest_first], default_jobs("cpu"), _begin_worker)
    parts = dict(zip(largest_first, results, strict=True))
    return [parts[number] for number in range(len(groups))]


def _bytes(files: Files) -> int:
    """Return the size of the files, the best measure of how long they take: it grows with records, splits and strata.

    A file that was deleted meanwhile counts as empty; reading it will say that it is missing.
    """
    return sum(path.stat().st_size for _, path in files if path.exists())


@contextmanager
def _single_threaded() -> Iterator[None]:
    """Keep numpy to one thread per process, as processes share the cores, and the garbage collector off.

    What is read stays until the end, so there is no garbage to look for.
    """
    with threadpool_limits(1), without_collection():
        yield


def _begin_worker() -> None:
    threadpool_limits(1)
    gc.disable()
    exit_fast()


def _load_arena(files: Files, options: LoadOptions) -> LoadedRecords:
    """Load the records of one arena; where some do not hold, no board is made of it."""
    known = terms()
    by_root: dict[Path, list[Path]] = defaultdict(list)
    for root, path in files:
        by_root[root].append(path)
    folders: list[Gathered] = []
    damaged: list[DamagedFile] = []
    problems: list[str] = []
    records: list[Stored] = []
    for root, paths in reversed(by_root.items()):
        if options.lenient and not workspace.is_committed(root):
            folders.append(gather(root, paths, known))
            continue
        readable, broken = read_files((root, path) for path in paths)
        damaged += broken
        problems += unsound(readable) if options.audited else unknown(readable)
        records += readable
        folders.append(gathered(root, [] if problems else readable, known))
    chosen = choose(folders, known)
    ranked = boards(chosen.stored, known, chosen.faults) if options.ranked and not damaged and not problems else []
    drawn = [board for board in ranked if options.drawn is ALL or board.arena in options.drawn]
    listed = records if options.audited else chosen.stored
    curves = comparable_curves(chosen.stored, drawn)
    return LoadedRecords(list(map(RecordHeader.of, listed)), damaged, problems, ranked, curves, chosen.remarks)
