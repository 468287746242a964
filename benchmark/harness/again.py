"""Entries that are scored again on a sub-sample, in such a way that their counts pair with those of whole records."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from simplibench.harness.runner import Runner
from simplibench.harness.tracks import TRACKS
from simplibench.harness.unit import Unit
from simplibench.records import SeedName

Wanted = Mapping[tuple[str, SeedName], frozenset[str]]  # (arena with its task, reference) -> labels of entries


def compared(track: str, limit: int | None) -> int:
    """Return the number of sentences, or cases, per split that are compared."""
    return limit or TRACKS[track].compared


def units_again(runner: Runner, file: Path, wanted: Wanted) -> list[Unit]:
    """Return the units that hold what is wanted, and nothing else of them. Raises: UsageError for what does not exist."""
    units: list[Unit] = []
    for task in dict.fromkeys(arena.partition("/")[0] for arena, _ in wanted):
        pairs = [(arena, seed) for arena, seed in wanted if arena.startswith(f"{task}/")]
        arenas, seeds = (list(dict.fromkeys(column)) for column in zip(*pairs, strict=True))
        units += [
            replace(unit, only=wanted[unit.arena_name, unit.seed])
            for unit in runner.plan([file], task, arenas, seeds, allow_taken_names=True)
            if (unit.arena_name, unit.seed) in wanted
        ]
    return [unit for unit in units if unit.entries]
