"""Records of explainers: figures by split, and the distances and rank correlations that they are computed from."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt

from simplibench.records.record import Frozen, Record, Share
from simplibench.records.table import Numbers, Table

PAIR_KINDS = ("same", "broken", "swapped", "retrained")  # of two models: equal function, or how it differs
MASKINGS = ("token", "matched pair", "unmatched pair", "group")
FORMS = ("hidden", "replaced")  # what masking is: the key removed from attention, or a balanced filler in its place
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


class ExplainerSplit(Frozen):
    """How good the explanations of one split's cases are."""

    role: Literal["id", "ood", "control"]
    cases: PositiveInt
    equivalence: Share  # AUC: pairs of different function lie further apart than pairs of equal function
    equivalence_by_kind: dict[str, Share]  # by how the function differs
    intervention: Correlation  # rank correlation, mean over the kinds of masking and the models, keys removed
    intervention_by_masking: dict[str, Correlation]
    replaced: Correlation  # likewise, tokens replaced by balanced filler
    replaced_by_masking: dict[str, Correlation]


class ExplainerRuntime(Frozen):
    """How fast the entry was. The ratio holds across machines, the rest does not."""

    case_microseconds: NonNegativeFloat  # a case explained, mean over the bank
    forward_ratio: NonNegativeFloat  # the same over the models' own forward passes
    peak_memory_bytes: NonNegativeInt  # of the process that ran the submission's code


class ExplainerRecord(Record):
    """One explainer on one bank of models."""

    tables: ClassVar[tuple[type[Table], type[Table]]] = (BankTable, ExplainerCounts)

    track: Literal["explainer"] = "explainer"
    splits: dict[str, ExplainerSplit]
    runtime: ExplainerRuntime | None

    @property
    def measured(self) -> tuple[object, ...]:
        """Splits, runtime, counts."""
        return (self.counts_sha256, self.splits, self.runtime)
