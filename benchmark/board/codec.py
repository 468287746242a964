"""Codecs on the board: OOD faithfulness at the best affordable entry, over budgets; rates, strata, and what got worse."""

from collections.abc import Iterator, Mapping
from statistics import fmean
from typing import ClassVar, cast

import numpy as np

from simplibench.board.codec_strata import Floors, constant_errors, stratum_points
from simplibench.board.codec_tally import SeedTally, tally, tally_each
from simplibench.board.measures import Measures, StratumPoint
from simplibench.board.regression import Change, Quartiles
from simplibench.board.row import SHARE, Row, Scores
from simplibench.board.table import TextTable
from simplibench.board.track import BoardTrack, Column, Entry, Sample, Value, mean
from simplibench.records import CodecRecord, Counts, GroundCounts, Record, Stored
from simplibench.scoring.faithfulness import BUDGET_HALVINGS, budgets, faithfulness
from simplibench.scoring.inference import mean_interval
from simplibench.scoring.resampling import sentence_weights


def bits_text(row: Row) -> str:
    """Return the rates of the cheapest and of the costliest entry, in bits per token."""
    low, high = row.figures.get("bits_low"), row.figures.get("bits_high")
    if low is None or high is None:
        return ""
    return f"{low:.1f}" if f"{low:.1f}" == f"{high:.1f}" else f"{low:.1f} to {high:.1f}"


class CodecBoard(BoardTrack):
    """The codec track; see `BoardTrack`. Its other measure is divergence in place of disagreement."""

    bounds: ClassVar[tuple[float, float]] = SHARE
    score_name: ClassVar[str] = "faithfulness"
    short_score_name: ClassVar[str] = "OOD faithfulness"
    other_measure: ClassVar[str] = "divergence"
    main_measure: ClassVar[str] = "faithfulness"
    map_caption: ClassVar[str] = "Every entry on every split: 1 is the original, 0 no better than a constant."
    time_title: ClassVar[str] = "time of the proxy / time of the reference"
    columns: ClassVar[Mapping[str, Column]] = {
        "entries": lambda row: Value(str(row.entries), row.entries),
        "bits per token": lambda row: Value(bits_text(row), row.figures.get("bits_low")),
    }

    def scores(self, groups: list[list[Stored]], seeds: list[int]) -> list[Scores]:
        """Return every submission's scores."""
        tallies = tally_each([stored for group in groups for stored in group])
        return [_scores(group, [tallies[group[0].record.submission, seed] for seed in seeds]) for group in groups]

    def figures(self, group: list[Stored]) -> Mapping[str, float | None]:
        """Return the rates of the cheapest and of the costliest entry, scored or not."""
        return _rate_range(group)

    def sample(self, stored: list[Stored]) -> Sample:
        """Return faithfulness, mean over the splits of a role."""
        together = tally(stored)
        return together.on_id, together.on_ood

    def entry_figures(self, stored: list[Stored]) -> dict[str, float | None]:
        """Return rate, size of the state, and times."""
        records = _records(stored)
        runtimes = [record.runtime for record in records if record.runtime]
        return {
            "bits/token": mean([record.bits_per_token or 0.0 for record in records]),
            "state bytes": max((float(record.state_bytes or 0) for record in records), default=None),
            "fit s": mean([runtime.fit_seconds for runtime in runtimes]),
            "us/vector": mean([runtime.codec_microseconds for runtime in runtimes]),
            "forward": mean([runtime.forward_ratio for runtime in runtimes]),
        }

    def measures(self, stored: list[Stored]) -> Measures:
        """Return faithfulness, clipped at 0 before the mean as in the score, and agreement."""
        records = _records(stored)
        by_split = {
            name: [record.splits[name] for record in records if name in record.splits] for name in records[0].splits
        }
        return {
            "faithfulness": {
                name: fmean(max(split.faithfulness, 0.0) for split in splits) for name, splits in by_split.items()
            },
            "agreement": {name: fmean(split.agreement for split in splits) for name, splits in by_split.items()},
        }

    def rate(self, stored: list[Stored]) -> float:
        """Return the mean of the references' rates."""
        return fmean(record.bits_per_token or 0.0 for record in _records(stored))

    def ceiling_bits(self, record: Record) -> float:
        """Return identity's rate, as the record has it."""
        return cast(CodecRecord, record).ceiling_bits

    def faithfulness(self, record: Record) -> Mapping[str, float]:
        """Return faithfulness by split, as the record has it."""
        return {name: split.faithfulness for name, split in cast(CodecRecord, record).splits.items()}

    def floors(self, stored: list[Stored]) -> Floors:
        """Return what the constant code gets wrong in every stratum."""
        return constant_errors(_records(stored))

    def strata(self, stored: list[Stored], floors: Floors) -> list[StratumPoint]:
        """Return faithfulness and agreement by split, stratum and label."""
        return stratum_points(_records(stored), floors)

    def details(self, by_entry: Mapping[Entry, list[Record]]) -> list[TextTable]:
        """Return agreement by split."""
        names = list(next(iter(by_entry.values()))[0].splits)
        rows = []
        for (_, label), records in cast(Mapping[Entry, list[CodecRecord]], by_entry).items():
            bits = fmean(record.bits_per_token or 0 for record in records)
            agreement = [fmean(record.splits[name].agreement for record in records) for name in names]
            rows.append([label, f"{bits:.0f}", *(f"{share:.3f}" for share in agreement)])
        halvings = ", / ".join(str(2**halving) for halving in BUDGET_HALVINGS)
        title = f"agreement with the reference by split, mean over references; budgets are identity's rate / {halvings}"
        return [TextTable(title, ("entry", "bits", *names), rows)]

    def changes(self, recorded: Stored, now: Stored) -> Iterator[Change]:
        """Yield faithfulness by split, on the sentences that both records have."""
        old_ground, old = recorded.ground(GroundCounts), recorded.counts(Counts)
        new_ground, new = now.ground(GroundCounts), now.counts(Counts)
        order = list(now.record.splits)
        for index, name in enumerate(recorded.record.splits):
            new_rows = np.flatnonzero(new_ground.split == order.index(name))
            old_rows = np.flatnonzero(old_ground.split == index)[: len(new_rows)]  # a limit takes the first ones
            if not np.array_equal(old_ground.positions[old_rows], new_ground.positions[new_rows]):
                raise ValueError(f"{recorded.path}: {name}: not of the sentences that the task has now")
            columns = (old_ground.floor_disagree[old_rows], old.disagree[old_rows], new.disagree[new_rows])
            totals = sentence_weights(len(old_rows), name) @ np.stack(columns, axis=1).astype(np.float32)  # [R, 3]
            then, after = (faithfulness(totals[:, column], totals[:, 0]) for column in (1, 2))
            difference = mean_interval((after - then)[None])
            yield Change(name, "faithfulness", float(then[0]), float(after[0]), difference)

    def rates(self, recorded: Record, now: Record) -> tuple[float, float]:
        """Return both rates, on whole splits."""
        then, again = cast(CodecRecord, recorded), cast(CodecRecord, now)
        return then.bits_per_token or 0.0, again.bits_per_token or 0.0

    def runtimes(self, recorded: Record, now: Record) -> tuple[Quartiles, Quartiles]:
        """Return the quartiles of both ratios."""
        return _quartiles(cast(CodecRecord, recorded)), _quartiles(cast(CodecRecord, now))


