"""A report as Markdown, to be pasted into a pull request."""

from tabulate import tabulate

from simplibench.board.report import Report
from simplibench.board.report_sections import Section, sections
from simplibench.board.table import TextTable
from simplibench.text import WEB, markdown, printable


def report_markdown(report: Report) -> str:
    """Return the whole page."""
    citation = f"<{printable(report.citation)}>" if WEB.fullmatch(report.citation) else markdown(report.citation)
    head = f"# {markdown(report.submission)}\n\n{citation}\n"
    return "\n".join([head, *(_section(section) for section in sections(report))])


def _section(section: Section) -> str:
    parts = [f"## {markdown(section.title)}", *map(markdown, section.text), *map(_table, section.tables)]
    if section.commands:
        parts.append("\n".join(["```sh", *map(printable, section.commands), "```"]))
    return "\n\n".join(parts) + "\n"


def _table(table: TextTable) -> str:
    rows = [[markdown(cell) for cell in row] for row in table.rows]
    if table.highlighted is not None:
        rows[table.highlighted] = [f"**{cell}**" if cell else "" for cell in rows[table.highlighted]]
    text = tabulate(rows, [markdown(header) for header in table.headers], tablefmt="pipe", disable_numparse=True)
    if table.folded:
        return f"<details><summary>{markdown(table.title)}</summary>\n\n{text}\n\n</details>"
    return f"### {markdown(table.title)}\n\n{text}" if table.title else text
