"""The data of the charts of strata: much of a page, and so as short as it can be. Needs no library."""

from simplibench.board import ArenaCurves, EntryCurve, StratumPoint
from simplibench.pages.rows import as_csv

PER_MILLE = 1_000  # shares travel in whole thousandths: half of a page's data are these
Taken = list[tuple[EntryCurve, int]]  # entries, and at which budgets each is taken: one bit each, the dearest lowest


def taken_entries(arena: ArenaCurves) -> Taken:
    """The entries that are taken, and at which budgets: one bit each, the dearest lowest."""
    found: dict[tuple[str, str], tuple[EntryCurve, int]] = {}
    for n, own in enumerate(arena.taken().values()):
        for entry in own:
            _, before = found.get((entry.submission, entry.entry), (entry, 0))
            found[entry.submission, entry.entry] = (entry, before | 1 << n)
    return list(found.values())


def shares_csv(arena: ArenaCurves, taken: Taken, stratum: str) -> str:
    """Rows as short as they can be: numbers of entry and split, the value, and shares in thousandths."""
    splits = list(arena.splits)
    return as_csv(
        ("n", "s", "value", "f", "l", "h", "a"),
        (
            (number, splits.index(point.split), point.value, *map(_thousandths, _shares(point)))
            for number, (entry, _) in enumerate(taken)
            for point in entry.strata
            if point.stratum == stratum
        ),
    )


def sizes_csv(arena: ArenaCurves, taken: Taken, stratum: str) -> str:
    """How many positions there are by split and value, and how many errors the constant code makes of them."""
    splits = list(arena.splits)
    found = {
        _cell(splits.index(point.split), point.value): (round(point.positions), _tenths(point.floor))
        for entry, _ in taken
        for point in entry.strata
        if point.stratum == stratum
    }
    return as_csv(("cell", "positions", "floor"), ((cell, *sizes) for cell, sizes in found.items()))


def _cell(split: int, value: str) -> str:
    return f"{split}/{value}"


def _shares(point: StratumPoint) -> tuple[float, ...]:
    return point.shown.mean, point.shown.low, point.shown.high, point.agreement.mean


def _tenths(count: float | None) -> float | None:
    return None if count is None else round(count, 1)


def _thousandths(share: float) -> int:
    return round(PER_MILLE * share)
