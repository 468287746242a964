"""Records read arena by arena, by several processes where they are many; what comes back is small."""

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
    """What is to be made of the records."""

    audited: bool = False  # every figure computed again
    ranked: bool = True
    drawn: tuple[str, ...] | None = ()  # the arenas whose curves are wanted, or ALL
    only: str | None = None  # this arena, as if there were no other
    lenient: bool = False  # what cannot be used is left out, unless it is committed


@dataclass(frozen=True)
class LoadedRecords:
    """What was found, arena by arena in the order of their names."""

    listed: list[RecordHeader] = field(default_factory=list)
    damaged: list[DamagedFile] = field(default_factory=list)  # instead of records that cannot be used
    problems: list[str] = field(default_factory=list)  # of the others; an arena that has some is not ranked
    boards: list[ArenaBoard] = field(default_factory=list)
    curves: list[ArenaCurves] = field(default_factory=list)
    remarks: Remarks = field(default_factory=Remarks)


def load_records(roots: Sequence[Path], wish: LoadOptions) -> LoadedRecords:
    """Read everything below the roots; of a submission with records below several, a later root's count."""
    groups: dict[str, Files] = defaultdict(list)
    for root in dict.fromkeys(roots):
        for _, path in files_below(root):
            groups["/".join(path.relative_to(root).parts[:2])].append((root, path))
    wanted = [arena for arena in sorted(groups) if wish.only in (None, arena)]
    parts = _each([groups[arena] for arena in wanted], partial(_arena, wish=wish))
    return LoadedRecords(
        listed=[one for part in parts for one in part.listed],
        damaged=[error for part in parts for error in part.damaged],
        problems=[problem for part in parts for problem in part.problems],
        boards=sorted((board for part in parts for board in part.boards), key=lambda board: board.arena),
        curves=sorted((own for part in parts for own in part.curves), key=lambda own: own.arena),
        remarks=Remarks.of(part.remarks for part in parts),
    )


def _each(groups: list[Files], call: Callable[[Files], LoadedRecords]) -> list[LoadedRecords]:
    """What is made of every group, in their order."""
    if sum(map(len, groups)) < MANY:
        return list(map(call, groups))
    largest_first = sorted(range(len(groups)), key=lambda number: -_size(groups[number]))
    with _undisturbed():
        found = parallel_map(call, [groups[number] for number in largest_first], default_jobs("cpu"), _begin)
    parts = dict(zip(largest_first, found, strict=True))
    return [parts[number] for number in range(len(groups))]


def _size(files: Files) -> int:
    """What tells best how long they will take: more records, more splits, more strata. Of what is gone, reading tells."""
    return sum(path.stat().st_size for _, path in files if path.exists())


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Processes share the cores, so numpy's own threads would stand in their way; and what is read stays until the end, so
    that Python need not look through it for garbage.
    """
    with threadpool_limits(1), without_collection():
        yield


def _begin() -> None:
    threadpool_limits(1)
    gc.disable()
    exit_fast()


def _arena(files: Files, wish: LoadOptions) -> LoadedRecords:
    """One arena's records; of those that do not hold no board is made."""
    known = terms()
    by_root: dict[Path, list[Path]] = defaultdict(list)
    for root, path in files:
        by_root[root].append(path)
    parts: list[Gathered] = []
    damaged: list[DamagedFile] = []
    problems: list[str] = []
    stored: list[Stored] = []
    for root, paths in reversed(by_root.items()):
        if wish.lenient and not workspace.is_committed(root):
            parts.append(gather(root, paths, known))
            continue
        there, broken = read_files((root, path) for path in paths)
        damaged += broken
        problems += unsound(there) if wish.audited else unknown(there)
        stored += there
        parts.append(gathered(root, [] if problems else there, known))
    chosen = choose(parts, known)
    ranked = boards(chosen.stored, known, chosen.faults) if wish.ranked and not damaged and not problems else []
    drawn = [board for board in ranked if wish.drawn is ALL or board.arena in wish.drawn]
    listed = stored if wish.audited else chosen.stored
    curves = comparable_curves(chosen.stored, drawn)
    return LoadedRecords(list(map(RecordHeader.of, listed)), damaged, problems, ranked, curves, chosen.remarks)
