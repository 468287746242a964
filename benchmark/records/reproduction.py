"""Whether a record made again is the same: figure for figure where it was made alike, else within tolerances.

On one kind of processor and one build of torch the same sums are made in the same order, so every count is equal. On
others float32 rounding differs: a prediction turns where its two likeliest tokens are nearly tied, and an entry that is
fitted by iteration may end at other parameters.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from simplibench.records.record import Environment, Record

ROUNDING = 1e-6  # where made alike, of means over cases: a later commit may sum them in another order, never count them
# Elsewhere, as the tolerance of a record: about twice what moved when the instruction sets of one processor were changed.
RATE_TOLERANCE = 0.05  # of a rate or a state's size, relative: 0.03 with k-means, whose centres end elsewhere
PARTS = ("strata", "agreement_where_", "_by_kind", "_by_masking")  # over few positions or pairs: shown, not held
NUMERIC_PACKAGES = ("torch", "numpy", "scikit-learn")  # another version of which may round otherwise
GIVEN = ("role", "sequences", "positions", "cases", "ceiling_bits")  # the protocol gives them: equal everywhere
RELATIVE = ("bits_per_token", "state_bytes")

Leaf = float | str | None


@dataclass(frozen=True)
class Figure:
    """One figure of a record and of the same made again."""

    name: str
    recorded: Leaf
    again: Leaf
    allowed: float  # difference

    @property
    def equal(self) -> bool:
        """Return whether not a bit differs."""
        return self.recorded == self.again

    @property
    def difference(self) -> float | None:
        """Return how far two numbers differ; None where one is no number."""
        both = (self.recorded, self.again)
        numbers = [value for value in both if isinstance(value, int | float)]
        return abs(numbers[0] - numbers[1]) if len(numbers) == len(both) else None

    @property
    def within(self) -> bool:
        """Return whether it differs by no more than is allowed."""
        return self.equal or (self.difference is not None and self.difference <= self.allowed)


@dataclass(frozen=True)
class Change:
    """What an environment has other than the record's."""

    what: str
    recorded: str
    again: str
    rounds: bool  # floating-point sums may come out otherwise


def changes(recorded: Environment, again: Environment) -> list[Change]:
    """Return how two environments differ, where both are known."""
    facts = ("device", "hardware", "threads", "python", "torch_build", "commit", "clean", "sandbox")
    pairs = [(name, getattr(recorded, name), getattr(again, name)) for name in facts]
    names = sorted(recorded.packages.keys() | again.packages.keys())
    pairs += [(name, recorded.packages.get(name), again.packages.get(name)) for name in names]
    rounding = ("device", "hardware", "threads", "torch_build", *NUMERIC_PACKAGES)
    return [
        Change(name, str(old), str(new), name in rounding)
        for name, old, new in pairs
        if old != new and old is not None and new is not None
    ]


def figures(recorded: Record, again: Record, exact: bool) -> list[Figure]:
    """Return every measured figure of the record beside the new one; `exact`: made alike, so that counts must be equal."""
    if recorded.status != again.status:
        return [Figure("status", recorded.status, again.status, 0)]
    compared = list(_figures(recorded, again))
    if exact:
        compared = [replace(figure, allowed=min(figure.allowed, ROUNDING)) for figure in compared]
        if list(recorded.splits) == list(again.splits):
            compared.append(Figure("ground_sha256", recorded.ground_sha256, again.ground_sha256, 0))
            compared.append(Figure("counts_sha256", recorded.counts_sha256, again.counts_sha256, 0))
    return compared


def runtimes(recorded: Record, again: Record) -> list[tuple[str, float | None, float | None]]:
    """Return how fast it was then and now, by name: shown, never compared."""
    old = recorded.runtime.model_dump() if recorded.runtime else {}
    new = again.runtime.model_dump() if again.runtime else {}
    return [(name, value, new.get(name)) for name, value in old.items()]


def _figures(recorded: Record, again: Record) -> Iterator[Figure]:
    for name in recorded.whole_figures:
        old = getattr(recorded, name)
        yield Figure(name, old, getattr(again, name), _allowed(recorded, name, old))
    for split, result in recorded.splits.items():
        there = again.splits.get(split)
        new = dict(_leaves(there.model_dump())) if there else {}
        for name, old in _leaves(result.model_dump()):
            yield Figure(f"splits.{split}.{name}", old, new.get(name), _allowed(recorded, name, old))


def _leaves(content: dict[str, object], before: str = "") -> Iterator[tuple[str, Leaf]]:
    for name, value in content.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{before}{name}.")
        elif value is None or isinstance(value, int | float | str):
            yield before + name, value


def _allowed(record: Record, name: str, value: Leaf) -> float:
    """Return how far a figure may move elsewhere."""
    last = name.rpartition(".")[2]
    if not isinstance(value, int | float) or last in GIVEN:
        return 0
    if last in RELATIVE:
        return RATE_TOLERANCE * abs(value)
    if any(part in name for part in PARTS):
        return math.inf
    return record.tolerance
