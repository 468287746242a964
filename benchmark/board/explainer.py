"""Explainers on the board: the mean of equivalence and intervention on OOD inputs, at the entry best on ID inputs."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import fmean
from typing import ClassVar, cast

import numpy as np

from simplibench.arrays import Floats, Integers
from simplibench.board.explainer_tally import ExplainerTally, not_empty, tally_explainers
from simplibench.board.measures import Measures
from simplibench.board.regression import Change, Quartiles
from simplibench.board.row import CORRELATION, SHARE, Scores
from simplibench.board.table import TextTable
from simplibench.board.track import BoardTrack, Column, Entry, Sample, figure, mean
from simplibench.records import BankTable, ExplainerCounts, ExplainerRecord, Record, Stored
from simplibench.records.explainer import cases_of, equivalence, intervention
from simplibench.scoring.inference import mean_interval
from simplibench.scoring.resampling import sentence_weights

MEASURES = {"equivalence": SHARE, "intervention": CORRELATION}  # and their bounds
PAIR_KEYS = ("pair_split", "pair", "pair_case")  # what tells a bank's rows of each table apart
MASKED_KEYS = ("masked_split", "masking", "form", "masked_model", "masked_case")
Parts = Callable[[ExplainerRecord, str], Mapping[str, float]]  # a record's figures of a split, by kind
DETAILS: dict[str, Parts] = {
    "equivalence (AUC) by how the function differs": lambda record, split: record.splits[split].equivalence_by_kind,
    "intervention (rank correlation) by masking": lambda record, split: record.splits[split].intervention_by_masking,
    "the same, tokens replaced by balanced filler": lambda record, split: record.splits[split].replaced_by_masking,
}


class ExplainerBoard(BoardTrack):
    """The explainer track; see `BoardTrack`. Its other measure replaces masked tokens instead of hiding them."""

    bounds: ClassVar[tuple[float, float]] = (-0.5, 1.0)  # the mean of a share and a correlation
    score_name: ClassVar[str] = "mean of equivalence and intervention"
    other_measure: ClassVar[str] = "replacing masked tokens by balanced filler"
    main_measure: ClassVar[str] = "equivalence"
    map_caption: ClassVar[str] = (
        "Every explainer by measure and split: equivalence (0.5 is chance) and intervention (0 is chance), "
        "each followed by its parts."
    )
    time_title: ClassVar[str] = "time / one forward pass"
    columns: ClassVar[Mapping[str, Column]] = {
        "equivalence OOD": figure("equivalence"),
        "equivalence ID": figure("id_equivalence"),
        "intervention OOD": figure("intervention"),
        "intervention ID": figure("id_intervention"),
        "score by replacing": figure("replaced_score"),
    }

    def scores(self, groups: list[list[Stored]], seeds: list[int]) -> list[Scores]:
        """Return every submission's scores over banks."""
        if not groups:
            return []
        everything = [stored for group in groups for stored in group]
        banks = [tally_explainers([stored for stored in everything if stored.record.seed == seed]) for seed in seeds]
        return [_scores([bank.only(group[0].record.submission) for bank in banks]) for group in groups]

    def figures(self, group: list[Stored]) -> Mapping[str, float | None]:
        """Return nothing, under every name."""
        names = [
            name for measure in MEASURES for name in (f"id_{measure}", measure, f"{measure}_low", f"{measure}_high")
        ]
        return dict.fromkeys(("replaced_score", *names))

    def sample(self, stored: list[Stored]) -> Sample:
        """Return the mean of equivalence and intervention, mean over the splits of a role."""
        together = tally_explainers(stored)
        return together.score("id", together.intervention), together.score("ood", together.intervention)

    def entry_figures(self, stored: list[Stored]) -> dict[str, float | None]:
        """Return both scores on OOD splits, and times."""
        records = _records(stored)
        ood = [split for record in records for split in record.splits.values() if split.role == "ood"]
        runtimes = [record.runtime for record in records if record.runtime]
        return {
            "equivalence": mean([split.equivalence for split in ood]),
            "intervention": mean([split.intervention for split in ood]),
            "us/case": mean([runtime.case_microseconds for runtime in runtimes]),
            "forward": mean([runtime.forward_ratio for runtime in runtimes]),
        }

    def measures(self, stored: list[Stored]) -> Measures:
        """Return both scores by split, by how functions differ and by what is masked."""
        values: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        for record in _records(stored):
            for name, split in record.splits.items():
                values["equivalence"][name].append(split.equivalence)
                values["intervention"][name].append(split.intervention)
                for kind, value in split.equivalence_by_kind.items():
                    values[f"equivalence, {kind}"][name].append(value)
                for masking, value in split.intervention_by_masking.items():
                    values[f"intervention, {masking}"][name].append(value)
        return {
            measure: {name: fmean(column) for name, column in by_split.items()} for measure, by_split in values.items()
        }

    def mapped(self, entries: Sequence[Measures]) -> list[str]:
        """Return all measures, both scores first, each followed by its parts."""
        measures = dict.fromkeys(measure for entry in entries for measure in entry)
        return sorted(measures, key=lambda measure: (measure.split(",")[0], "," in measure))

    def details(self, by_entry: Mapping[Entry, list[Record]]) -> list[TextTable]:
        """Return by split equivalence by kind of pair, and intervention by kind of masking."""
        explained = cast(Mapping[Entry, list[ExplainerRecord]], by_entry)
        tables = []
        for split in next(iter(explained.values()))[0].splits:
            for title, parts in DETAILS.items():
                figures = {entry: [parts(record, split) for record in records] for entry, records in explained.items()}
                kinds = sorted({kind for per_record in figures.values() for part in per_record for kind in part})
                rows = [
                    [label, *(_mean_text([part[kind] for part in per_record if kind in part]) for kind in kinds)]
                    for (_, label), per_record in figures.items()
                ]
                tables.append(TextTable(f"{split}: {title}, mean over references", ("entry", *kinds), rows))
        return tables

    def changes(self, recorded: Stored, now: Stored) -> Iterator[Change]:
        """Yield both scores by split, on the pairs and maskings that both records have."""
        bank, old, new = _common_counts(recorded, now)
        for index, name in enumerate(recorded.record.splits):
            weights = not_empty(sentence_weights(cases_of(bank, index), name))
            for measure, score in (("equivalence", equivalence), ("intervention", intervention)):
                then, after = (score(bank, counts, index, weights) for counts in (old, new))
                difference = mean_interval((after - then)[None])
                yield Change(name, measure, float(then[0]), float(after[0]), difference)

    def runtimes(self, recorded: Record, now: Record) -> tuple[Quartiles, Quartiles] | None:
        """Return both ratios, which depend on the lengths of the cases: None where these differ. A ratio is one number."""
        records = [cast(ExplainerRecord, record) for record in (recorded, now)]
        then, after = ([split.cases for split in record.splits.values()] for record in records)
        if then != after:
            return None
        old, new = (record.runtime.forward_ratio for record in records if record.runtime)
        return Quartiles(old, old, old), Quartiles(new, new, new)


