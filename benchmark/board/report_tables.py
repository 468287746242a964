"""The tables of a report on one arena: entries, curve, splits, strata."""

from collections.abc import Callable

from simplibench.board.curves import ArenaCurves, EntryCurve
from simplibench.board.entries import entry_cells
from simplibench.board.measures import shown_measure
from simplibench.board.render import interval_text
from simplibench.board.report import ArenaReport, Labels
from simplibench.board.table import TextTable
from simplibench.board.tracks import TRACKS
from simplibench.scoring.faithfulness import budgets

LONGEST_NAME = 60  # characters of an entry in a table


def arena_tables(arena: ArenaReport) -> list[TextTable]:
    """Return all tables of one arena that there is something for."""
    drawn = arena.curves
    tables = [_entries(arena)]
    if drawn and arena.own_curve:
        against = _by_budget if drawn.ceiling_bits else _others
        tables.append(against(drawn, arena.row.submission))
        tables += _splits(drawn, arena.own_curve)
        tables += _strata(drawn, arena.own_curve, arena.labels)
    return [table for table in tables if table.rows]


def cut(text: str, longest: int = LONGEST_NAME) -> str:
    """Return at most so many characters of a text."""
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def _entries(arena: ArenaReport) -> TextTable:
    names = list(arena.entries[0].figures) if arena.entries else []
    rows = [[cut(label), *cells] for label, *cells in map(entry_cells, arena.entries)]
    return TextTable("Entries", ("entry", "ID", "OOD", "gap", *names, "status"), rows)


def _by_budget(drawn: ArenaCurves, name: str) -> TextTable:
    """Return what each submission reaches at every budget with the entry of best ID faithfulness that it can afford."""
    taken = drawn.taken()
    rows = [["its entry", *(_entry_at(entries, name) for entries in taken.values())]]
    rows.append([f"{name}, ID", *(_at(entries, name, lambda entry: entry.on_id.value) for entries in taken.values())])
    rows.append([f"{name}, OOD", *(_at(entries, name, lambda entry: entry.on_ood.value) for entries in taken.values())])
    for other, shown in _others_of(drawn, name).items():
        rows.append(
            [f"{shown}, OOD", *(_at(entries, other, lambda entry: entry.on_ood.value) for entries in taken.values())]
        )
    headers = ("bits per token, at most", *(f"{bits:g}" for bits in budgets(drawn.ceiling_bits or 0)))
    title = "Its curve against the others: faithfulness at each budget, 0 where nothing is affordable"
    return TextTable(title, headers, rows, highlighted=2)


def _entry_at(entries: list[EntryCurve], name: str) -> str:
    return next((cut(entry.entry, 40) for entry in entries if entry.submission == name), "none")


def _at(entries: list[EntryCurve], name: str, value: Callable[[EntryCurve], float]) -> str:
    return next((f"{value(entry):.3f}" for entry in entries if entry.submission == name), "0")


def _others_of(drawn: ArenaCurves, name: str) -> dict[str, str]:
    """Return the other submissions, and how they are shown."""
    return {entry.submission: _shown(entry) for entry in drawn.entries if entry.submission != name}


def _shown(entry: EntryCurve) -> str:
    return f"{entry.submission} (control)" if entry.control else entry.submission


def _others(drawn: ArenaCurves, name: str) -> TextTable:
    """Return, where there is no rate, every submission's entry that is best on ID inputs."""
    best: dict[str, EntryCurve] = {}
    for entry in drawn.entries:
        if entry.submission not in best or entry.on_id.value > best[entry.submission].on_id.value:
            best[entry.submission] = entry
    ordered = sorted(best.values(), key=lambda entry: -entry.on_ood.value)
    rows = [[_shown(entry), interval_text(entry.on_id), interval_text(entry.on_ood)] for entry in ordered]
    title = "Among the others: the entry of each that is best on ID inputs"
    highlighted = [entry.submission for entry in ordered].index(name)
    return TextTable(title, ("submission", "ID", "OOD"), rows, highlighted=highlighted)


def _splits(drawn: ArenaCurves, entries: list[EntryCurve]) -> list[TextTable]:
    """Return one table where one measure is shown; else one per entry, with what its scores are made of."""
    splits = [f"{split} ({role})" for split, role in drawn.splits.items()]
    measures = TRACKS[drawn.track].mapped([entry.measures for entry in entries])
    if len(measures) == 1:
        rows = [[cut(entry.entry), *_values(entry, measures[0], drawn)] for entry in entries]
        return [TextTable(f"{measures[0].capitalize()} by split", ("entry", *splits), rows)]
    return [
        TextTable(
            f"{cut(entry.entry)} by split",
            ("measure", *splits),
            [[measure, *_values(entry, measure, drawn)] for measure in sorted(entry.measures)],
            folded=True,
        )
        for entry in entries
    ]


def _values(entry: EntryCurve, measure: str, drawn: ArenaCurves) -> list[str]:
    values = entry.measures[measure]
    return [f"{values[split]:.3f}" if split in values else "" for split in drawn.splits]


def _strata(drawn: ArenaCurves, entries: list[EntryCurve], named: Labels) -> list[TextTable]:
    """Return faithfulness by stratum of the entry that is best on ID inputs, among those that a budget can pay if any."""
    max_rate = max(budgets(drawn.ceiling_bits or 0))
    affordable = [entry for entry in entries if entry.bits is not None and entry.bits <= max_rate] or entries
    chosen = max(affordable, key=lambda entry: entry.on_id.value)
    tables = []
    for stratum in dict.fromkeys(point.stratum for point in chosen.strata):
        points = [point for point in chosen.strata if point.stratum == stratum]
        texts = {(point.split, point.value): f"{point.shown.mean:.3f}" for point in points}
        values = sorted({value for _, value in texts}, key=lambda value: (not value.isdecimal(), value.zfill(6)))
        rows = [[split, *(texts.get((split, value), "") for value in values)] for split in drawn.splits]
        headers = ("split", *(named.get(stratum, {}).get(value, value) for value in values))
        title = f"{shown_measure(points).capitalize()} by {stratum}, {cut(chosen.entry)}"
        tables.append(TextTable(title, headers, rows, folded=True))
    return tables
