"""One entry's figures by split and by stratum, from its records on several references."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from simplibench.records import CodecRecord, ExplainerRecord, Stratum
from simplibench.scoring.faithfulness import faithfulness

Measures = Mapping[str, Mapping[str, float]]  # measure -> split -> mean over the references


Place = tuple[str, str, str]  # split, stratum such as depth, value such as 10
Floors = Mapping[tuple[str, Place], float]  # by ground: disagreements of the constant code, in positions


@dataclass(frozen=True)
class Spread:
    """The mean over the references, the lowest and the highest of them."""

    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> "Spread":
        """A value a reference."""
        return cls(fmean(values), min(values), max(values))


@dataclass(frozen=True)
class StratumPoint:
    """What one entry keeps within one stratum of a split."""

    split: str
    stratum: str
    value: str
    positions: float  # mean over the references
    agreement: Spread
    faithfulness: Spread | None  # clipped at 0; None where the arena has no constant code to hold it against
    floor: float | None  # what the constant code gets wrong, in positions, mean: of few, faithfulness says little

    @property
    def shown(self) -> Spread:
        """What tables and charts show."""
        return self.faithfulness or self.agreement


def shown_measure(points: Iterable[StratumPoint]) -> str:
    """What is shown of some points of one arena."""
    return "faithfulness" if all(point.faithfulness for point in points) else "agreement"


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


def floors(records: Sequence[CodecRecord]) -> Floors:
    """What the constant code gets wrong; nothing at all unless there is one for the ground of every record.

    It is the control that sends no bit and is worth nothing: its disagreements are those of the ground's floor. Records of
    other sentences, of a run with a limit, have another ground, and cannot be held against it.
    """
    constants = [record for record in records if record.control and record.bits_per_token == 0 and _worthless(record)]
    if {record.ground_sha256 for record in records} - {record.ground_sha256 for record in constants}:
        return {}
    return {
        (record.ground_sha256, (name, stratum, value)): found.positions * (1 - found.agreement)
        for record in constants
        for name, split in record.splits.items()
        for stratum, by_value in split.strata.items()
        for value, found in by_value.items()
    }


def _worthless(record: CodecRecord) -> bool:
    return all(split.faithfulness == 0 for split in record.splits.values())


def strata(records: list[CodecRecord], floors: Floors) -> list[StratumPoint]:
    """Faithfulness and agreement by split, stratum and label, in the order of the records."""
    by_place: dict[Place, list[tuple[str, Stratum]]] = defaultdict(list)
    for record in records:
        for name, split in record.splits.items():
            for stratum, by_value in split.strata.items():
                for value, found in by_value.items():
                    by_place[name, stratum, value].append((record.ground_sha256, found))
    return [_point(place, own, floors) for place, own in by_place.items()]


def _point(place: Place, own: list[tuple[str, Stratum]], floors: Floors) -> StratumPoint:
    known = all((ground, place) in floors for ground, _ in own)
    kept = [
        max(float(faithfulness(found.positions * (1 - found.agreement), floors[ground, place])), 0.0)
        for ground, found in (own if known else [])
    ]
    return StratumPoint(
        *place,
        positions=fmean(found.positions for _, found in own),
        agreement=Spread.of([found.agreement for _, found in own]),
        faithfulness=Spread.of(kept) if known else None,
        floor=fmean(floors[ground, place] for ground, _ in own) if known else None,
    )
