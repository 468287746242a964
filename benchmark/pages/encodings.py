"""What all charts share: how submissions are coloured, shaped and dashed, and what hovering shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from simplibench.pages.look import Frame
from simplibench.pages.rows import Rows

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


def place(name: str) -> list[str]:
    """Stands for a list that differs from arena to arena until the chart is made.

    Altair copies and checks all that a chart holds at every step; so charts are made once and hold little.
    """
    return [f"<{name}>"]


def filled(template: Any, lists: Mapping[str, Sequence[Any]]) -> Any:
    """A specification with the lists in their places."""
    if isinstance(template, dict):
        return {name: filled(own, lists) for name, own in template.items()}
    if isinstance(template, list):
        name = template[0][1:-1] if len(template) == 1 and isinstance(template[0], str) else ""
        return (
            list(lists[name]) if name in lists and template == place(name) else [filled(own, lists) for own in template]
        )
    return template


def csv_data(name: str) -> alt.NamedData:
    """Data that are given as CSV."""
    return alt.NamedData(name, format=alt.CsvDataFormat(type="csv"))


def marks(frame: Frame) -> dict[str, list[Any]]:
    """The places of `colour`, `shape` and `dash`."""
    drawn = [mark for _, mark in frame.marks]
    return {
        "names": [name for name, _ in frame.marks],
        "tones": [{"expr": f"dark ? '{mark.colour[1]}' : '{mark.colour[0]}'"} for mark in drawn],
        "shapes": [mark.shape for mark in drawn],
        "dashes": [list(mark.dash) for mark in drawn],
    }


def dark() -> alt.Parameter:
    """Set by the page where the reader prefers dark; colours depend on it."""
    return alt.param(name="dark", value=False)


def picked() -> alt.Parameter:
    """The submissions that a reader has clicked in the legend."""
    return alt.selection_point(name="picked", fields=["submission"], bind="legend")


def shown(by: alt.Parameter, full: float = 1, faded: float = FADED) -> Any:
    """Fades what is not picked."""
    return alt.when(by).then(alt.value(full)).otherwise(alt.value(faded))


def colour() -> alt.Color:
    """By submission, for the theme of the page."""
    return alt.Color("submission:N", title=None, scale=alt.Scale(domain=place("names"), range=place("tones")))


def shape() -> alt.Shape:
    """By submission."""
    return alt.Shape("submission:N", title=None, scale=alt.Scale(domain=place("names"), range=place("shapes")))


def dash() -> alt.StrokeDash:
    """By submission."""
    return alt.StrokeDash("submission:N", title=None, scale=alt.Scale(domain=place("names"), range=place("dashes")))


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
