"""The tables at the end of a run, one per arena with one row per entry, for the command line and for Python."""

from dataclasses import dataclass

from tabulate import tabulate

from simplibench.board import EntryRow, entry_rows
from simplibench.board.render import interval_text
from simplibench.records import Stored
from simplibench.text import markdown as as_markdown

SCORE = {"codec": "faithfulness", "explainer": "mean of equivalence and intervention"}
FORMATS = {"bits/token": ".2f", "state bytes": ".0f", "forward": ".2f", "us/case": ".0f"}


@dataclass(frozen=True)
class EntryTable:
    """The entries of one arena, as text."""

    title: str
    headers: tuple[str, ...]
    rows: list[list[str]]


def entry_tables(rows: list[EntryRow]) -> list[EntryTable]:
    """Return one table per arena, in the order of the rows."""
    tables = []
    for arena in dict.fromkeys(row.arena for row in rows):
        entries = [row for row in rows if row.arena == arena]
        title = f"{arena}, {SCORE[entries[0].track]} over {max(row.seeds for row in entries)} references"
        headers = ("entry", "ID", "OOD", "gap", *entries[0].figures, "status")
        tables.append(EntryTable(title, headers, [_cells(row) for row in entries]))
    return tables


def failures(rows: list[EntryRow]) -> list[str]:
    """Return one line per failed entry, with the reason."""
    return [
        f"failed: {row.submission}, {row.entry} in {row.arena} on {row.failed} references: {row.reason}"
        for row in rows
        if row.failed
    ]


def markdown(stored: list[Stored]) -> str:
    """Return the tables of all arenas in Markdown; failed entries are listed below them, with reasons."""
    rows = entry_rows(stored)
    parts = [f"**{as_markdown(table.title)}**\n\n{_pipes(table)}\n" for table in entry_tables(rows)]
    listed = [f"* {as_markdown(line)}\n" for line in failures(rows)]
    return "\n".join([*parts, "".join(listed)] if listed else parts)


def _pipes(table: EntryTable) -> str:
    cells = [[as_markdown(cell) for cell in row] for row in table.rows]
    return tabulate(cells, table.headers, tablefmt="pipe", disable_numparse=True)


def _cells(row: EntryRow) -> list[str]:
    return [
        row.entry,
        interval_text(row.on_id),
        interval_text(row.on_ood),
        interval_text(row.gap),
        *("" if value is None else f"{value:{FORMATS.get(name, '.3f')}}" for name, value in row.figures.items()),
        f"failed on {row.failed}" if row.failed else "ok",
    ]
