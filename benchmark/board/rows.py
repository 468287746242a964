"""From records to ranked rows, for every track alike: scores, intervals, ranks. Pure: records in, rows out."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from simplibench.arrays import Floats
from simplibench.board.row import Row, Scores, Status, gap_interval, score_interval
from simplibench.board.tracks import TRACKS
from simplibench.records import Record, Stored, Terms
from simplibench.scoring.correlation import kendall_tau
from simplibench.scoring.differences import rank_ranges, typical_detectable_difference
from simplibench.scoring.resampling import RESAMPLES


@dataclass(frozen=True)
class ArenaBoard:
    """The rows of one arena, best first, and how far the track's other measure would order them alike."""

    arena: str
    track: str
    rows: list[Row]
    seeds: list[int]
    kendall_tau: float | None  # None where fewer than two are ranked by score, or all of them tie
    least_difference: float | None  # of two scores, to be told apart with so many references and sentences


def boards(
    stored: list[Stored], terms: Mapping[str, Terms], faults: Mapping[tuple[str, str], str] | None = None
) -> list[ArenaBoard]:
    """Return every arena's board; `terms` by arena, `faults` by arena and submission: why it lacks a record there."""
    by_arena: dict[str, dict[str, list[Stored]]] = defaultdict(lambda: defaultdict(list))
    for kept in stored:
        if kept.record.seed != "untrained":
            by_arena[kept.record.arena][kept.record.submission].append(kept)
    return [
        _arena_board(arena, list(by_arena[arena].values()), terms[arena], faults or {})
        for arena in sorted(by_arena)
        if arena in terms
    ]


def _arena_board(
    arena: str, groups: list[list[Stored]], terms: Terms, faults: Mapping[tuple[str, str], str]
) -> ArenaBoard:
    track = groups[0][0].record.track
    statuses = [rank_status(group, terms, faults.get((arena, group[0].record.submission), "")) for group in groups]
    rows = [_described(group, *status) for group, status in zip(groups, statuses, strict=True)]
    fit = [number for number, (status, _) in enumerate(statuses) if status == "ok"]
    resampled: dict[str, Floats] = {}
    for number, scores in zip(fit, TRACKS[track].scores([groups[number] for number in fit], terms.seeds), strict=True):
        rows[number], resampled[rows[number].submission] = _scored(rows[number], scores, TRACKS[track].bounds)
    competing = [row.submission for row in rows if row.score is not None and not row.control]
    stacked = np.stack([resampled[name] for name in competing]) if competing else np.empty((0, 1, 1 + RESAMPLES))
    rows = _with_ranks(rows, dict(zip(competing, rank_ranges(stacked), strict=True)))
    ranked = [row for row in rows if row.rank_low is not None]
    rows = sorted(rows, key=_sort_key)
    return ArenaBoard(arena, track, rows, terms.seeds, _tau(ranked), typical_detectable_difference(stacked))


def _scored(row: Row, scores: Scores, bounds: tuple[float, float]) -> tuple[Row, Floats]:
    """Return the row with its scores, and the resampled scores [seed, R] that ranks are made of."""
    by_seed = np.stack(scores.ood_by_seed)
    if scores.unscored:
        return replace(row, note=scores.unscored, figures=scores.figures), by_seed
    scored = replace(
        row,
        score=score_interval(scores.ood_by_seed, bounds),
        id_score=score_interval(scores.id_by_seed, bounds),
        gap=gap_interval(scores.id_by_seed, scores.ood_by_seed, bounds),
        other_score=scores.other,
        figures=scores.figures,
    )
    return scored, by_seed


def _with_ranks(rows: list[Row], scored: dict[str, tuple[int, int]]) -> list[Row]:
    """Return the rows with the rank ranges of scored submissions; failed ones are below them. Controls have no rank."""
    failed = [row.submission for row in rows if row.status == "failed" and not row.control]
    below = (len(scored) + 1, len(scored) + len(failed))
    ranges = {**scored, **dict.fromkeys(failed, below)}
    return [
        replace(row, rank_low=ranges[row.submission][0], rank_high=ranges[row.submission][1])
        if row.submission in ranges
        else row
        for row in rows
    ]


def _sort_key(row: Row) -> tuple[int, float, str]:
    """Sort best first by score, controls among them; then the ceiling, the failed and the unranked."""
    order = ["ok", "failed", "incomplete", "unranked", "outdated"].index(row.status)
    return order, -row.score.value if row.score else 1.0, row.submission


def _tau(ranked: list[Row]) -> float | None:
    """Return how alike the two measures order the ranked submissions; None for fewer than two, and where all tie."""
    scores = [row.score.value for row in ranked if row.score]
    others = [row.other_score for row in ranked if row.other_score is not None]
    return kendall_tau(np.array(scores), np.array(others)) if len(scores) > 1 else None


def rank_status(stored: Sequence[Stored], terms: Terms, fault: str = "") -> tuple[Status, str]:
    """Return whether a submission's records in an arena make a rank, and why not; `fault`: a record that cannot be used.

    Records on other references than those that are ranked decide nothing.
    """
    if fault:
        return "incomplete", fault
    records = [kept.record for kept in stored if kept.record.seed in terms.seeds]
    if not records:
        return "incomplete", f"no record is on a reference that is ranked: {', '.join(map(str, terms.seeds))}"
    if any(record.protocol != terms.protocol for record in records):
        current = f"{terms.protocol.task_version}.{terms.protocol.scoring_version}"
        return "outdated", f"made under another protocol than {current}; run it again"
    if any(record.limit is not None or record.in_process for record in records):
        return "unranked", "scored with --limit or --in-process"
    lacking = {
        name for record in records if record.status == "ok" for name in terms.splits if name not in record.splits
    }
    if lacking:
        named = ", ".join(name for name in terms.splits if name in lacking)
        return "unranked", f"scored without {named}, whose data were missing; fetch them and run it again"
    if all(record.status == "failed" for record in records):
        return "failed", records[0].reason or ""
    if len({record.source_sha256 for record in records}) > 1:
        return "incomplete", _mixed(records)
    made = {(record.entry, record.seed) for record in records}
    entries = sorted({entry for entry, _ in made})
    missing = [f"{entry} seed {seed}" for entry in entries for seed in terms.seeds if (entry, seed) not in made]
    if missing:
        return "incomplete", f"{len(missing)} records are missing, the first: {missing[0]}"
    for seed in terms.seeds:
        on_seed = [record for record in records if record.seed == seed]
        if all(record.status == "failed" for record in on_seed):
            return "failed", f"every entry failed on reference {seed}: {on_seed[0].reason}"
    return "ok", ""


def _mixed(records: Sequence[Record]) -> str:
    """Say what to do about records of several versions of a file: which are old, one cannot tell without the file."""
    newest = max(records, key=lambda record: record.created)
    older = next(record for record in records if record.source_sha256 != newest.source_sha256)
    return (
        f"its records are of different versions of its file, that of {older.entry} seed {older.seed} of an older one; run "
        "it again, and delete the records of entries that it does not have any more"
    )


def _described(group: list[Stored], status: Status, note: str) -> Row:
    records = [kept.record for kept in group]
    failed = {record.entry for record in records if record.status == "failed"}
    ratios = [record.runtime.forward_ratio for record in records if record.runtime]
    return Row(
        arena=records[0].arena,
        submission=records[0].submission,
        control=records[0].control,
        status=status,
        note=note,
        entries=len({record.entry for record in records}),
        failed_entries=len(failed),
        forward_ratio=float(np.median(ratios)) if ratios else None,
        citation=records[0].citation,
        figures=TRACKS[records[0].track].figures(group),
    )
