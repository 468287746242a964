"""The tables of a run in Markdown."""

from collections.abc import Sequence

from tabulate import tabulate

from simplibench.board import TextTable, entry_rows, entry_tables
from simplibench.board.entries import failures
from simplibench.records import Stored
from simplibench.text import markdown as as_markdown


def markdown(stored: Sequence[Stored]) -> str:
    """Return the tables of all arenas in Markdown; failed entries are listed below them, with reasons."""
    rows = entry_rows(stored)
    parts = [f"**{as_markdown(table.title)}**\n\n{_pipes(table)}\n" for table in entry_tables(rows)]
    listed = [f"* {as_markdown(line)}\n" for line in failures(rows)]
    return "\n".join([*parts, "".join(listed)] if listed else parts)


def _pipes(table: TextTable) -> str:
    cells = [[as_markdown(cell) for cell in row] for row in table.rows]
    return tabulate(cells, table.headers, tablefmt="pipe", disable_numparse=True)
