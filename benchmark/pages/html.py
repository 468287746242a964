"""The leaderboard as one file of HTML that needs no network; charts are drawn when their arena is opened."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from simplibench.board import TRACKS, ArenaBoard, ArenaCurves
from simplibench.board.render import footnote
from simplibench.pages.charts import rate_curves, runtime_chart
from simplibench.pages.encodings import Drawing
from simplibench.pages.renderer import renderer
from simplibench.pages.split_map import mapped, split_map
from simplibench.pages.strata import Labels, caption, strata_chart, strata_of
from simplibench.pages.tables import Cell, Table, entry_headers, entry_table, leaders, ranked_table
from simplibench.pages.theme import Theme, config
from simplibench.text import printable_lines

TEMPLATES = "templates"
CAPTIONS = {
    "rate": "Faithfulness against rate. A point is an entry, its band or bar the 95 % interval. "
    "A method that can be trusted is as high on the right as on the left.",
    "runtime": "Runtime against the score. Dashed: as fast as the reference.",
}


@dataclass(frozen=True)
class Figure:
    """The name, caption and size of a chart on the page."""

    name: str  # within its arena
    caption: str
    columns: int  # panels side by side where there is room
    wide: bool  # over the whole page; else two side by side
    fluid: bool  # as wide as its container; else it scrolls inside


@dataclass(frozen=True)
class Section:
    """The content of one arena's section, for the template."""

    anchor: str
    board: ArenaBoard
    leaders: str
    footnote: str
    table: Table
    figures: list[Figure]
    entry_headers: list[str]
    entries: list[list[Cell]]
    charts: str  # JSON


def leaderboard_html(
    boards: list[ArenaBoard],
    curves: list[ArenaCurves],
    labels: Mapping[str, Labels],
    files: Mapping[str, tuple[str, str]],
    made_from: str,
    draw: Callable[[], str] = renderer,
) -> str:
    """Return the page.

    `labels` are by task; `files` gives the address and name of a submission's file; `made_from` is a sentence on the
    records; `draw` returns the charts' renderer.
    """
    theme, by_arena = Theme.of(curves), {arena.arena: arena for arena in curves}
    sections = [
        _section(n, board, by_arena.get(board.arena), theme, labels.get(board.arena.partition("/")[0], {}), files)
        for n, board in enumerate(boards)
    ]
    return (
        environment()
        .get_template("leaderboard.html")
        .render(
            sections=sections,
            made_from=made_from,
            themes=as_json({"light": config(dark=False), "dark": config(dark=True)}),
            tracks=TRACKS,
            **assets(draw),
        )
    )


def environment() -> Environment:
    """Return the templates' environment: all values and their hidden characters are escaped; a missing name is an error."""
    loader = PackageLoader("simplibench.pages", TEMPLATES)
    return Environment(
        loader=loader,
        autoescape=True,
        finalize=lambda value: (
            printable_lines(value) if isinstance(value, str) and not isinstance(value, Markup) else value
        ),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def assets(draw: Callable[[], str] = renderer) -> dict[str, Markup]:
    """Return style, script and renderer, which go into a page unescaped."""
    folder = Path(__file__).parent / TEMPLATES
    style, script = ((folder / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    return {"style": Markup(style), "script": Markup(script), "vega": Markup(draw())}


def as_json(value: Any) -> Markup:
    """Return a value as JSON for a script element: nothing in it can end the element."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def chart_json(charts: Mapping[str, Drawing]) -> Markup:
    """Return charts as JSON: specifications by name, and their data, which several charts may share."""
    specs, datasets = {}, {}
    for name, chart in charts.items():
        spec = chart.to_dict()
        datasets.update(spec.pop("datasets", {}))
        specs[name] = spec
    return as_json({"charts": specs, "datasets": datasets})


def _section(
    number: int, board: ArenaBoard, arena: ArenaCurves | None, theme: Theme, labels: Labels, files: Mapping[str, Any]
) -> Section:
    drawn = {} if arena is None else _charts(arena, theme, labels)
    return Section(
        anchor=f"arena-{number}",
        board=board,
        leaders=leaders(board),
        footnote=footnote(board),
        table=ranked_table(board, dict(files)),
        figures=[figure for figure, _ in drawn.values()],
        entry_headers=[] if arena is None else entry_headers(arena),
        entries=[] if arena is None else entry_table(arena),
        charts=chart_json({name: chart for name, (_, chart) in drawn.items()}),
    )


def _charts(arena: ArenaCurves, theme: Theme, labels: Labels) -> dict[str, tuple[Figure, Drawing]]:
    """Return figures and drawings by name, in the order of the page."""
    drawings: list[tuple[Figure, Drawing]] = []
    if arena.ceiling_bits is not None:
        drawings.append((Figure("rate", CAPTIONS["rate"], 2, True, True), rate_curves(arena, theme)))
    for stratum in strata_of(arena):
        figure = Figure(f"strata-{stratum}", caption(arena, stratum), 3, True, True)
        drawings.append((figure, strata_chart(arena, stratum, theme, labels)))
    figure = Figure("map", TRACKS[arena.track].map_caption, 1, len(mapped(arena)) > 1, False)
    drawings.append((figure, split_map(arena)))
    drawings.append((Figure("runtime", CAPTIONS["runtime"], 1, False, True), runtime_chart(arena, theme)))
    return {figure.name: (figure, chart) for figure, chart in drawings}
