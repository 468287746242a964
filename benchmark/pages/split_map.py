"""The map of an arena: every entry on every split."""

from collections import Counter
from functools import lru_cache
from typing import Any

import altair as alt

from simplibench.board import TRACKS, ArenaCurves
from simplibench.pages.encodings import Drawing, as_dict, csv_data, dark, entry_tooltip, filled, placeholder
from simplibench.pages.rows import Rows, as_csv, names, rounded

CROWDED = 12  # from this number of columns on, they are narrower


def split_map(arena: ArenaCurves) -> Drawing:
    """Draw measures as entries x splits, or each measure x split if several are shown, with values in the cells."""
    measures = mapped(arena)
    rows_of = row_names(arena)
    entries: Rows = [
        {"n": n, **names(entry), "row": rows_of[entry.submission, entry.entry]} for n, entry in enumerate(arena.entries)
    ]
    columns = [_column(measure, split, measures) for measure in measures for split in arena.splits]
    cells = as_csv(
        ("n", "c", "value"),
        (
            (n, columns.index(_column(measure, split, measures)), rounded(value))
            for n, entry in enumerate(arena.entries)
            for measure in measures
            for split, value in entry.measures.get(measure, {}).items()
        ),
    )
    step = 52 if len(columns) < CROWDED else 46
    return Drawing(filled(_chart(step), {"columns": columns}), {"map": cells, "map-entries": entries})


@lru_cache(maxsize=2)
def _chart(step: int) -> dict[str, Any]:
    base = alt.Chart().encode(
        x=alt.X("column:N", title=None, sort=placeholder("columns"), axis=alt.Axis(orient="top", labelAngle=-40)),
        y=alt.Y("row:N", title=None, sort=None),
        tooltip=[*entry_tooltip(), alt.Tooltip("column:N", title="split"), alt.Tooltip("value:Q", format=".3f")],
    )
    cells = base.mark_rect().encode(
        color=alt.Color("value:Q", scale=alt.Scale(scheme="viridis", domain=[0, 1], clamp=True), legend=None)
    )
    figures = base.mark_text(fontSize=11).encode(
        text=alt.Text("value:Q", format=".2f"),
        color=alt.when("datum.value > 0.6").then(alt.value("#111111")).otherwise(alt.value("#ffffff")),
    )
    source = alt.LookupData(data=alt.NamedData("map-entries"), key="n", fields=["submission", "entry", "row"])
    lookup: dict[str, Any] = {"lookup": "n", "from": source}  # `from` is no name in Python
    column: dict[str, Any] = {"as": "column", "calculate": "columns[datum.c]"}
    chart = alt.layer(cells, figures, data=csv_data("map")).properties(
        width=alt.Step(step),
        height=alt.Step(20),
        transform=[alt.LookupTransform(**lookup), alt.CalculateTransform(**column)],
    )
    return as_dict(chart.add_params(dark(), alt.param(name="columns", value=placeholder("columns"))))


def row_names(arena: ArenaCurves) -> dict[tuple[str, str], str]:
    """Return the name of each (submission, entry): its label, with the submission if two entries have the same label."""
    labels = Counter(entry.entry for entry in arena.entries)
    return {
        (curve.submission, curve.entry): curve.entry
        if labels[curve.entry] == 1
        else f"{curve.submission}: {curve.entry}"
        for curve in arena.entries
    }


def mapped(arena: ArenaCurves) -> list[str]:
    """Return the measures that are drawn, in their order."""
    return TRACKS[arena.track].mapped([entry.measures for entry in arena.entries])


def _column(measure: str, split: str, measures: list[str]) -> str:
    return split if len(measures) == 1 else f"{measure}: {split}"
