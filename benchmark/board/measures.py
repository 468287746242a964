"""One entry's figures by split and by stratum, from its records on several references."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean

from benchmark.records import CodecRecord, ExplainerRecord

Measures = Mapping[str, Mapping[str, float]]  # measure -> split -> mean over the references


@dataclass(frozen=True)
class StratumPoint:
    """Agreement within one stratum of a split: the mean over the references, the lowest and the highest of them."""

    split: str
    stratum: str  # such as depth
    value: str  # such as 10
    positions: float  # mean over the references
    agreement: float
    low: float
    high: float


def codec_measures(records: list[CodecRecord]) -> Measures:
    """Faithfulness, clipped at 0 before the mean as in the score, and agreement."""
    found: dict[str, dict[str, float]] = {"faithfulness": {}, "agreement": {}}
    for name in records[0].splits:
        own = [record.splits[name] for record in records if name in record.splits]
        found["faithfulness"][name] = fmean(max(split.faithfulness, 0.0) for split in own)
        found["agreement"][name] = fmean(split.agreement for split in own)
    return found


def explainer_measures(records: list[ExplainerRecord]) -> Measures:
    """Both scores by split, by how functions differ and by what is masked."""
    values: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        for name, split in record.splits.items():
            values["equivalence"][name].append(split.equivalence)
            values["intervention"][name].append(split.intervention)
            for kind, value in split.equivalence_by_kind.items():
                values[f"equivalence, {kind}"][name].append(value)
            for masking, value in split.intervention_by_masking.items():
                values[f"intervention, {masking}"][name].append(value)
    return {measure: {name: fmean(own) for name, own in by_split.items()} for measure, by_split in values.items()}


def strata(records: list[CodecRecord]) -> list[StratumPoint]:
    """Agreement by split, stratum and label, in the order of the records."""
    agreements: dict[tuple[str, str, str], list[tuple[int, float]]] = defaultdict(list)
    for record in records:
        for name, split in record.splits.items():
            for stratum, by_value in split.strata.items():
                for value, found in by_value.items():
                    agreements[name, stratum, value].append((found.positions, found.agreement))
    return [StratumPoint(*place, *_spread(own)) for place, own in agreements.items()]


def _spread(own: list[tuple[int, float]]) -> tuple[float, float, float, float]:
    """Mean positions, then mean, lowest and highest agreement."""
    values = [value for _, value in own]
    return fmean(positions for positions, _ in own), fmean(values), min(values), max(values)
