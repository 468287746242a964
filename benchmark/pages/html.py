"""The leaderboard as one file of HTML that needs no network: tables in it, charts drawn when their arena is opened."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from simplibench.board import ArenaBoard, ArenaCurves
from simplibench.board.render import footnote
from simplibench.pages.charts import rate_curves, runtime_chart
from simplibench.pages.encodings import Drawing
from simplibench.pages.look import Look, config
from simplibench.pages.renderer import renderer
from simplibench.pages.split_map import split_map
from simplibench.pages.strata import Labels, caption, strata_chart, strata_of
from simplibench.pages.tables import MAIN, Cell, Table, entry_headers, entry_table, leaders, ranked_table
from simplibench.text import printable_lines

TEMPLATES = "templates"
CAPTIONS = {
    "rate": "Faithfulness against rate. A point is an entry, its band or bar the 95 % interval. "
    "A method that can be trusted is as high on the right as on the left.",
    "map": "Every entry on every split: 1 is the original, 0 no better than a constant.",
    "measures": "Every explainer by measure and split: equivalence (0.5 is chance) and intervention (0 is chance), "
    "each followed by its parts.",
    "runtime": "Runtime against the score. Dashed: as fast as the reference.",
}


@dataclass(frozen=True)
class Figure:
    """A chart's place on the page."""

    name: str  # within its arena
    caption: str
    columns: int  # panels side by side where there is room
    wide: bool  # over the whole page; else two side by side
    fluid: bool  # as wide as its place; else it scrolls inside


@dataclass(frozen=True)
class Section:
    """All that the template needs of one arena."""

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
    """The page. `labels` by task, `files` a submission's address and name, `made_from` a sentence on the records,
    `draw` gives the charts' renderer.
    """
    look, by_arena = Look.of(curves), {own.arena: own for own in curves}
    sections = [
        _section(n, board, by_arena.get(board.arena), look, labels.get(board.arena.partition("/")[0], {}), files)
        for n, board in enumerate(boards)
    ]
    return (
        environment()
        .get_template("leaderboard.html")
        .render(
            sections=sections,
            made_from=made_from,
            themes=as_json({"light": config(dark=False), "dark": config(dark=True)}),
            main_measure=MAIN,
            **assets(draw),
        )
    )


def environment() -> Environment:
    """Templates whose values are all escaped, hidden characters among them; a name that is not given is an error."""
    return Environment(
        loader=PackageLoader("simplibench.pages", TEMPLATES),
        autoescape=True,
        finalize=lambda value: (
            printable_lines(value) if isinstance(value, str) and not isinstance(value, Markup) else value
        ),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def assets(draw: Callable[[], str] = renderer) -> dict[str, Markup]:
    """Style, script and the renderer, which go into a page as they are."""
    folder = Path(__file__).parent / TEMPLATES
    style, script = ((folder / name).read_text() for name in ("page.css", "page.js"))
    return {"style": Markup(style), "script": Markup(script), "vega": Markup(draw())}


def as_json(value: Any) -> Markup:
    """JSON that can stand inside a script element: nothing in it can end the element."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def chart_json(charts: Mapping[str, Drawing]) -> Markup:
    """Specifications by name, and their data, which several charts may share."""
    specs, datasets = {}, {}
    for name, chart in charts.items():
        spec = chart.to_dict()
        datasets.update(spec.pop("datasets", {}))
        specs[name] = spec
    return as_json({"charts": specs, "datasets": datasets})


def _section(
    number: int, board: ArenaBoard, arena: ArenaCurves | None, look: Look, labels: Labels, files: Mapping[str, Any]
) -> Section:
    drawn = {} if arena is None else _charts(arena, look, labels)
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


def _charts(arena: ArenaCurves, look: Look, labels: Labels) -> dict[str, tuple[Figure, Drawing]]:
    """In the order of the page."""
    found: list[tuple[Figure, Drawing]] = []
    if arena.track == "codec":
        found.append((Figure("rate", CAPTIONS["rate"], 2, True, True), rate_curves(arena, look)))
    for stratum in strata_of(arena):
        figure = Figure(f"strata-{stratum}", caption(arena, stratum), 3, True, True)
        found.append((figure, strata_chart(arena, stratum, look, labels)))
    table = CAPTIONS["map" if arena.track == "codec" else "measures"]
    found.append((Figure("map", table, 1, arena.track != "codec", False), split_map(arena)))
    found.append((Figure("runtime", CAPTIONS["runtime"], 1, False, True), runtime_chart(arena, look)))
    return {figure.name: (figure, chart) for figure, chart in found}
