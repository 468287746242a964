"""What a run prints: one row an entry, over the reference seeds there are."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean

from simplibench.board.explainers import tally_explainers
from simplibench.board.row import Floats, gap_interval, score_interval
from simplibench.board.tallies import tally
from simplibench.records import CodecRecord, ExplainerRecord, Stored
from simplibench.scoring.inference import Interval

Scored = tuple[Floats, Floats]  # on ID and OOD splits, [R]


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
    figures: dict[str, float | None]  # the track's own, means over references


def entry_rows(stored: list[Stored]) -> list[EntryRow]:
    """Every entry of the records, in their order."""
    groups: dict[tuple[str, str, str], list[Stored]] = defaultdict(list)
    for one in stored:
        groups[one.record.arena, one.record.submission, one.record.entry].append(one)
    return [_row(group) for group in groups.values()]


def _row(group: list[Stored]) -> EntryRow:
    first = group[0].record
    good = [one for one in group if one.record.status == "ok"]
    bad = [one.record for one in group if one.record.status == "failed"]
    scored, figures = TRACKS[first.track]
    on_id, on_ood = zip(*[scored(one) for one in good], strict=True) if good else ((), ())
    return EntryRow(
        arena=first.arena,
        track=first.track,
        submission=first.submission,
        entry=first.entry,
        seeds=len(good),
        failed=len(bad),
        reason=(bad[0].reason or "") if bad else "",
        on_id=score_interval(on_id, first.track) if good else None,
        on_ood=score_interval(on_ood, first.track) if good else None,
        gap=gap_interval(on_id, on_ood, first.track) if good else None,
        figures=figures(good),
    )


def _codec_scores(one: Stored) -> Scored:
    own = tally([one])
    return own.on_id[:, 0], own.on_ood[:, 0]


def _codec_figures(good: list[Stored]) -> dict[str, float | None]:
    records = [one.record for one in good if isinstance(one.record, CodecRecord)]
    runtimes = [record.runtime for record in records if record.runtime]
    return {
        "bits/token": _mean([record.bits_per_token or 0.0 for record in records]),
        "state bytes": max((float(record.state_bytes or 0) for record in records), default=None),
        "fit s": _mean([runtime.fit_seconds for runtime in runtimes]),
        "us/vector": _mean([runtime.codec_microseconds for runtime in runtimes]),
        "forward": _mean([runtime.forward_ratio for runtime in runtimes]),
    }


def _explainer_scores(one: Stored) -> Scored:
    own = tally_explainers([one])
    return own.score("id", own.intervention)[:, 0], own.score("ood", own.intervention)[:, 0]


def _explainer_figures(good: list[Stored]) -> dict[str, float | None]:
    records = [one.record for one in good if isinstance(one.record, ExplainerRecord)]
    ood = [split for record in records for split in record.splits.values() if split.role == "ood"]
    runtimes = [record.runtime for record in records if record.runtime]
    return {
        "equivalence": _mean([split.equivalence for split in ood]),
        "intervention": _mean([split.intervention for split in ood]),
        "us/case": _mean([runtime.case_microseconds for runtime in runtimes]),
        "forward": _mean([runtime.forward_ratio for runtime in runtimes]),
    }


def _mean(values: list[float]) -> float | None:
    return fmean(values) if values else None


TRACKS: dict[str, tuple[Callable[[Stored], Scored], Callable[[list[Stored]], dict[str, float | None]]]] = {
    "codec": (_codec_scores, _codec_figures),
    "explainer": (_explainer_scores, _explainer_figures),
}
