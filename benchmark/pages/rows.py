"""The data of the charts of scores: plain rows, as many digits as can be seen. Needs no library."""

import csv
import io
from collections.abc import Iterable
from typing import Any

from simplibench.board import ArenaCurves, EntryCurve

SIDES = {"in distribution (ID)": "on_id", "out of distribution (OOD)": "on_ood"}
ROUNDING = 4  # digits after the point
Rows = list[dict[str, Any]]


def rounded(value: float | None) -> float | None:
    """What is drawn of a figure."""
    return None if value is None else round(value, ROUNDING)


def names(entry: EntryCurve) -> dict[str, Any]:
    """Whose a point is."""
    return {"submission": entry.submission, "entry": entry.entry}


def as_csv(headers: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    """Rows without the names of their columns in each: much of a page is data."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(headers)
    writer.writerows(rows)
    return text.getvalue().replace("\r\n", "\n")  # only now: the writer quotes what looks like the end of a line


def rows_as_csv(rows: Rows) -> str:
    """The same of rows that have names, each the same ones."""
    return as_csv(tuple(rows[0]), (tuple(row.values()) for row in rows)) if rows else ""


def two_sides(arena: ArenaCurves) -> Rows:
    """Every entry's rate and faithfulness, a row for ID and one for OOD."""
    found: Rows = []
    for entry in arena.entries:
        alone = sum(other.submission == entry.submission for other in arena.entries) == 1
        common = {**names(entry), "bits": rounded(entry.bits), "references": entry.references, "alone": int(alone)}
        found += [{**common, "side": side, **_interval(entry, name)} for side, name in SIDES.items()]
    return found


def timed(arena: ArenaCurves) -> Rows:
    """Every entry's time and OOD score."""
    return [
        {**names(entry), "ratio": rounded(entry.forward_ratio), **_interval(entry, "on_ood")}
        for entry in arena.entries
        if entry.forward_ratio
    ]


def _interval(entry: EntryCurve, name: str) -> dict[str, Any]:
    found = getattr(entry, name)
    return {"value": rounded(found.value), "low": rounded(found.low), "high": rounded(found.high)}
