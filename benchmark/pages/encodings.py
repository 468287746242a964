"""Encodings that all charts share: colour, shape and dash of submissions, and tooltips."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from simplibench.pages.rows import Rows
from simplibench.pages.theme import ChartContext

SHARE = alt.Scale(domain=[0, 1], clamp=True)
FADED = 0.12
Layers = alt.LayerChart | alt.FacetChart


@dataclass(frozen=True)
class Drawing:
    """A chart, and the data that it refers to by name."""

    chart: Mapping[str, Any]  # Vega-Lite
    data: Mapping[str, Rows | str]  # a text is CSV

    def to_dict(self) -> dict[str, Any]:
        """Return the Vega-Lite specification with its data: it can be shown or saved alone."""
        return {**self.chart, "datasets": dict(self.data)}


def as_dict(chart: Layers) -> dict[str, Any]:
    """Return the specification without Altair's theme, since the page has a theme."""
    spec: dict[str, Any] = chart.to_dict()
    return {name: value for name, value in spec.items() if name != "config"}


def placeholder(name: str) -> list[str]:
    """Return a placeholder for a list that differs by arena; `filled` replaces it.

    Altair copies and checks all that a chart holds at every step. So charts are made once, and hold little.
    """
    return [f"<{name}>"]


def filled(template: Any, lists: Mapping[str, Sequence[Any]]) -> Any:
    """Return a specification with its placeholders replaced by the lists."""
    if isinstance(template, dict):
        return {name: filled(value, lists) for name, value in template.items()}
    if isinstance(template, list):
        name = template[0][1:-1] if len(template) == 1 and isinstance(template[0], str) else ""
        if name in lists and template == placeholder(name):
            return list(lists[name])
        return [filled(item, lists) for item in template]
    return template


def csv_data(name: str) -> alt.NamedData:
    """Return a reference to data that are given as CSV."""
    return alt.NamedData(name, format=alt.CsvDataFormat(type="csv"))


def marks(context: ChartContext) -> dict[str, list[Any]]:
    """Return the lists for the placeholders of `colour`, `shape` and `dash`."""
    drawn = [mark for _, mark in context.marks]
    return {
        "names": [name for name, _ in context.marks],
        "tones": [{"expr": f"dark ? '{mark.colour[1]}' : '{mark.colour[0]}'"} for mark in drawn],
        "shapes": [mark.shape for mark in drawn],
        "dashes": [list(mark.dash) for mark in drawn],
    }


def dark() -> alt.Parameter:
    """Return the parameter that the page sets if the reader prefers dark; colours depend on it."""
    return alt.param(name="dark", value=False)


def picked() -> alt.Parameter:
    """Return the selection of submissions that a reader clicked in the legend."""
    return alt.selection_point(name="picked", fields=["submission"], bind="legend")


def shown(by: alt.Parameter, full: float = 1, faded: float = FADED) -> Any:
    """Return an opacity that fades what is not picked."""
    return alt.when(by).then(alt.value(full)).otherwise(alt.value(faded))


def colour() -> alt.Color:
    """Return the colour of a submission, for the theme of the page."""
    return alt.Color(
        "submission:N", title=None, scale=alt.Scale(domain=placeholder("names"), range=placeholder("tones"))
    )


def shape() -> alt.Shape:
    """Return the shape of a submission."""
    return alt.Shape(
        "submission:N", title=None, scale=alt.Scale(domain=placeholder("names"), range=placeholder("shapes"))
    )


def dash() -> alt.StrokeDash:
    """Return the dash of a submission."""
    return alt.StrokeDash(
        "submission:N", title=None, scale=alt.Scale(domain=placeholder("names"), range=placeholder("dashes"))
    )


def entry_tooltip() -> list[alt.Tooltip]:
    """Return a tooltip with a point's entry and submission."""
    return [alt.Tooltip("entry:N"), alt.Tooltip("submission:N")]


def interval_tooltip(title: str) -> list[alt.Tooltip]:
    """Return a tooltip with a value and its interval."""
    return [
        alt.Tooltip("value:Q", title=title, format=".3f"),
        alt.Tooltip("low:Q", title="95 % from", format=".3f"),
        alt.Tooltip("high:Q", title="to", format=".3f"),
    ]
