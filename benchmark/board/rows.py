"""From records to ranked rows: scores over budgets, intervals, ranks. Pure: records in, rows out."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from benchmark.board.tallies import over_seeds, tally
from benchmark.records import Protocol, Record, Stored
from benchmark.scoring.faithfulness import budgets
from benchmark.scoring.statistics import Interval, interval, kendall_tau, rank_ranges

Floats = npt.NDArray[np.floating]
Status = Literal["ok", "failed", "incomplete", "outdated", "unranked"]


@dataclass(frozen=True)
class Row:
    """One submission in one arena, as the leaderboard has it. Scores are None where there is nothing to compute."""

    arena: str
    submission: str
    control: bool
    status: Status
    note: str  # what keeps it from a rank
    entries: int
    failed_entries: int
    score: Interval | None = None  # OOD faithfulness over budgets
    id_score: Interval | None = None
    gap: Interval | None = None  # ID minus OOD
    divergence_score: float | None = None  # the score made of divergence instead of agreement
    rank_low: int | None = None
    rank_high: int | None = None
    bits_low: float | None = None  # rates of the cheapest and dearest entry
    bits_high: float | None = None
    forward_ratio: float | None = None  # proxy / reference forward, median over records
    reference: str = ""


@dataclass(frozen=True)
class ArenaBoard:
    """The rows of one arena, best first, and how far divergence would order them alike."""

    arena: str
    rows: list[Row]
    seeds: list[int]
    kendall_tau: float | None


def boards(stored: list[Stored], seeds: Mapping[str, list[int]], protocols: Mapping[str, Protocol]) -> list[ArenaBoard]:
    """Every arena's board. `seeds`: the references an arena is ranked over; `protocols`: the current one of each task."""
    by_arena: dict[str, dict[str, list[Stored]]] = defaultdict(lambda: defaultdict(list))
    for one in stored:
        if one.record.seed != "untrained":
            by_arena[one.record.arena][one.record.submission].append(one)
    return [
        _arena_board(arena, list(by_arena[arena].values()), seeds[arena], protocols[arena.partition("/")[0]])
        for arena in sorted(by_arena)
        if arena in seeds
    ]


def _arena_board(arena: str, groups: list[list[Stored]], seeds: list[int], protocol: Protocol) -> ArenaBoard:
    resampled: dict[str, Floats] = {}
    rows = []
    for group in groups:
        status, note = _standing([one.record for one in group], seeds, protocol)
        row = _described(group, status, note)
        if status == "ok":
            row, resampled[row.submission] = _scored(row, group, seeds)
        rows.append(row)
    rows = _with_ranks(rows, resampled)
    ranked = [row for row in rows if row.rank_low is not None]
    return ArenaBoard(arena, sorted(rows, key=_place), seeds, _tau(ranked))


def _scored(row: Row, group: list[Stored], seeds: list[int]) -> tuple[Row, Floats]:
    """The row with its scores, and the resampled score [R] that ranks are made of."""
    tallies = [tally([one for one in group if one.record.seed == seed]) for seed in seeds]
    per_seed = [own.scores() for own in tallies]
    on_id, on_ood = over_seeds([own[0] for own in per_seed]), over_seeds([own[1] for own in per_seed])
    if row.control and row.bits_low is not None and row.bits_low > max(budgets(tallies[0].ceiling_bits)):
        best = max(float(np.mean([own.on_ood[0].max() for own in tallies])), 0.0)
        return replace(row, note=f"ceiling: OOD faithfulness {best:.3f}, dearer than every budget"), on_ood
    scored = replace(
        row,
        score=interval(on_ood),
        id_score=interval(on_id),
        gap=interval(on_id - on_ood),
        divergence_score=float(np.mean([own.divergence_score() for own in tallies])),
    )
    return scored, on_ood


def _with_ranks(rows: list[Row], resampled: dict[str, Floats]) -> list[Row]:
    """Rank ranges for everything scored that is no control; failed submissions stand below every success."""
    names = [row.submission for row in rows if row.score is not None and not row.control]
    ranges = rank_ranges(np.stack([resampled[name] for name in names])) if names else []
    found = dict(zip(names, ranges, strict=True))
    below = len(names) + 1
    failed = sum(row.status == "failed" and not row.control for row in rows)
    for row in rows:
        if row.status == "failed" and not row.control:
            found[row.submission] = (below, below + failed - 1)
    return [
        replace(row, rank_low=found[row.submission][0], rank_high=found[row.submission][1])
        if row.submission in found
        else row
        for row in rows
    ]


def _place(row: Row) -> tuple[int, float, str]:
    """Best first by score, controls among them; then the ceiling, the failed and the unranked."""
    order = ["ok", "failed", "incomplete", "unranked", "outdated"].index(row.status)
    return order, -row.score.value if row.score else 1.0, row.submission


def _tau(ranked: list[Row]) -> float | None:
    """How alike agreement and divergence order the ranked submissions; None for fewer than two."""
    scores = [row.score.value for row in ranked if row.score]
    by_divergence = [row.divergence_score for row in ranked if row.divergence_score is not None]
    return kendall_tau(np.array(scores), np.array(by_divergence)) if len(scores) > 1 else None


def _standing(records: list[Record], seeds: list[int], protocol: Protocol) -> tuple[Status, str]:
    """Whether a submission's records make a rank, and why not."""
    if any(record.protocol != protocol for record in records):
        return (
            "outdated",
            f"made under another protocol than {protocol.task_version}.{protocol.scoring_version}; run it again",
        )
    if any(record.limit is not None or record.in_process for record in records):
        return "unranked", "scored with --limit or --in-process"
    if all(record.status == "failed" for record in records):
        return "failed", records[0].reason or ""
    sources = {record.source_sha256 for record in records}
    if len(sources) > 1:
        return "incomplete", "its records are of different versions of its file; run it again"
    made = {(record.entry, record.seed) for record in records}
    missing = [
        f"{entry} seed {seed}" for entry in sorted({e for e, _ in made}) for seed in seeds if (entry, seed) not in made
    ]
    if missing:
        return "incomplete", f"{len(missing)} records are missing, the first: {missing[0]}"
    return "ok", ""


def _described(group: list[Stored], status: Status, note: str) -> Row:
    records = [one.record for one in group]
    failed = {record.entry for record in records if record.status == "failed"}
    bits = [record.bits_per_token for record in records if record.bits_per_token is not None]
    ratios = [record.runtime.forward_ratio for record in records if record.runtime]
    return Row(
        arena=records[0].arena,
        submission=records[0].submission,
        control=records[0].control,
        status=status,
        note=note,
        entries=len({record.entry for record in records}),
        failed_entries=len(failed),
        bits_low=min(bits, default=None),
        bits_high=max(bits, default=None),
        forward_ratio=float(np.median(ratios)) if ratios else None,
        reference=records[0].reference,
    )
