"""Entries scored again on a sub-sample, in such a way that their counts pair with those of whole records."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from simplibench.guest import ForkServer
from simplibench.harness.run import plan, results, run
from simplibench.harness.tracks import TRACKS
from simplibench.harness.unit import Conditions, Places, Progress, Unit
from simplibench.pool import default_jobs
from simplibench.records import SeedName, Stored

Wanted = Mapping[tuple[str, SeedName], frozenset[str]]  # (arena with its task, reference) -> labels of entries


def compared(track: str, limit: int | None) -> int:
    """How many sentences or cases a split are compared."""
    return limit or TRACKS[track].compared


def units_again(file: Path, wanted: Wanted, conditions: Conditions, server: ForkServer | None) -> list[Unit]:
    """The units that hold what is wanted, and nothing else of them. Raises UsageError for what does not exist."""
    units: list[Unit] = []
    for task in dict.fromkeys(arena.partition("/")[0] for arena, _ in wanted):
        own = [(arena, seed) for arena, seed in wanted if arena.startswith(f"{task}/")]
        arenas, seeds = (list(dict.fromkeys(column)) for column in zip(*own, strict=True))
        planned = plan([file], task, arenas, seeds, conditions, server)
        units += [
            replace(unit, only=wanted[unit.arena_name, unit.seed])
            for unit in planned
            if (unit.arena_name, unit.seed) in wanted
        ]
    return [unit for unit in units if unit.entries]


def score_again(
    units: list[Unit], conditions: Conditions, folder: Path, progress: Progress, server: ForkServer | None
) -> list[Stored]:
    """Their records, made anew in a folder of their own, units side by side. Sub-samples: never kept, never ranked."""
    places = Places(folder, (folder,))
    jobs = min(default_jobs(conditions.device), len({(unit.arena_name, unit.seed) for unit in units}))
    run(units, conditions, places, progress, server, jobs)
    return results(units, conditions, places)