def _records(stored: list[Stored]) -> list[CodecRecord]:
    return [cast(CodecRecord, kept.record) for kept in stored]


def _quartiles(record: CodecRecord) -> Quartiles:
    runtime = record.runtime
    assert runtime is not None  # for the type checker: a successful record has one
    return Quartiles(runtime.forward_ratio_low, runtime.forward_ratio, runtime.forward_ratio_high)


def _rate_range(group: list[Stored]) -> dict[str, float | None]:
    rates = [record.bits_per_token for record in _records(group) if record.bits_per_token is not None]
    return {"bits_low": min(rates, default=None), "bits_high": max(rates, default=None)}


def _scores(group: list[Stored], tallies: list[SeedTally]) -> Scores:
    per_seed = [seed_tally.scores() for seed_tally in tallies]
    rates = _rate_range(group)
    divergence = float(np.mean([seed_tally.divergence_score() for seed_tally in tallies]))
    unscored = ""
    if group[0].record.control and (rates["bits_low"] or 0) > max(budgets(tallies[0].ceiling_bits)):
        best = max(float(np.mean([seed_tally.on_ood[0].max() for seed_tally in tallies])), 0.0)
        unscored = f"ceiling: OOD faithfulness {best:.3f}, dearer than every budget"
    return Scores(
        ood_by_seed=[on_ood for _, on_ood in per_seed],
        id_by_seed=[on_id for on_id, _ in per_seed],
        other=divergence,
        figures={"divergence_score": None if unscored else divergence, **rates},
        unscored=unscored,
    )
