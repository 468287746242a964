"""What the page draws: every entry's rate, faithfulness, splits, strata and runtime, means over the references."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from simplibench.arrays import Floats
from simplibench.board.measures import Measures, StratumPoint
from simplibench.board.row import score_interval
from simplibench.board.rows import ArenaBoard
from simplibench.board.tracks import TRACKS
from simplibench.records import Stored
from simplibench.scoring.faithfulness import budgets
from simplibench.scoring.inference import Interval

Key = tuple[str, str]  # submission and entry
Resampled = tuple[Floats, Floats]  # an entry's score on ID and OOD splits of one reference, [R] each


@dataclass(frozen=True)
class EntryCurve:
    """One entry: a point of its submission's curve, and what stands behind it."""

    submission: str
    entry: str
    control: bool
    references: int  # that it was scored on
    bits: float | None  # a token, mean over the references; explainers have none
    on_id: Interval  # faithfulness; of explainers the mean of equivalence and intervention
    on_ood: Interval
    forward_ratio: float | None  # time of the proxy, or of an explanation, over the reference's
    measures: Measures
    strata: list[StratumPoint]


@dataclass(frozen=True)
class ArenaCurves:
    """The entries of one arena, by submission, cheapest first."""

    arena: str
    track: str
    splits: dict[str, str]  # name -> role
    ceiling_bits: float | None  # identity's rate
    entries: list[EntryCurve]

    def taken(self) -> dict[float, list[EntryCurve]]:
        """Return by budget what each submission is scored on there: its affordable entry of best ID faithfulness.

        By the means over the references; the score chooses reference by reference.
        """
        taken: dict[float, list[EntryCurve]] = {}
        for budget in [] if self.ceiling_bits is None else budgets(self.ceiling_bits).tolist():
            best: dict[str, EntryCurve] = {}
            for entry in self.entries:
                before = best.get(entry.submission)
                affordable = entry.bits is not None and entry.bits <= budget
                if affordable and (before is None or entry.on_id.value > before.on_id.value):
                    best[entry.submission] = entry
            taken[budget] = list(best.values())
        return taken


def curves(stored: Iterable[Stored]) -> list[ArenaCurves]:
    """Return every arena's entries, over the trained references on which they succeeded; all of like conditions."""
    by_arena: dict[str, list[Stored]] = defaultdict(list)
    for kept in stored:
        if kept.record.status == "ok" and kept.record.seed != "untrained":
            by_arena[kept.record.arena].append(kept)
    return [_arena(sorted(by_arena[arena], key=_seed)) for arena in sorted(by_arena)]


def comparable_curves(stored: Iterable[Stored], boards: Iterable[ArenaBoard]) -> list[ArenaCurves]:
    """Return the curves of submissions whose records may be compared: of the current protocol, and complete."""
    scored = {(row.arena, row.submission) for board in boards for row in board.rows if row.status == "ok"}
    return curves(kept for kept in stored if (kept.record.arena, kept.record.submission) in scored)


def _seed(stored: Stored) -> int:
    return int(stored.record.seed)


def _key(stored: Stored) -> Key:
    return stored.record.submission, stored.record.entry


def _arena(group: list[Stored]) -> ArenaCurves:
    first = max((kept.record for kept in group), key=lambda record: len(record.splits))
    track = TRACKS[first.track]
    by_entry: dict[Key, list[Stored]] = defaultdict(list)
    for kept in group:
        by_entry[_key(kept)].append(kept)
    resampled, floors = _resampled(group), track.floors(group)
    entries = [_entry(records, resampled[key], floors) for key, records in by_entry.items()]
    return ArenaCurves(
        arena=first.arena,
        track=first.track,
        splits={name: split.role for name, split in first.splits.items()},
        ceiling_bits=track.ceiling_bits(first),
        entries=sorted(entries, key=lambda entry: (entry.submission, entry.bits or 0.0, entry.entry)),
    )


def _resampled(group: list[Stored]) -> dict[Key, list[Resampled]]:
    """Return every entry's resampled scores, one per reference; one tally per reference, so that they are drawn once."""
    by_ground: dict[tuple[int, str], list[Stored]] = defaultdict(list)
    for kept in group:
        by_ground[_seed(kept), kept.record.ground_sha256].append(kept)
    resampled: dict[Key, list[Resampled]] = defaultdict(list)
    for records in by_ground.values():
        on_id, on_ood = TRACKS[records[0].record.track].sample(records)  # [R, entry], in the order of the records
        for column, kept in enumerate(records):
            resampled[_key(kept)].append((on_id[:, column], on_ood[:, column]))
    return resampled


def _entry(group: list[Stored], resampled: list[Resampled], floors: Any) -> EntryCurve:
    first = group[0].record
    track = TRACKS[first.track]
    on_id, on_ood = (score_interval(side, track.bounds) for side in zip(*resampled, strict=True))
    ratios = [kept.record.runtime.forward_ratio for kept in group if kept.record.runtime]
    return EntryCurve(
        submission=first.submission,
        entry=first.entry,
        control=first.control,
        references=len(group),
        bits=track.rate(group),
        on_id=on_id,
        on_ood=on_ood,
        forward_ratio=float(np.median(ratios)) if ratios else None,
        measures=track.measures(group),
        strata=track.strata(group, floors),
    )
