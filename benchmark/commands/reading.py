"""Records read task by task, in processes side by side where they are many; what comes back is small."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path

from threadpoolctl import threadpool_limits

from benchmark.board import ArenaBoard, ArenaCurves, boards, comparable_curves
from benchmark.commands.soundness import unknown, unsound
from benchmark.commands.standing import Listed
from benchmark.errors import DamagedFile
from benchmark.harness.pool import default_jobs, end_at_once, workers
from benchmark.records import files_below, read_files
from benchmark.registry import terms

MANY = 200  # records: from so many on it pays to start processes
ALL = None
Files = list[tuple[Path, Path]]  # each after the root that it lies below


@dataclass(frozen=True)
class Wish:
    """What is to be made of the records."""

    audited: bool = False  # every figure computed again
    ranked: bool = True
    drawn: tuple[str, ...] | None = ()  # the arenas whose curves are wanted, or ALL
    only: str | None = None  # this arena, as if there were no other


@dataclass(frozen=True)
class Reading:
    """What was found, task by task in the order of their names."""

    listed: list[Listed] = field(default_factory=list)
    damaged: list[DamagedFile] = field(default_factory=list)  # instead of records that cannot be used
    problems: list[str] = field(default_factory=list)  # of the others; a task that has some is not ranked
    boards: list[ArenaBoard] = field(default_factory=list)
    curves: list[ArenaCurves] = field(default_factory=list)


def read(roots: Sequence[Path], wish: Wish) -> Reading:
    """Everything below the roots."""
    files = [own for own in files_below(*roots) if wish.only in (None, "/".join(_place(own)))]
    groups = _grouped(files)
    if len(files) < MANY:
        parts = [_task(own, wish) for own in groups]
    else:
        with workers(min(default_jobs("cpu"), len(groups)), _begin) as pool:
            parts = list(pool.map(_task, groups, repeat(wish)))
    return Reading(
        listed=[one for part in parts for one in part.listed],
        damaged=[error for part in parts for error in part.damaged],
        problems=[problem for part in parts for problem in part.problems],
        boards=sorted((board for part in parts for board in part.boards), key=lambda board: board.arena),
        curves=sorted((own for part in parts for own in part.curves), key=lambda own: own.arena),
    )


def _place(file: tuple[Path, Path]) -> tuple[str, ...]:
    """Task and component, as the folders say."""
    root, path = file
    return path.relative_to(root).parts[:2]


def _grouped(files: Files) -> list[Files]:
    """By task, whose arenas have the same sentences, resampled once for them all; of a single task by arena."""
    depth = 1 if len({_place(file)[0] for file in files}) > 1 else 2
    groups: dict[tuple[str, ...], Files] = defaultdict(list)
    for file in files:
        groups[_place(file)[:depth]].append(file)
    return list(groups.values())


def _begin() -> None:
    """Processes share the cores; numpy's own threads would stand in their way."""
    threadpool_limits(1)
    end_at_once()


def _task(files: Files, wish: Wish) -> Reading:
    """One task's records; of those that do not hold no board is made."""
    stored, damaged = read_files(files)
    problems = unsound(stored) if wish.audited else unknown(stored)
    ranked = boards(stored, terms()) if wish.ranked and not damaged and not problems else []
    drawn = [board for board in ranked if wish.drawn is ALL or board.arena in wish.drawn]
    return Reading(list(map(Listed.of, stored)), damaged, problems, ranked, comparable_curves(stored, drawn))
