"""The figures of a record, computed from its counts alone: at the time it is made, and whenever it is checked."""

from dataclasses import fields

from benchmark.errors import DamagedFile
from benchmark.records.counts import Counts, GroundCounts
from benchmark.records.store import Stored
from benchmark.scoring.faithfulness import faithfulness
from benchmark.scoring.quantised import restore


def split_figures(ground: GroundCounts, counts: Counts, index: int) -> dict[str, float | int | None]:
    """Every figure of split number `index` that counts determine, under its name in the record."""
    rows = ground.split == index
    positions = ground.positions[rows]
    cases, wrong = int(positions.sum()), int(ground.reference_wrong[rows].sum())
    disagree, disagree_where_wrong = int(counts.disagree[rows].sum()), int(counts.disagree_where_wrong[rows].sum())
    divergence = float((restore(counts.divergence[rows]) * positions).sum())
    floor_divergence = float((restore(ground.floor_divergence[rows]) * positions).sum())
    return {
        "sequences": len(positions),
        "positions": cases,
        "agreement": 1 - disagree / cases,
        "faithfulness": _faithfulness(disagree, int(ground.floor_disagree[rows].sum())),
        "divergence_bits": divergence / cases,
        "divergence_faithfulness": _faithfulness(divergence, floor_divergence),
        "reference_accuracy": 1 - wrong / cases,
        "proxy_accuracy": 1 - int(counts.proxy_wrong[rows].sum()) / cases,
        "agreement_where_right": _agreement(disagree - disagree_where_wrong, cases - wrong),
        "agreement_where_wrong": _agreement(disagree_where_wrong, wrong),
    }


def _faithfulness(disagreement: float, floor: float) -> float:
    return float(faithfulness(disagreement, floor))


def _agreement(disagree: int, cases: int) -> float | None:
    return 1 - disagree / cases if cases else None


def verify(stored: Stored) -> None:
    """Recompute what the counts determine. Raises DamagedFile that names the first figure that differs."""
    record = stored.record
    if record.status == "failed":
        return
    ground, counts = stored.ground(), stored.counts()
    for field in fields(counts):
        if len(getattr(counts, field.name)) != len(ground.split):
            raise DamagedFile(
                f"{stored.path}: its counts and its ground have different numbers of sentences; run it again"
            )
    for index, (name, split) in enumerate(record.splits.items()):
        for figure, value in split_figures(ground, counts, index).items():
            if getattr(split, figure) != value:
                raise DamagedFile(
                    f"{stored.path}: splits.{name}.{figure}: its counts give {value}, the record says "
                    f"{getattr(split, figure)}; run it again"
                )
        _verify_strata(stored, name, int(ground.positions[ground.split == index].sum()))
    dearest = max(split.bits_per_token for split in record.splits.values())
    if record.bits_per_token != dearest:
        raise DamagedFile(
            f"{stored.path}: bits_per_token must be the dearest split's, {dearest}, got {record.bits_per_token}"
        )


def _verify_strata(stored: Stored, split: str, cases: int) -> None:
    for name, strata in stored.record.splits[split].strata.items():
        total = sum(stratum.positions for stratum in strata.values())
        if total != cases:
            raise DamagedFile(
                f"{stored.path}: splits.{split}.strata.{name}: expected {cases} positions in all, got {total}"
            )
