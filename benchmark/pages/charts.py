"""Charts of an arena's scores, each a function of its curves. Data lie inside: a chart can be shown or saved alone."""

from typing import Any

import altair as alt

from benchmark.board import ArenaCurves, EntryCurve
from benchmark.pages.encodings import (
    SHARE,
    Drawing,
    Rows,
    colour,
    dark,
    dash,
    entry_tooltip,
    interval_tooltip,
    names,
    picked,
    rounded,
    shape,
    shown,
)
from benchmark.pages.look import Look

SIDES = {"in distribution (ID)": "on_id", "out of distribution (OOD)": "on_ood"}


def rate_curves(arena: ArenaCurves, look: Look) -> Drawing:
    """Faithfulness against rate, ID and OOD side by side; a line a submission, a point an entry, bands of 95 %."""
    rate = alt.X("bits:Q", title="bits per token", scale=alt.Scale(type="symlog", padding=8), axis=_rate_axis(arena))
    faithfulness = alt.Y("low:Q", scale=SHARE, title="faithfulness", axis=alt.Axis(tickCount=5))
    legend = picked()
    base = alt.Chart().encode(x=rate, color=colour(arena, look))
    between = base.encode(y=faithfulness, y2="high:Q")
    band = between.mark_area().encode(opacity=shown(legend, 0.18, 0.02))
    alone = between.transform_filter("datum.alone").mark_rule(strokeWidth=2).encode(opacity=shown(legend, 0.7))
    line = base.mark_line(strokeWidth=2).encode(y="value:Q", strokeDash=dash(arena, look), opacity=shown(legend))
    points = base.mark_point(filled=True, size=70).encode(
        y="value:Q",
        shape=shape(arena, look),
        opacity=shown(legend),
        tooltip=[
            *entry_tooltip(),
            alt.Tooltip("bits:Q", title="bits per token", format=".1f"),
            *interval_tooltip("faithfulness"),
            alt.Tooltip("references:Q"),
        ],
    )
    nearest = alt.selection_point(
        name="nearest", on="pointerover", nearest=True, fields=["submission", "entry"], empty=False
    )
    layers = alt.layer(band, alone, line, points.add_params(nearest, legend), data=alt.NamedData("sides"))
    side = alt.Facet("side:N", title=None, sort=list(SIDES))
    chart = layers.properties(width=380, height=300).facet(facet=side, columns=2).add_params(dark())
    return Drawing(chart, {"sides": _two_sides(arena)})


def runtime_chart(arena: ArenaCurves, look: Look) -> Drawing:
    """The OOD score of every entry against its time, in forward passes of the reference."""
    rows = [
        {**names(entry), "ratio": rounded(entry.forward_ratio), **_interval(entry, "on_ood")}
        for entry in arena.entries
        if entry.forward_ratio
    ]
    title = "time of the proxy / time of the reference" if arena.track == "codec" else "time / one forward pass"
    score = "OOD faithfulness" if arena.track == "codec" else "OOD score"
    legend = picked()
    time = alt.X(
        "ratio:Q", title=title, scale=alt.Scale(type="log", nice=False, padding=20), axis=alt.Axis(tickCount=6)
    )
    points = alt.Chart(alt.NamedData("runtime")).mark_point(filled=True, size=80)
    points = points.encode(
        x=time,
        y=alt.Y("value:Q", title=score, scale=SHARE, axis=alt.Axis(tickCount=5)),
        color=colour(arena, look),
        shape=shape(arena, look),
        opacity=shown(legend),
        tooltip=[*entry_tooltip(), alt.Tooltip("ratio:Q", title="time ratio", format=".3"), *interval_tooltip(score)],
    )
    as_fast = alt.Chart(alt.NamedData("as-fast")).mark_rule(strokeDash=[4, 4]).encode(x="ratio:Q")
    layers = alt.layer(as_fast, points.add_params(legend))
    chart = layers.properties(width="container", height=300).add_params(dark())
    return Drawing(chart, {"runtime": rows, "as-fast": [{"ratio": 1}]})


def _two_sides(arena: ArenaCurves) -> Rows:
    found: Rows = []
    for entry in arena.entries:
        alone = sum(other.submission == entry.submission for other in arena.entries) == 1
        common = {**names(entry), "bits": rounded(entry.bits), "references": entry.references, "alone": alone}
        found += [{**common, "side": side, **_interval(entry, name)} for side, name in SIDES.items()]
    return found


def _interval(entry: EntryCurve, name: str) -> dict[str, Any]:
    found = getattr(entry, name)
    return {"value": rounded(found.value), "low": rounded(found.low), "high": rounded(found.high)}


def _rate_axis(arena: ArenaCurves) -> alt.Axis:
    """Labels at 0 and powers of four: a rate of 0 has no logarithm, and the scale no labels of its own."""
    dearest = max((entry.bits or 0 for entry in arena.entries), default=1)
    return alt.Axis(values=[0, *(4**power for power in range(12) if 4**power <= dearest)], format="d")
