"""Charts of faithfulness by stratum, which show where in a split an entry departs from the reference."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import altair as alt

from simplibench.board import ArenaCurves, shown_measure
from simplibench.pages.encodings import (
    SHARE,
    Drawing,
    Layers,
    as_dict,
    colour,
    csv_data,
    dark,
    dash,
    entry_tooltip,
    filled,
    marks,
    picked,
    placeholder,
    shape,
    shown,
)
from simplibench.pages.rows import Rows, names
from simplibench.pages.strata_rows import PER_MILLE, shares_csv, sizes_csv, taken_entries
from simplibench.pages.theme import ChartContext, Theme

Labels = Mapping[str, Mapping[str, str]]  # stratum -> value -> its name for readers
FIRST_SHOWN = 2  # the first budget shown: identity's rate halved so many times
LINEAR = 25  # a stratum whose values span a larger ratio, such as distance, has a logarithmic axis


def strata_of(arena: ArenaCurves) -> list[str]:
    """Return the names of the arena's strata, such as depth."""
    return sorted({point.stratum for entry in arena.entries for point in entry.strata})


def strata_chart(arena: ArenaCurves, stratum: str, theme: Theme, labels: Labels) -> Drawing:
    """Draw faithfulness by one stratum, one panel per split, of the entries that the score takes at a chosen budget.

    A stratum of numbers is drawn as lines; one whose values have labels, or are no numbers, as rows of points.
    """
    values = {point.value for entry in arena.entries for point in entry.strata if point.stratum == stratum}
    named = labels.get(stratum) or {value: value for value in sorted(values) if not value.isdecimal()}
    numbers = () if named else tuple(sorted(map(int, values)))
    taken = taken_entries(arena)
    rows: Rows = [{"n": n, **names(entry), "taken": budgets} for n, (entry, budgets) in enumerate(taken)]
    data: dict[str, Rows | str] = {
        f"strata-{stratum}": shares_csv(arena, taken, stratum),
        f"sizes-{stratum}": sizes_csv(arena, taken, stratum),
        "taken": rows,
    }
    context = theme.context(arena)
    lists = {**marks(context), "splits": context.splits, **_budgets(context)}
    return Drawing(filled(_chart(stratum, tuple(named.items()), numbers, _measure(arena)), lists), data)


def caption(arena: ArenaCurves, stratum: str) -> str:
    """Return the caption of the chart."""
    return f"{_measure(arena).capitalize()} by {stratum}, of each submission's best entry at the budget chosen here."


def _measure(arena: ArenaCurves) -> str:
    return shown_measure(point for entry in arena.entries for point in entry.strata)


@lru_cache(maxsize=64)
def _chart(stratum: str, named: tuple[tuple[str, str], ...], numbers: tuple[int, ...], measure: str) -> dict[str, Any]:
    panel = _points(stratum, measure, [name for _, name in named]) if named else _lines(stratum, measure, numbers)
    chart = panel.facet(
        facet=alt.Facet("split:N", title=None, sort=placeholder("splits")),
        data=csv_data(f"strata-{stratum}"),
        columns=3,
    )
    chart = chart.properties(transform=_transforms(stratum, dict(named)))
    return as_dict(chart.add_params(dark(), alt.param(name="splits", value=placeholder("splits")), _budget()))


def _lines(stratum: str, measure: str, numbers: tuple[int, ...]) -> Layers:
    legend = picked()
    wide = numbers[0] > 0 and numbers[-1] / numbers[0] > LINEAR
    scale = alt.Scale(type="log", base=2, padding=8) if wide else alt.Scale(nice=False, padding=8)
    ticks = alt.Axis(values=list(numbers), format="d") if wide else alt.Axis(format="d", tickMinStep=1)
    base = alt.Chart().encode(
        x=alt.X("value:Q", title=stratum, scale=scale, axis=ticks),
        y=_share(alt.Y, measure),
        color=colour(),
        opacity=shown(legend),
    )
    lines = base.mark_line(strokeWidth=2).encode(strokeDash=dash())
    points = base.mark_point(filled=True, size=45).encode(shape=shape(), tooltip=_tooltip("value:Q", stratum, measure))
    return alt.layer(lines, points).properties(width=250, height=190).add_params(legend)


def _points(stratum: str, measure: str, order: list[str]) -> Layers:
    legend = picked()
    points = alt.Chart().mark_point(filled=True, size=60)
    points = points.encode(
        x=_share(alt.X, measure),
        y=alt.Y("label:N", title=None, sort=order, axis=alt.Axis(grid=True)),
        color=colour(),
        shape=shape(),
        opacity=shown(legend),
        tooltip=_tooltip("label:N", stratum, measure),
    )
    return alt.layer(points).properties(width=250, height=alt.Step(22)).add_params(legend)


def _share(channel: Any, measure: str) -> Any:
    return channel("share:Q", title=measure, scale=SHARE, axis=alt.Axis(tickCount=5))


def _tooltip(field: str, stratum: str, measure: str) -> list[alt.Tooltip]:
    return [
        *entry_tooltip(),
        alt.Tooltip(field, title=stratum),
        alt.Tooltip("share:Q", title=measure, format=".3f"),
        alt.Tooltip("low:Q", title="lowest reference", format=".3f"),
        alt.Tooltip("high:Q", title="highest reference", format=".3f"),
        alt.Tooltip("agreement:Q", title="agreement with the reference", format=".3f"),
        alt.Tooltip("positions:Q", title="positions", format=",d"),
        *([alt.Tooltip("floor:Q", title="the constant's errors", format=",.1f")] if measure == "faithfulness" else []),
    ]


def _budget() -> alt.Parameter:
    """Return a list to choose a budget from, by keyboard too."""
    choice = alt.binding_select(options=placeholder("budgets"), labels=placeholder("rates"), name="Budget ")
    return alt.param(name="budget", value=FIRST_SHOWN - 1, bind=choice)


def _budgets(context: ChartContext) -> dict[str, list[Any]]:
    """Return the lists for the placeholders of `_budget`."""
    words = [f"identity / {2 ** (n + 1)}: {rate:g} bits per token" for n, rate in enumerate(context.budgets)]
    return {"budgets": list(range(len(words))), "rates": words}


def _transforms(stratum: str, named: Mapping[str, str]) -> list[Any]:
    """Return the transforms from short rows to the columns that are drawn."""
    taken = alt.LookupData(data=alt.NamedData("taken"), key="n", fields=["submission", "entry", "taken"])
    sizes = alt.LookupData(data=csv_data(f"sizes-{stratum}"), key="cell", fields=["positions", "floor"])
    expressions = {
        "cell": "datum.s + '/' + datum.value",
        "split": "splits[datum.s]",
        "share": f"datum.f / {PER_MILLE}",
        "agreement": f"datum.a / {PER_MILLE}",
        "low": f"datum.l / {PER_MILLE}",
        "high": f"datum.h / {PER_MILLE}",
    }
    if named:
        expressions["label"] = f"{json.dumps(dict(named))}[datum.value] || datum.value"
    return [
        _lookup("n", taken),
        alt.FilterTransform("(datum.taken >> budget) & 1"),
        *(alt.CalculateTransform(**{"as": name, "calculate": text}) for name, text in expressions.items()),
        _lookup("cell", sizes),
    ]


def _lookup(field: str, source: alt.LookupData) -> alt.LookupTransform:
    named: dict[str, Any] = {"lookup": field, "from": source}  # `from` is no name in Python
    return alt.LookupTransform(**named)
