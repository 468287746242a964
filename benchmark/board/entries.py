"""What a run prints: one row an entry, over the reference seeds there are."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from benchmark.board.tallies import over_seeds, tally
from benchmark.records import Stored
from benchmark.scoring.statistics import Interval, interval


@dataclass(frozen=True)
class EntryRow:
    """One entry in one arena. Faithfulness is averaged over the splits of a role, clipped at 0, then over seeds."""

    arena: str
    submission: str
    entry: str
    seeds: int  # references it was scored on
    failed: int  # references it failed on
    reason: str  # of the first failure
    on_id: Interval | None
    on_ood: Interval | None
    gap: Interval | None
    bits_per_token: float | None
    state_bytes: int | None
    fit_seconds: float | None
    codec_microseconds: float | None
    forward_ratio: float | None


def entry_rows(stored: list[Stored]) -> list[EntryRow]:
    """Every entry of the records, in their order."""
    groups: dict[tuple[str, str, str], list[Stored]] = defaultdict(list)
    for one in stored:
        groups[one.record.arena, one.record.submission, one.record.entry].append(one)
    return [_row(group) for group in groups.values()]


def _row(group: list[Stored]) -> EntryRow:
    good = [one for one in group if one.record.status == "ok"]
    bad = [one.record for one in group if one.record.status == "failed"]
    tallies = [tally([one]) for one in good]
    on_id = over_seeds([own.on_id for own in tallies])[:, 0] if good else None
    on_ood = over_seeds([own.on_ood for own in tallies])[:, 0] if good else None
    runtimes = [one.record.runtime for one in good if one.record.runtime]
    first = group[0].record
    return EntryRow(
        arena=first.arena,
        submission=first.submission,
        entry=first.entry,
        seeds=len(good),
        failed=len(bad),
        reason=(bad[0].reason or "") if bad else "",
        on_id=None if on_id is None else interval(on_id),
        on_ood=None if on_ood is None else interval(on_ood),
        gap=None if on_id is None or on_ood is None else interval(on_id - on_ood),
        bits_per_token=_mean([one.record.bits_per_token for one in good]),
        state_bytes=max((one.record.state_bytes or 0 for one in good), default=None),
        fit_seconds=_mean([runtime.fit_seconds for runtime in runtimes]),
        codec_microseconds=_mean([runtime.codec_microseconds for runtime in runtimes]),
        forward_ratio=_mean([runtime.forward_ratio for runtime in runtimes]),
    )


def _mean(values: list[float | None] | list[float]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
