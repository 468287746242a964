"""Records of explainers: distances and rank correlations, the figures that follow from them, and whether a record's do.

Counts may be those of several records at once, [..., row]: then so are the figures, [..., R].
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field, NonNegativeFloat, PositiveInt

from simplibench.arrays import Floats
from simplibench.records import record as base
from simplibench.records.checks import differing, other_splits
from simplibench.records.record import Record, Share
from simplibench.records.table import Numbers, Table
from simplibench.scoring.explanations import UNIT, VERSION, auc, grouped_means, mean_over_groups

PAIR_KINDS = ("same", "broken", "swapped", "retrained")  # of two models: equal function, or how it differs
MASKINGS = ("token", "matched pair", "unmatched pair", "group")
FORMS = ("hidden", "replaced")  # what masking is: the key removed from attention, or a balanced filler in its place
HIDDEN, REPLACED = range(len(FORMS))
SAME = PAIR_KINDS.index("same")
Correlation = Annotated[float, Field(ge=-1, le=1)]


@dataclass(frozen=True)
class BankTable(Table):
    """What all records of an arena and seed share: which pairs and maskings there are. Two tables of separate length."""

    pair_split: Numbers  # [pair and case] index of the split, in the order of the record's table
    pair_kind: Numbers  # index into PAIR_KINDS
    pair: Numbers  # which pair of models
    pair_case: Numbers  # which case of the split both explained
    masked_split: Numbers  # [model, case, masking and form], those whose measured changes are not all the same
    masking: Numbers  # index into MASKINGS
    form: Numbers  # index into FORMS
    masked_model: Numbers  # which model
    masked_case: Numbers  # which case of the split


@dataclass(frozen=True)
class ExplainerCounts(Table):
    """What one record measured, in units of scoring.explanations.UNIT, row by row with its bank."""

    distance: Numbers  # [pair and case] between the two models' explanations
    correlation: Numbers  # [model, case, masking and form] of predicted and measured changes of the margin


class ExplainerSplit(base.SplitResult):
    """How good the explanations of one split's cases are."""

    cases: PositiveInt
    equivalence: Share  # AUC: pairs of different function lie further apart than pairs of equal function
    equivalence_by_kind: dict[str, Share]  # by how the function differs
    intervention: Correlation  # rank correlation, mean over the kinds of masking and the models, keys removed
    intervention_by_masking: dict[str, Correlation]
    replaced: Correlation  # likewise, tokens replaced by balanced filler
    replaced_by_masking: dict[str, Correlation]


class ExplainerRuntime(base.Runtime):
    """How fast the entry was. The ratio holds across machines, the rest does not."""

    case_microseconds: NonNegativeFloat  # a case explained, mean over the bank
    # forward_ratio: the same over the models' forward passes


class ExplainerRecord(Record):
    """One explainer on one bank of models."""

    scoring_version: ClassVar[int] = VERSION
    tables: ClassVar[tuple[type[Table], type[Table]]] = (BankTable, ExplainerCounts)
    tolerance: ClassVar[float] = 0.05  # of an area over few pairs, and of correlations: 0.04 with integrated gradients

    track: Literal["explainer"] = "explainer"
    splits: dict[str, ExplainerSplit]
    runtime: ExplainerRuntime | None

    def problems(self, shared: BankTable, counts: ExplainerCounts) -> Iterator[str]:
        """Yield each figure that does not follow from the tables; see Record."""
        if (len(counts.distance), len(counts.correlation)) != (len(shared.pair), len(shared.masking)):
            yield "its counts do not fit its bank"
            return
        lacking = other_splits(shared.pair_split, self.splits)
        if lacking:
            yield lacking
            return
        for index, (name, split) in enumerate(self.splits.items()):
            yield from differing(name, split, explainer_figures(shared, counts, index))


def cases_of(bank: BankTable, index: int) -> int:
    """Return how many cases split number `index` has."""
    return 1 + int(bank.pair_case[bank.pair_split == index].max())


def equivalence(
    bank: BankTable, counts: ExplainerCounts, index: int, weights: Floats, kind: int | None = None
) -> Floats:
    """Return the AUC of split number `index` under weights [R, case], [..., R]; against negatives of one kind, or of all."""
    here = bank.pair_split == index
    different = bank.pair_kind != SAME if kind is None else bank.pair_kind == kind
    distances = [
        grouped_means(counts.distance[..., rows], bank.pair[rows], bank.pair_case[rows], weights)
        for rows in (here & (bank.pair_kind == SAME), here & different)
    ]
    return auc(*distances)


def by_masking(bank: BankTable, counts: ExplainerCounts, index: int, weights: Floats, form: int) -> dict[str, Floats]:
    """Return the rank correlation by kind of masking, [..., R] each, without kinds that change no margin on any model."""
    here = (bank.masked_split == index) & (bank.form == form)
    by_kind = {}
    for kind, name in enumerate(MASKINGS):
        rows = here & (bank.masking == kind)
        if rows.any():
            means = grouped_means(
                counts.correlation[..., rows], bank.masked_model[rows], bank.masked_case[rows], weights
            )
            by_kind[name] = UNIT * mean_over_groups(means)
    return by_kind


def intervention(bank: BankTable, counts: ExplainerCounts, index: int, weights: Floats, form: int = HIDDEN) -> Floats:
    """Return the mean over the kinds of masking, [..., R]."""
    over_kinds: Floats = np.mean(list(by_masking(bank, counts, index, weights, form).values()), axis=0)
    return over_kinds


def explainer_figures(bank: BankTable, counts: ExplainerCounts, index: int) -> dict[str, object]:
    """Return every figure of split number `index`, under its name in the record."""
    cases = cases_of(bank, index)
    whole = np.ones((1, cases))
    kinds = np.unique(bank.pair_kind[bank.pair_split == index]).tolist()
    return {
        "cases": cases,
        "equivalence": float(equivalence(bank, counts, index, whole)[0]),
        "equivalence_by_kind": {
            PAIR_KINDS[kind]: float(equivalence(bank, counts, index, whole, kind)[0]) for kind in kinds if kind != SAME
        },
        "intervention": float(intervention(bank, counts, index, whole)[0]),
        "intervention_by_masking": _first(by_masking(bank, counts, index, whole, HIDDEN)),
        "replaced": float(intervention(bank, counts, index, whole, REPLACED)[0]),
        "replaced_by_masking": _first(by_masking(bank, counts, index, whole, REPLACED)),
    }


def _first(by_kind: dict[str, Floats]) -> dict[str, float]:
    return {name: float(values[0]) for name, values in by_kind.items()}
