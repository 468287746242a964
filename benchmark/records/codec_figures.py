"""The figures of a codec's record, computed from its counts alone: when it is made, and whenever it is checked."""

from simplibench.records.codecs import Counts, GroundCounts
from simplibench.scoring.faithfulness import faithfulness
from simplibench.scoring.quantised import total_bits


def split_figures(ground: GroundCounts, counts: Counts, index: int) -> dict[str, float | int | None]:
    """Every figure of split number `index` that counts determine, under its name in the record."""
    rows = ground.rows(index)
    positions = ground.positions[rows]
    cases, wrong = int(positions.sum()), int(ground.reference_wrong[rows].sum())
    disagree, disagree_where_wrong = int(counts.disagree[rows].sum()), int(counts.disagree_where_wrong[rows].sum())
    divergence = total_bits(counts.divergence[rows], positions)
    floor_divergence = total_bits(ground.floor_divergence[rows], positions)
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
