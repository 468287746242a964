"""What all charts share: how submissions are coloured, shaped and dashed, and what hovering shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import altair as alt

from benchmark.pages.look import Frame
from benchmark.pages.rows import Rows

SHARE = alt.Scale(domain=[0, 1], clamp=True)
FADED = 0.12
Layers = alt.LayerChart | alt.FacetChart


@dataclass(frozen=True)
class Drawing:
    """A chart and its data, which it refers to by name."""

    chart: Mapping[str, Any]  # Vega-Lite
    data: Mapping[str, Rows | str]  # a text is CSV

    def to_dict(self) -> dict[str, Any]:
        """The Vega-Lite specification, whole: it can be shown or saved alone."""
        return {**self.chart, "datasets": dict(self.data)}


def as_dict(chart: Layers) -> dict[str, Any]:
    """The specification without Altair's theme: the page has its own."""
    spec: dict[str, Any] = chart.to_dict()
    return {name: value for name, value in spec.items() if name != "config"}


def dark() -> alt.Parameter:
    """Set by the page where the reader prefers dark; colours depend on it."""
    return alt.param(name="dark", value=False)


def picked() -> alt.Parameter:
    """The submissions that a reader has clicked in the legend."""
    return alt.selection_point(name="picked", fields=["submission"], bind="legend")


def shown(by: alt.Parameter, full: float = 1, faded: float = FADED) -> Any:
    """Fades what is not picked."""
    return alt.when(by).then(alt.value(full)).otherwise(alt.value(faded))


def colour(frame: Frame) -> alt.Color:
    """By submission, for the theme of the page."""
    tones = [alt.ExprRef(f"dark ? '{mark.colour[1]}' : '{mark.colour[0]}'") for _, mark in frame.marks]
    return alt.Color("submission:N", title=None, scale=alt.Scale(domain=_names(frame), range=tones))


def _names(frame: Frame) -> list[str]:
    return [name for name, _ in frame.marks]


def shape(frame: Frame) -> alt.Shape:
    """By submission."""
    scale = alt.Scale(domain=_names(frame), range=[mark.shape for _, mark in frame.marks])
    return alt.Shape("submission:N", title=None, scale=scale)


def dash(frame: Frame) -> alt.StrokeDash:
    """By submission."""
    scale = alt.Scale(domain=_names(frame), range=[list(mark.dash) for _, mark in frame.marks])
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
