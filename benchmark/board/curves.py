"""What the page draws: every entry's rate, faithfulness, splits, strata and runtime, means over the references."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from simplibench.board.explainers import tally_explainers
from simplibench.board.measures import (
    Floors,
    Measures,
    StratumPoint,
    codec_measures,
    explainer_measures,
    floors,
    strata,
)
from simplibench.board.row import Floats, score_interval
from simplibench.board.rows import ArenaBoard
from simplibench.board.tallies import tally
from simplibench.records import CodecRecord, ExplainerRecord, Stored
from simplibench.scoring.faithfulness import budgets
from simplibench.scoring.inference import Interval

Key = tuple[str, str]  # submission and entry
Sample = tuple[Floats, Floats]  # on ID and OOD splits of one reference, [R] each


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
        """By budget, what each submission is scored on there: its affordable entry of best ID faithfulness.

        By the means over the references; the score chooses reference by reference.
        """
        found: dict[float, list[EntryCurve]] = {}
        for budget in [] if self.ceiling_bits is None else budgets(self.ceiling_bits).tolist():
            best: dict[str, EntryCurve] = {}
            for entry in self.entries:
                before = best.get(entry.submission)
                affordable = entry.bits is not None and entry.bits <= budget
                if affordable and (before is None or entry.on_id.value > before.on_id.value):
                    best[entry.submission] = entry
            found[budget] = list(best.values())
        return found


def curves(stored: Iterable[Stored]) -> list[ArenaCurves]:
    """Every arena's entries, over the trained references on which they succeeded. Records alike in their conditions."""
    by_arena: dict[str, list[Stored]] = defaultdict(list)
    for one in stored:
        if one.record.status == "ok" and one.record.seed != "untrained":
            by_arena[one.record.arena].append(one)
    return [_arena(sorted(by_arena[arena], key=_seed)) for arena in sorted(by_arena)]


def comparable_curves(stored: Iterable[Stored], boards: Iterable[ArenaBoard]) -> list[ArenaCurves]:
    """Of the submissions whose records may be compared: of the current protocol, and complete."""
    scored = {(row.arena, row.submission) for board in boards for row in board.rows if row.status == "ok"}
    return curves(one for one in stored if (one.record.arena, one.record.submission) in scored)


def _seed(one: Stored) -> int:
    return int(one.record.seed)


def _key(one: Stored) -> Key:
    return one.record.submission, one.record.entry


def _arena(group: list[Stored]) -> ArenaCurves:
    first = max((one.record for one in group), key=lambda record: len(record.splits))
    by_entry: dict[Key, list[Stored]] = defaultdict(list)
    for one in group:
        by_entry[_key(one)].append(one)
    samples = _samples(group)
    floor = floors([one.record for one in group if isinstance(one.record, CodecRecord)])
    entries = [_entry(own, samples[key], floor) for key, own in by_entry.items()]
    return ArenaCurves(
        arena=first.arena,
        track=first.track,
        splits={name: split.role for name, split in first.splits.items()},
        ceiling_bits=first.ceiling_bits if isinstance(first, CodecRecord) else None,
        entries=sorted(entries, key=lambda entry: (entry.submission, entry.bits or 0.0, entry.entry)),
    )


def _codec_sample(own: list[Stored]) -> Sample:
    together = tally(own)
    return together.on_id, together.on_ood


def _explainer_sample(own: list[Stored]) -> Sample:
    together = tally_explainers(own)
    return together.score("id", together.intervention), together.score("ood", together.intervention)


SAMPLES: dict[str, Callable[[list[Stored]], Sample]] = {"codec": _codec_sample, "explainer": _explainer_sample}


def _samples(group: list[Stored]) -> dict[Key, list[Sample]]:
    """Every entry's resamples, a reference each; one tally a reference, so that resamples are drawn once."""
    by_ground: dict[tuple[int, str], list[Stored]] = defaultdict(list)
    for one in group:
        by_ground[_seed(one), one.record.ground_sha256].append(one)
    found: dict[Key, list[Sample]] = defaultdict(list)
    for own in by_ground.values():
        on_id, on_ood = SAMPLES[own[0].record.track](own)  # [R, entry], in the order of the records
        for column, one in enumerate(own):
            found[_key(one)].append((on_id[:, column], on_ood[:, column]))
    return found


def _entry(group: list[Stored], samples: list[Sample], floor: Floors) -> EntryCurve:
    first = group[0].record
    on_id, on_ood = (score_interval(side, first.track) for side in zip(*samples, strict=True))
    codecs = [one.record for one in group if isinstance(one.record, CodecRecord)]
    explainers = [one.record for one in group if isinstance(one.record, ExplainerRecord)]
    ratios = [one.record.runtime.forward_ratio for one in group if one.record.runtime]
    return EntryCurve(
        submission=first.submission,
        entry=first.entry,
        control=first.control,
        references=len(group),
        bits=fmean([record.bits_per_token or 0.0 for record in codecs]) if codecs else None,
        on_id=on_id,
        on_ood=on_ood,
        forward_ratio=float(np.median(ratios)) if ratios else None,
        measures=codec_measures(codecs) if codecs else explainer_measures(explainers),
        strata=strata(codecs, floor),
    )
