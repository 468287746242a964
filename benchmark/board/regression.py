"""What a regression is: faithfulness that fell beyond its interval, a rate that rose, a runtime that grew.

Every split has a 95 % interval of its own. A change that is nothing but noise falls beyond one in forty of them; a method
that is repeatable and unchanged never does, for its differences are 0.
"""

import math
from dataclasses import dataclass

from simplibench.errors import UsageError
from simplibench.records import SeedName
from simplibench.scoring.inference import Interval

RUNTIME_FACTOR = 2.0  # between two runs of the same file one ratio in sixty moved by more than half
GONE = "the submission has no such entry any more"
ROUNDING = 1e-3  # of a rate: on other hardware a few rows may get another symbol


@dataclass(frozen=True)
class Limits:
    """What is still no regression."""

    tolerance: float = 0.0  # how far below 0 the whole interval of a difference may lie
    runtime_factor: float = RUNTIME_FACTOR


def require_limits(limits: Limits, names: tuple[str, str] = ("--tolerance", "--runtime-factor")) -> None:
    """Refuse limits that would let everything pass, or nothing; `names` are what the user calls them. Raises UsageError."""
    finite = math.isfinite(limits.tolerance) and math.isfinite(limits.runtime_factor)
    if not finite or limits.tolerance < 0 or limits.runtime_factor < 1:
        raise UsageError(
            f"{names[0]} must be at least 0 and {names[1]} at least 1, both finite, got {limits.tolerance:g} "
            f"and {limits.runtime_factor:g}"
        )


@dataclass(frozen=True)
class Change:
    """One score on one split, then and now, on the sentences (or cases) that both records have."""

    split: str
    measure: str  # faithfulness, equivalence or intervention
    recorded: float
    now: float
    difference: Interval  # now less recorded, over common resamples

    def fell(self, limits: Limits) -> bool:
        """Return whether even the upper end of the interval lies below 0, by more than the tolerance."""
        return self.difference.high < -limits.tolerance


@dataclass(frozen=True)
class Quartiles:
    """Time of the proxy, or of an explanation, over time of the reference."""

    low: float
    median: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """One entry on one reference, then and now. Rates are bits a token, on whole splits."""

    arena: str
    entry: str
    seed: SeedName
    changes: tuple[Change, ...] = ()
    rates: tuple[float, float] | None = None  # recorded, now; explainers have none
    runtimes: tuple[Quartiles, Quartiles] | None = None  # recorded, now; None where they are of different cases
    broken: str = ""  # why there is nothing to compare

    def fallen(self, limits: Limits) -> list[str]:
        """Return the scores that fell beyond their intervals, one text each."""
        return [
            f"{change.measure} on {change.split} fell from {change.recorded:.3f} to {change.now:.3f}, the difference is "
            f"{change.difference.value:.3f} [{change.difference.low:.3f}, {change.difference.high:.3f}]"
            for change in self.changes
            if change.fell(limits)
        ]

    def costlier(self) -> list[str]:
        """Return a text if the rate rose by more than rounding."""
        if self.rates is None or self.rates[1] <= self.rates[0] * (1 + ROUNDING):
            return []
        return [f"the rate rose from {self.rates[0]:.2f} to {self.rates[1]:.2f} bits a token"]

    def slower(self, limits: Limits) -> list[str]:
        """Return a text if the runtime grew beyond the factor, from the recorded upper quartile to the present lower one."""
        if self.runtimes is None:
            return []
        recorded, now = self.runtimes
        if now.low <= limits.runtime_factor * recorded.high:
            return []
        return [
            f"the runtime grew from {recorded.median:.2f} (upper quartile {recorded.high:.2f}) to {now.median:.2f} "
            f"(lower quartile {now.low:.2f}) times the reference's, beyond the factor {limits.runtime_factor:g}"
        ]

    def problems(self, limits: Limits) -> list[str]:
        """Return all that got worse, one text each."""
        if self.broken:
            return [self.broken]
        return [*self.fallen(limits), *self.costlier(), *self.slower(limits)]
