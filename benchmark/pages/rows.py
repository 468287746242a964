"""The data of the charts of scores: plain rows, with as many digits as can be seen. Needs no library."""

import csv
import io
from collections.abc import Iterable
from typing import Any

from simplibench.board import ArenaCurves, EntryCurve

SIDES = {"in distribution (ID)": "on_id", "out of distribution (OOD)": "on_ood"}
ROUNDING = 4  # digits after the point
Rows = list[dict[str, Any]]


def rounded(value: float | None) -> float | None:
    """Return a value with the digits that are drawn."""
    return None if value is None else round(value, ROUNDING)


def names(entry: EntryCurve) -> dict[str, Any]:
    """Return the columns that name a point's submission and entry."""
    return {"submission": entry.submission, "entry": entry.entry}


def as_csv(headers: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    """Return rows as CSV, which names columns once: most of a page is data."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(headers)
    writer.writerows(rows)
    return text.getvalue().replace(
        "\r\n", "\n"
    )  # after writing, since the writer quotes cells with the end of a line in them


def rows_as_csv(rows: Rows) -> str:
    """Return rows that all have the same names as CSV."""
    return as_csv(tuple(rows[0]), (tuple(row.values()) for row in rows)) if rows else ""


def two_sides(arena: ArenaCurves) -> Rows:
    """Return every entry's rate and faithfulness, one row for ID and one for OOD."""
    rows: Rows = []
    for entry in arena.entries:
        alone = sum(other.submission == entry.submission for other in arena.entries) == 1
        common = {**names(entry), "bits": rounded(entry.bits), "references": entry.references, "alone": int(alone)}
        rows += [{**common, "side": side, **_interval(entry, name)} for side, name in SIDES.items()]
    return rows


def timed(arena: ArenaCurves) -> Rows:
    """Return every entry's time ratio and OOD score, if it has a time."""
    return [
        {**names(entry), "ratio": rounded(entry.forward_ratio), **_interval(entry, "on_ood")}
        for entry in arena.entries
        if entry.forward_ratio
    ]


def _interval(entry: EntryCurve, name: str) -> dict[str, Any]:
    interval = getattr(entry, name)
    return {"value": rounded(interval.value), "low": rounded(interval.low), "high": rounded(interval.high)}
