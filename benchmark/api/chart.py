"""The chart of a run: faithfulness in and out of distribution against rate, one panel per arena."""

from typing import Any

import altair as alt

from simplibench.board import EntryRow, entry_rows
from simplibench.errors import UsageError
from simplibench.records import Stored

SIDES = {"in distribution": "on_id", "out of distribution": "on_ood"}
RATE = "bits/token"  # among an entry's figures, where its track has a rate
WIDTH, HEIGHT = 320, 240  # of a panel, in pixels
TICKS = [0, *(4**power for power in range(8))]  # bits per token; the constant costs none


def chart(stored: list[Stored]) -> alt.FacetChart:
    """Return a chart with one point per entry, its interval, and one line per submission, dashed out of distribution.

    Raises: UsageError if no codec was scored.
    """
    points = [point for row in entry_rows(stored) if RATE in row.figures for point in _points(row)]
    if not points:
        raise UsageError(
            "nothing to plot: no codec was scored; explainers have no rate, to_markdown() has their figures"
        )
    rate = alt.X("rate:Q").scale(type="symlog").axis(values=TICKS).title("bits per token")
    base = alt.Chart().encode(x=rate, color="submission:N", strokeDash=alt.StrokeDash("data:N", legend=None))
    value = alt.Y("faithfulness:Q").title("faithfulness")
    line = base.mark_line().encode(y=value)
    band = base.mark_rule(opacity=0.5).encode(y=alt.Y("low:Q"), y2="high:Q", strokeDash=alt.value([1, 0]))
    dots = base.mark_point(filled=True, size=50).encode(
        y=value,
        shape=alt.Shape("data:N").title("faithfulness"),
        tooltip=["entry:N", "data:N", "rate:Q", "faithfulness:Q", "low:Q", "high:Q"],
    )
    panel = alt.layer(line, band, dots).properties(width=WIDTH, height=HEIGHT)
    return panel.facet(facet=alt.Facet("arena:N"), columns=2, data=alt.InlineData(values=points))


def _points(row: EntryRow) -> list[dict[str, Any]]:
    points = []
    for side, name in SIDES.items():
        interval = getattr(row, name)
        if interval is not None:
            points.append(
                {
                    "arena": row.arena,
                    "submission": row.submission,
                    "entry": row.entry,
                    "data": side,
                    "rate": row.figures[RATE],
                    "faithfulness": interval.value,
                    "low": interval.low,
                    "high": interval.high,
                }
            )
    return points
