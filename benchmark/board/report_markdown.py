"""A report as Markdown, to be pasted into a pull request."""

import re

from tabulate import tabulate

from simplibench.board.report import Report
from simplibench.board.report_sections import Section, sections
from simplibench.board.report_tables import Lines

# An underscore within a word and a bracket alone mean nothing to Markdown.
MARKED = re.compile(r"([\\`*<>|#~&]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|\](?=[(\[:]))")
WEB = re.compile(r"https?://[^\s<>]+")


def report_markdown(report: Report) -> str:
    """The whole page."""
    reference = f"<{report.reference}>" if WEB.fullmatch(report.reference) else plain(report.reference)
    head = f"# {plain(report.submission)}\n\n{reference}\n"
    return "\n".join([head, *(_section(section) for section in sections(report))])


def plain(text: str) -> str:
    """Text that Markdown shows as it is, on one line, also in a table."""
    return MARKED.sub(r"\\\1", " ".join(text.split()))


def _section(section: Section) -> str:
    parts = [f"## {plain(section.title)}", *map(plain, section.text), *map(_table, section.tables)]
    if section.commands:
        parts.append("\n".join(["```sh", *section.commands, "```"]))
    return "\n\n".join(parts) + "\n"


def _table(table: Lines) -> str:
    rows = [[plain(cell) for cell in row] for row in table.rows]
    if table.own is not None:
        rows[table.own] = [f"**{cell}**" if cell else "" for cell in rows[table.own]]
    text = tabulate(rows, [plain(header) for header in table.headers], tablefmt="pipe", disable_numparse=True)
    if table.folded:
        return f"<details><summary>{plain(table.title)}</summary>\n\n{text}\n\n</details>"
    return f"### {plain(table.title)}\n\n{text}" if table.title else text
