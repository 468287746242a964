"""The report of one submission as one file of HTML that needs no network: text, tables and charts."""

from dataclasses import dataclass, replace

from simplibench.board.curves import ArenaCurves
from simplibench.board.report import ArenaReport, Labels, Report
from simplibench.board.report_sections import Section, sections
from simplibench.pages.charts import rate_curves, runtime_chart
from simplibench.pages.encodings import Drawing
from simplibench.pages.html import Figure, as_json, assets, chart_json, environment
from simplibench.pages.split_map import mapped, split_map
from simplibench.pages.strata import caption, strata_chart, strata_of
from simplibench.pages.theme import Theme, config
from simplibench.text import WEB


@dataclass(frozen=True)
class Part:
    """A section of the report with its charts."""

    section: Section
    figures: list[Figure]
    charts: str  # JSON


def report_html(report: Report) -> str:
    """Return the page."""
    arenas = {arena.row.arena: arena for arena in report.arenas}
    theme = Theme.of([arena.curves for arena in report.arenas if arena.curves])
    parts = [_part(section, arenas.get(section.arena), theme) for section in sections(report)]
    page = environment().get_template("report.html")
    return page.render(
        report=report,
        link=report.citation if WEB.fullmatch(report.citation) else "",
        parts=parts,
        themes=as_json({"light": config(dark=False), "dark": config(dark=True)}),
        **assets(),
    )


def _part(section: Section, arena: ArenaReport | None, theme: Theme) -> Part:
    drawn = _charts(arena.curves, arena, theme) if arena and arena.curves else []
    return Part(section, [figure for figure, _ in drawn], chart_json({figure.name: chart for figure, chart in drawn}))


def _charts(drawn: ArenaCurves, arena: ArenaReport, theme: Theme) -> list[tuple[Figure, Drawing]]:
    """Return rate, strata and runtime of the submission among the others, and a map of its splits alone."""
    alone = replace(drawn, entries=arena.own_curve)
    drawings: list[tuple[Figure, Drawing]] = []
    if drawn.ceiling_bits is not None:
        words = "Faithfulness against rate. A point is an entry, its band or bar the 95 % interval."
        drawings.append((Figure("rate", words, 2, wide=True, fluid=True), rate_curves(drawn, theme)))
    drawings += [_stratum(drawn, stratum, theme, arena.labels) for stratum in strata_of(drawn)]
    figure = Figure("map", "Its entries on every split.", 1, wide=len(mapped(drawn)) > 1, fluid=False)
    drawings.append((figure, split_map(alone)))
    words = "Runtime against the score. Dashed: as fast as the reference."
    drawings.append((Figure("runtime", words, 1, wide=False, fluid=True), runtime_chart(drawn, theme)))
    return drawings


def _stratum(drawn: ArenaCurves, stratum: str, theme: Theme, labels: Labels) -> tuple[Figure, Drawing]:
    figure = Figure(f"strata-{stratum}", caption(drawn, stratum), 3, wide=True, fluid=True)
    return figure, strata_chart(drawn, stratum, theme, labels)
