"""What all charts share: how submissions are coloured, shaped and dashed, and what hovering shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import altair as alt

from benchmark.board import ArenaCurves, EntryCurve
from benchmark.pages.look import Look

SHARE = alt.Scale(domain=[0, 1], clamp=True)
FADED = 0.12
ROUNDING = 4  # digits of what is drawn
Rows = list[dict[str, Any]]
Layers = alt.LayerChart | alt.FacetChart


@dataclass(frozen=True)
class Drawing:
    """A chart and its data, which it refers to by name."""

    chart: Layers
    data: Mapping[str, Rows | str]  # a text is CSV

    def to_dict(self) -> dict[str, Any]:
        """The Vega-Lite specification, whole: it can be shown or saved alone."""
        # Altair would copy and validate data at every step, which takes most of a page's time.
        return {**self.chart.to_dict(), "datasets": dict(self.data)}


def rounded(value: float | None) -> float | None:
    """As many digits as can be seen."""
    return None if value is None else round(value, ROUNDING)


def names(entry: EntryCurve) -> dict[str, Any]:
    """Whose a point is."""
    return {"submission": entry.submission, "entry": entry.entry}


def dark() -> alt.Parameter:
    """Set by the page where the reader prefers dark; colours depend on it."""
    return alt.param(name="dark", value=False)


def picked() -> alt.Parameter:
    """The submissions that a reader has clicked in the legend."""
    return alt.selection_point(name="picked", fields=["submission"], bind="legend")


def shown(by: alt.Parameter, full: float = 1, faded: float = FADED) -> Any:
    """Fades what is not picked."""
    return alt.when(by).then(alt.value(full)).otherwise(alt.value(faded))


def colour(arena: ArenaCurves, look: Look) -> alt.Color:
    """By submission, for the theme of the page."""
    marks = look.of_arena(arena)
    tones = [alt.ExprRef(f"dark ? '{mark.colour[1]}' : '{mark.colour[0]}'") for mark in marks.values()]
    return alt.Color("submission:N", title=None, scale=alt.Scale(domain=list(marks), range=tones))


def shape(arena: ArenaCurves, look: Look) -> alt.Shape:
    """By submission."""
    marks = look.of_arena(arena)
    scale = alt.Scale(domain=list(marks), range=[mark.shape for mark in marks.values()])
    return alt.Shape("submission:N", title=None, scale=scale)


def dash(arena: ArenaCurves, look: Look) -> alt.StrokeDash:
    """By submission."""
    marks = look.of_arena(arena)
    scale = alt.Scale(domain=list(marks), range=[mark.dash for mark in marks.values()])
    return alt.StrokeDash("submission:N", title=None, scale=scale)


def entry_tooltip() -> list[alt.Tooltip]:
    """What a point is."""
    return [alt.Tooltip("entry:N"), alt.Tooltip("submission:N")]


def interval_tooltip(title: str) -> list[alt.Tooltip]:
    """A figure with its interval."""
    return [
        alt.Tooltip("value:Q", title=title, format=".3f"),
        alt.Tooltip("low:Q", title="95 % from", format=".3f"),
        alt.Tooltip("high:Q", title="to", format=".3f"),
    ]
