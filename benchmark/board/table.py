"""A table of text, before it is printed, Markdown or HTML."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TextTable:
    """Headers and rows of text under a title."""

    title: str
    headers: tuple[str, ...]
    rows: list[list[str]]
    folded: bool = False  # opened by who wants to see it
    highlighted: int | None = None  # the row of the submission that a report is about, among others
