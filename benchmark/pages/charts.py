"""Charts of an arena's scores, each a function of its curves. A chart holds its data: it can be shown or saved alone."""

from functools import lru_cache
from typing import Any

import altair as alt

from simplibench.board import TRACKS, ArenaCurves
from simplibench.pages.encodings import (
    SHARE,
    Drawing,
    as_dict,
    colour,
    csv_data,
    dark,
    dash,
    entry_tooltip,
    filled,
    interval_tooltip,
    marks,
    picked,
    placeholder,
    shape,
    shown,
)
from simplibench.pages.rows import SIDES, rows_as_csv, timed, two_sides
from simplibench.pages.theme import Theme


def rate_curves(arena: ArenaCurves, theme: Theme) -> Drawing:
    """Draw faithfulness against rate, ID and OOD side by side: one line per submission, one point per entry, 95 % bands."""
    context = theme.context(arena)
    ends = [-0.25, 1.3 * context.max_rate]  # so that points at the ends are drawn whole
    chart = filled(_rate_chart(), {**marks(context), "rates": context.rates, "ends": ends})
    return Drawing(chart, {"sides": rows_as_csv(two_sides(arena))})


@lru_cache(maxsize=1)
def _rate_chart() -> dict[str, Any]:
    axis = alt.Axis(values=placeholder("rates"), format="d")
    scale = alt.Scale(type="symlog", domain=placeholder("ends"), nice=False)
    rate = alt.X("bits:Q", title="bits per token", scale=scale, axis=axis)
    faithfulness = alt.Y("low:Q", scale=SHARE, title="faithfulness", axis=alt.Axis(tickCount=5))
    legend = picked()
    base = alt.Chart().encode(x=rate, color=colour())
    between = base.encode(y=faithfulness, y2="high:Q")
    band = between.mark_area().encode(opacity=shown(legend, 0.18, 0.02))
    alone = between.transform_filter("datum.alone == 1").mark_rule(strokeWidth=2).encode(opacity=shown(legend, 0.7))
    line = base.mark_line(strokeWidth=2).encode(y="value:Q", strokeDash=dash(), opacity=shown(legend))
    points = base.mark_point(filled=True, size=80).encode(
        y="value:Q",
        shape=shape(),
        opacity=shown(legend),
        tooltip=[
            *entry_tooltip(),
            alt.Tooltip("bits:Q", title="bits per token", format=".1f"),
            *interval_tooltip("faithfulness"),
            alt.Tooltip("references:Q"),
        ],
    )
    layers = alt.layer(band, alone, line, points.add_params(legend), data=csv_data("sides"))
    side = alt.Facet("side:N", title=None, sort=list(SIDES))
    return as_dict(layers.properties(width=380, height=300).facet(facet=side, columns=2).add_params(dark()))


def runtime_chart(arena: ArenaCurves, theme: Theme) -> Drawing:
    """Draw the OOD score of every entry against its time, in forward passes of the reference."""
    chart = filled(_runtime_chart(arena.track), marks(theme.context(arena)))
    return Drawing(chart, {"runtime": rows_as_csv(timed(arena)), "as-fast": [{"ratio": 1}]})


@lru_cache(maxsize=4)
def _runtime_chart(track: str) -> dict[str, Any]:
    title, score = TRACKS[track].time_title, TRACKS[track].short_score_name
    legend = picked()
    time = alt.X(
        "ratio:Q", title=title, scale=alt.Scale(type="log", nice=False, padding=20), axis=alt.Axis(tickCount=6)
    )
    points = alt.Chart(csv_data("runtime")).mark_point(filled=True, size=80)
    points = points.encode(
        x=time,
        y=alt.Y("value:Q", title=score, scale=SHARE, axis=alt.Axis(tickCount=5)),
        color=colour(),
        shape=shape(),
        opacity=shown(legend),
        tooltip=[*entry_tooltip(), alt.Tooltip("ratio:Q", title="time ratio", format=".3"), *interval_tooltip(score)],
    )
    as_fast = alt.Chart(alt.NamedData("as-fast")).mark_rule(strokeDash=[4, 4]).encode(x="ratio:Q")
    layers = alt.layer(as_fast, points.add_params(legend))
    return as_dict(layers.properties(width="container", height=300).add_params(dark()))
