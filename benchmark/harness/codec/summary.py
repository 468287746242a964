"""Counts per sentence from the outcomes of cases, and the figures of a record from counts."""

import numpy as np
import numpy.typing as npt

from simplibench.arrays import Bools, Floats, Integers
from simplibench.harness.codec.context import ReferenceRun, SplitContext
from simplibench.harness.codec.proxy import ProxyOutcome
from simplibench.records import Counts, GroundCounts, SplitResult, Stratum, split_figures
from simplibench.scoring.quantised import quantise


def reference_counts(run: ReferenceRun) -> GroundCounts:
    """Return the table that all records of the arena and reference share, splits in the task's order."""
    columns: dict[str, list[Integers]] = {name: [] for name in GroundCounts.__dataclass_fields__}
    for index, part in enumerate(run.splits.values()):
        columns["split"].append(np.full(len(part.split.sequences), index, dtype=np.uint8))
        columns["positions"].append(_count(part, np.ones(len(part.split.cases), dtype=bool)))
        columns["reference_wrong"].append(_count(part, ~part.reference_right))
        columns["floor_disagree"].append(_count(part, ~part.floor.agree))
        columns["floor_divergence"].append(_divergence(part, part.floor))
    return GroundCounts(**{name: np.concatenate(parts) for name, parts in columns.items()})


def counts(run: ReferenceRun, outcomes: dict[str, ProxyOutcome]) -> Counts:
    """Return the table of one record; its rows are those of `reference_counts(run)`."""
    columns: dict[str, list[Integers]] = {name: [] for name in Counts.__dataclass_fields__}
    for name, part in run.splits.items():
        outcome = outcomes[name]
        columns["disagree"].append(_count(part, ~outcome.agree))
        columns["disagree_where_wrong"].append(_count(part, ~outcome.agree & ~part.reference_right))
        columns["proxy_wrong"].append(_count(part, ~outcome.right))
        columns["divergence"].append(_divergence(part, outcome))
    return Counts(**{name: np.concatenate(parts) for name, parts in columns.items()})


def split_result(
    run: ReferenceRun, tables: tuple[GroundCounts, Counts], name: str, outcome: ProxyOutcome, bits_per_token: float
) -> SplitResult:
    """Return the figures of one split: from the counts if they determine them, the rest from the cases.

    Raises: ValueError for the fit split.
    """
    part = run.splits[name]
    if part.split.role == "fit":
        raise ValueError("the fit split is never scored")
    figures = split_figures(*tables, list(run.splits).index(name))
    return SplitResult.model_validate(
        {
            **figures,
            "role": part.split.role,
            "pattern_divergence_bits": _mean(outcome.pattern_divergence_bits),
            "pattern_agreement": _mean(outcome.pattern_agree),
            "bits_per_token": bits_per_token,
            "strata": {name: _strata(labels, outcome) for name, labels in part.split.cases.strata.items()},
        }
    )


def _count(part: SplitContext, which: Bools) -> npt.NDArray[np.uint16]:
    """Return the number of cases in `which` [case] per sentence, [sentence]."""
    per_sentence = np.bincount(part.split.cases.sequence[which], minlength=len(part.split.sequences))
    return per_sentence.astype(np.uint16)


def _divergence(part: SplitContext, outcome: ProxyOutcome) -> npt.NDArray[np.uint8]:
    """Return the mean divergence per sentence as it is stored, [sentence]."""
    sentences = part.split.cases.sequence
    total = np.bincount(sentences, outcome.divergence_bits, minlength=len(part.split.sequences))
    return quantise(total / np.maximum(np.bincount(sentences, minlength=len(part.split.sequences)), 1))


def _mean(values: Floats | None) -> float | None:
    return None if values is None else float(values.mean())


def _strata(labels: Integers, outcome: ProxyOutcome) -> dict[str, Stratum]:
    strata = {}
    for label in np.unique(labels):
        agree = outcome.agree[labels == label]
        strata[str(label)] = Stratum(positions=len(agree), agreement=agree.mean())
    return strata
