"""What a run shows: one row per entry, over the reference seeds there are, and tables of these as text."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from simplibench.board.render import interval_text
from simplibench.board.row import gap_interval, score_interval
from simplibench.board.table import TextTable
from simplibench.board.tracks import TRACKS
from simplibench.records import Stored
from simplibench.scoring.inference import Interval

FORMATS = {"bits/token": ".2f", "state bytes": ".0f", "forward": ".2f", "us/case": ".0f"}  # of the others, .3f


@dataclass(frozen=True)
class EntryRow:
    """One entry in one arena. Scores are averaged over the splits of a role, then over seeds."""

    arena: str
    track: str
    submission: str
    entry: str
    seeds: int  # references it was scored on
    failed: int  # references it failed on
    reason: str  # of the first failure
    on_id: Interval | None
    on_ood: Interval | None
    gap: Interval | None
    figures: dict[str, float | None]  # the track's, means over references


def entry_rows(stored: Sequence[Stored]) -> list[EntryRow]:
    """Return every entry of the records, in their order."""
    groups: dict[tuple[str, str, str], list[Stored]] = defaultdict(list)
    for kept in stored:
        groups[kept.record.arena, kept.record.submission, kept.record.entry].append(kept)
    return [_row(group) for group in groups.values()]


def entry_tables(rows: Sequence[EntryRow]) -> list[TextTable]:
    """Return one table per arena, with one row per entry, in the order of the rows."""
    tables = []
    for arena in dict.fromkeys(row.arena for row in rows):
        entries = [row for row in rows if row.arena == arena]
        score_name, references = TRACKS[entries[0].track].score_name, max(row.seeds for row in entries)
        headers = ("entry", "ID", "OOD", "gap", *entries[0].figures, "status")
        title = f"{arena}, {score_name} over {references} references"
        tables.append(TextTable(title, headers, [entry_cells(row) for row in entries]))
    return tables


def entry_cells(row: EntryRow) -> list[str]:
    """Return an entry's cells: label, scores, figures, status."""
    return [
        row.entry,
        interval_text(row.on_id),
        interval_text(row.on_ood),
        interval_text(row.gap),
        *("" if value is None else f"{value:{FORMATS.get(name, '.3f')}}" for name, value in row.figures.items()),
        f"failed on {row.failed}" if row.failed else "ok",
    ]


def failures(rows: Sequence[EntryRow]) -> list[str]:
    """Return one line per failed entry, with the reason."""
    return [
        f"failed: {row.submission}, {row.entry} in {row.arena} on {row.failed} references: {row.reason}"
        for row in rows
        if row.failed
    ]


def _row(group: list[Stored]) -> EntryRow:
    first = group[0].record
    track = TRACKS[first.track]
    good = [kept for kept in group if kept.record.status == "ok"]
    bad = [kept.record for kept in group if kept.record.status == "failed"]
    samples = [track.sample([kept]) for kept in good]
    on_id, on_ood = ([sample[side][:, 0] for sample in samples] for side in (0, 1))
    return EntryRow(
        arena=first.arena,
        track=first.track,
        submission=first.submission,
        entry=first.entry,
        seeds=len(good),
        failed=len(bad),
        reason=(bad[0].reason or "") if bad else "",
        on_id=score_interval(on_id, track.bounds) if good else None,
        on_ood=score_interval(on_ood, track.bounds) if good else None,
        gap=gap_interval(on_id, on_ood, track.bounds) if good else None,
        figures=track.entry_figures(good),
    )