def _records(stored: list[Stored]) -> list[ExplainerRecord]:
    return [cast(ExplainerRecord, kept.record) for kept in stored]


def _scores(tallies: list[ExplainerTally]) -> Scores:
    chosen = [tally.score("id", tally.intervention).argmax(-1) for tally in tallies]  # [R] each; never chosen on OOD

    def picked(values: list[Floats]) -> list[Floats]:
        return [np.take_along_axis(value, best[:, None], 1)[:, 0] for value, best in zip(values, chosen, strict=True)]

    replaced = _point_estimate(picked([tally.score("ood", tally.replaced) for tally in tallies]))
    figures: dict[str, float | None] = {"replaced_score": replaced}
    for name, bounds in MEASURES.items():
        on_id, on_ood = (picked([getattr(tally, name)[role] for tally in tallies]) for role in ("id", "ood"))
        interval = mean_interval(np.stack(on_ood), bounds)
        figures[f"id_{name}"] = _point_estimate(on_id)
        figures |= {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}
    by_seed = {role: picked([tally.score(role, tally.intervention) for tally in tallies]) for role in ("ood", "id")}
    return Scores(by_seed["ood"], by_seed["id"], replaced, figures)


def _point_estimate(by_seed: list[Floats]) -> float:
    """Return the mean of the sample itself, which is the first of each reference's [R]."""
    return float(np.mean([resampled[0] for resampled in by_seed]))


def _mean_text(values: list[float]) -> str:
    return f"{fmean(values):.3f}" if values else ""


def _common_counts(recorded: Stored, now: Stored) -> tuple[BankTable, ExplainerCounts, ExplainerCounts]:
    """Return the rows that both records' banks have, and the counts of each on them."""
    bank, old = recorded.ground(BankTable), recorded.counts(ExplainerCounts)
    new_bank, new = now.ground(BankTable), now.counts(ExplainerCounts)
    pairs, masked = _common(bank, new_bank, PAIR_KEYS), _common(bank, new_bank, MASKED_KEYS)
    common = BankTable(
        **{name: getattr(bank, name)[pairs[0]] for name in ("pair_kind", *PAIR_KEYS)},
        **{name: getattr(bank, name)[masked[0]] for name in MASKED_KEYS},
    )
    old = ExplainerCounts(old.distance[pairs[0]], old.correlation[masked[0]])
    return common, old, ExplainerCounts(new.distance[pairs[1]], new.correlation[masked[1]])


def _common(old: BankTable, new: BankTable, keys: tuple[str, ...]) -> tuple[Integers, Integers]:
    """Return the rows of both tables that are of the same pair or masking and case, in the order of the old one."""
    places = {row: number for number, row in enumerate(_rows(new, keys))}
    both = [(number, places[row]) for number, row in enumerate(_rows(old, keys)) if row in places]
    if not both:
        raise ValueError("the banks have no row in common")
    old_rows, new_rows = np.array(both).T
    return old_rows, new_rows


def _rows(table: BankTable, keys: tuple[str, ...]) -> list[tuple[int, ...]]:
    return list(zip(*(getattr(table, name).tolist() for name in keys), strict=True))
