"""The data of the charts of strata, kept short since they are most of a page. Needs no library."""

from simplibench.board import ArenaCurves, EntryCurve, StratumPoint
from simplibench.pages.rows import as_csv

PER_MILLE = 1_000  # shares are written as whole thousandths: they are half of a page's data
Taken = list[tuple[EntryCurve, int]]  # an entry, and the budgets it is taken at: one bit each, the largest lowest


def taken_entries(arena: ArenaCurves) -> Taken:
    """Return the entries that are taken at any budget, and at which: one bit each, the largest budget lowest."""
    taken: dict[tuple[str, str], tuple[EntryCurve, int]] = {}
    for n, entries in enumerate(arena.taken().values()):
        for entry in entries:
            _, before = taken.get((entry.submission, entry.entry), (entry, 0))
            taken[entry.submission, entry.entry] = (entry, before | 1 << n)
    return list(taken.values())


def shares_csv(arena: ArenaCurves, taken: Taken, stratum: str) -> str:
    """Return short rows as CSV: numbers of entry and split, the stratum's value, and shares in thousandths."""
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
    """Return the number of positions by split and value, and the constant code's errors on them, as CSV."""
    splits = list(arena.splits)
    by_cell = {
        _cell(splits.index(point.split), point.value): (round(point.positions), _tenths(point.floor))
        for entry, _ in taken
        for point in entry.strata
        if point.stratum == stratum
    }
    return as_csv(("cell", "positions", "floor"), ((cell, *sizes) for cell, sizes in by_cell.items()))


def _cell(split: int, value: str) -> str:
    return f"{split}/{value}"


def _shares(point: StratumPoint) -> tuple[float, ...]:
    return point.shown.mean, point.shown.low, point.shown.high, point.agreement.mean


def _tenths(count: float | None) -> float | None:
    return None if count is None else round(count, 1)


def _thousandths(share: float) -> int:
    return round(PER_MILLE * share)
