"""What an entry keeps by split and by stratum, means over the references."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean

Measures = Mapping[str, Mapping[str, float]]  # measure -> split -> mean over the references


@dataclass(frozen=True)
class Spread:
    """The mean over the references, the lowest and the highest of them."""

    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> "Spread":
        """Return the spread of values, one per reference."""
        return cls(fmean(values), min(values), max(values))


@dataclass(frozen=True)
class StratumPoint:
    """What one entry keeps within one stratum of a split."""

    split: str
    stratum: str  # such as depth
    value: str  # such as 10
    positions: float  # mean over the references
    agreement: Spread
    faithfulness: Spread | None  # clipped at 0; None where the arena has no constant code to hold it against
    floor: float | None  # what the constant code gets wrong, in positions, mean: of few, faithfulness says little

    @property
    def shown(self) -> Spread:
        """Return what tables and charts show."""
        return self.faithfulness or self.agreement


def shown_measure(points: Iterable[StratumPoint]) -> str:
    """Return the name of what is shown of some points of one arena."""
    return "faithfulness" if all(point.faithfulness for point in points) else "agreement"
