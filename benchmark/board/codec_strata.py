"""What codecs keep by stratum, held against the constant code of the same sentences."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean

from simplibench.board.measures import Spread, StratumPoint
from simplibench.records import CodecRecord, Stratum
from simplibench.scoring.faithfulness import faithfulness

StratumKey = tuple[str, str, str]  # split, stratum such as depth, value such as 10
Floors = Mapping[tuple[str, StratumKey], float]  # by ground: disagreements of the constant code, in positions


def constant_errors(records: Sequence[CodecRecord]) -> Floors:
    """Return what the constant code gets wrong; nothing at all unless there is one for the ground of every record.

    It is the control that sends no bit and is worth nothing: its disagreements are those of the ground's floor. Records of
    other sentences, of a run with a limit, have another ground, and cannot be held against it.
    """
    constants = [record for record in records if record.control and record.bits_per_token == 0 and _worthless(record)]
    if {record.ground_sha256 for record in records} - {record.ground_sha256 for record in constants}:
        return {}
    return {
        (record.ground_sha256, (name, stratum, value)): label.positions * (1 - label.agreement)
        for record in constants
        for name, split in record.splits.items()
        for stratum, labels in split.strata.items()
        for value, label in labels.items()
    }


def _worthless(record: CodecRecord) -> bool:
    return all(split.faithfulness == 0 for split in record.splits.values())


def stratum_points(records: Sequence[CodecRecord], floors: Floors) -> list[StratumPoint]:
    """Return faithfulness and agreement by split, stratum and label, in the order of the records."""
    by_key: dict[StratumKey, list[tuple[str, Stratum]]] = defaultdict(list)
    for record in records:
        for name, split in record.splits.items():
            for stratum, labels in split.strata.items():
                for value, label in labels.items():
                    by_key[name, stratum, value].append((record.ground_sha256, label))
    return [_point(key, labels, floors) for key, labels in by_key.items()]


def _point(key: StratumKey, labels: list[tuple[str, Stratum]], floors: Floors) -> StratumPoint:
    known = all((ground, key) in floors for ground, _ in labels)
    kept = [
        max(float(faithfulness(label.positions * (1 - label.agreement), floors[ground, key])), 0.0)
        for ground, label in (labels if known else [])
    ]
    return StratumPoint(
        *key,
        positions=fmean(label.positions for _, label in labels),
        agreement=Spread.of([label.agreement for _, label in labels]),
        faithfulness=Spread.of(kept) if known else None,
        floor=fmean(floors[ground, key] for ground, _ in labels) if known else None,
    )
