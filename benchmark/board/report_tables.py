"""The tables of a report on one arena: entries, curve, splits, strata."""

from collections.abc import Callable
from dataclasses import dataclass

from simplibench.board.curves import ArenaCurves, EntryCurve
from simplibench.board.measures import shown_measure
from simplibench.board.render import interval_text
from simplibench.board.report import ArenaReport, Labels
from simplibench.scoring.faithfulness import budgets

FIGURES = {"bits/token": ".1f", "state bytes": ".0f", "us/case": ".0f"}
LONGEST_NAME = 60  # characters of an entry in a table


@dataclass(frozen=True)
class Lines:
    """A table of text."""

    title: str
    headers: tuple[str, ...]
    rows: list[list[str]]
    folded: bool = False  # opened by who wants to see it
    own: int | None = None  # the row of the submission itself, among others


def arena_tables(arena: ArenaReport) -> list[Lines]:
    """All tables of one arena that there is something for."""
    drawn = arena.curves
    found = [_entries(arena)]
    if drawn and arena.own_curve:
        found += [_by_budget(drawn, arena.row.submission)] if drawn.ceiling_bits else []
        found += [] if drawn.ceiling_bits else [_others(drawn, arena.row.submission)]
        found += _splits(drawn, arena.own_curve)
        found += _strata(drawn, arena.own_curve, arena.labels)
    return [table for table in found if table.rows]


def cut(text: str, longest: int = LONGEST_NAME) -> str:
    """At most so many characters."""
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def _entries(arena: ArenaReport) -> Lines:
    names = list(arena.entries[0].figures) if arena.entries else []
    rows = [
        [
            cut(row.entry),
            interval_text(row.on_id),
            interval_text(row.on_ood),
            interval_text(row.gap),
            *(_figure(name, row.figures.get(name)) for name in names),
            f"failed on {row.failed}" if row.failed else "ok",
        ]
        for row in arena.entries
    ]
    return Lines("Entries", ("entry", "ID", "OOD", "gap", *names, "status"), rows)


def _figure(name: str, value: float | None) -> str:
    return "" if value is None else f"{value:{FIGURES.get(name, '.3f')}}"


def _by_budget(drawn: ArenaCurves, name: str) -> Lines:
    """What each submission reaches at every budget with the entry of best ID faithfulness that it can afford."""
    taken = drawn.taken()
    rows = [["its entry", *(_entry_at(found, name) for found in taken.values())]]
    rows.append([f"{name}, ID", *(_at(found, name, lambda entry: entry.on_id.value) for found in taken.values())])
    rows.append([f"{name}, OOD", *(_at(found, name, lambda entry: entry.on_ood.value) for found in taken.values())])
    for other, shown in _others_of(drawn, name).items():
        rows.append(
            [f"{shown}, OOD", *(_at(found, other, lambda entry: entry.on_ood.value) for found in taken.values())]
        )
    headers = ("bits per token, at most", *(f"{bits:g}" for bits in budgets(drawn.ceiling_bits or 0)))
    title = "Its curve against the others: faithfulness at each budget, 0 where nothing is affordable"
    return Lines(title, headers, rows, own=2)


def _entry_at(found: list[EntryCurve], name: str) -> str:
    return next((cut(entry.entry, 40) for entry in found if entry.submission == name), "none")


def _at(found: list[EntryCurve], name: str, value: Callable[[EntryCurve], float]) -> str:
    return next((f"{value(entry):.3f}" for entry in found if entry.submission == name), "0")


def _others_of(drawn: ArenaCurves, name: str) -> dict[str, str]:
    """The other submissions, and how they are shown."""
    return {entry.submission: _shown(entry) for entry in drawn.entries if entry.submission != name}


def _shown(entry: EntryCurve) -> str:
    return f"{entry.submission} (control)" if entry.control else entry.submission


def _others(drawn: ArenaCurves, name: str) -> Lines:
    """Where there is no rate: every submission's entry that is best on ID inputs."""
    best: dict[str, EntryCurve] = {}
    for entry in drawn.entries:
        if entry.submission not in best or entry.on_id.value > best[entry.submission].on_id.value:
            best[entry.submission] = entry
    ordered = sorted(best.values(), key=lambda entry: -entry.on_ood.value)
    rows = [[_shown(entry), interval_text(entry.on_id), interval_text(entry.on_ood)] for entry in ordered]
    own = [entry.submission for entry in ordered].index(name)
    return Lines(
        "Among the others: the entry of each that is best on ID inputs", ("submission", "ID", "OOD"), rows, own=own
    )


def _splits(drawn: ArenaCurves, own: list[EntryCurve]) -> list[Lines]:
    """One table an arena of codecs; of explainers one an entry, with what its scores are made of."""
    splits = [f"{split} ({role})" for split, role in drawn.splits.items()]
    if drawn.track == "codec":
        rows = [[cut(entry.entry), *_values(entry, "faithfulness", drawn)] for entry in own]
        return [Lines("Faithfulness by split", ("entry", *splits), rows)]
    return [
        Lines(
            f"{cut(entry.entry)} by split",
            ("measure", *splits),
            [[measure, *_values(entry, measure, drawn)] for measure in sorted(entry.measures)],
            folded=True,
        )
        for entry in own
    ]


def _values(entry: EntryCurve, measure: str, drawn: ArenaCurves) -> list[str]:
    values = entry.measures[measure]
    return [f"{values[split]:.3f}" if split in values else "" for split in drawn.splits]


def _strata(drawn: ArenaCurves, own: list[EntryCurve], named: Labels) -> list[Lines]:
    """Faithfulness of the entry that is best on ID inputs, of those that a budget can pay where there are such."""
    dearest = max(budgets(drawn.ceiling_bits or 0))
    affordable = [entry for entry in own if entry.bits is not None and entry.bits <= dearest] or own
    chosen = max(affordable, key=lambda entry: entry.on_id.value)
    found = []
    for stratum in dict.fromkeys(point.stratum for point in chosen.strata):
        points = [point for point in chosen.strata if point.stratum == stratum]
        texts = {(point.split, point.value): f"{point.shown.mean:.3f}" for point in points}
        values = sorted({value for _, value in texts}, key=lambda value: (not value.isdecimal(), value.zfill(6)))
        rows = [[split, *(texts.get((split, value), "") for value in values)] for split in drawn.splits]
        headers = ("split", *(named.get(stratum, {}).get(value, value) for value in values))
        title = f"{shown_measure(points).capitalize()} by {stratum}, {cut(chosen.entry)}"
        found.append(Lines(title, headers, rows, folded=True))
    return found
