"""Reading what options say, and printing what commands answer."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from tabulate import tabulate

from simplibench.errors import UsageError
from simplibench.text import printable


def require_format(format: str, *known: str) -> None:
    """Raises UsageError for a format that is not known."""
    if format not in known:
        raise UsageError(f"--format must be {' or '.join(known)}, got {format}")


def print_table(headers: Sequence[str], rows: list[list[Any]], title: str = "") -> None:
    """Print a plain table, hidden characters escaped; pipes and files get the same bytes as a terminal."""
    cells = [[printable(cell) if isinstance(cell, str) else cell for cell in row] for row in rows]
    print(f"{printable(title)}\n{tabulate(cells, headers, tablefmt='simple', disable_numparse=True)}\n")


def progress_bar() -> Progress:
    """A bar on standard error with what is done now, how far, how long it took and how long it will."""
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    description = TextColumn("{task.description}", markup=False)  # a label may have brackets, which mean nothing here
    return Progress(description, *columns, console=Console(stderr=True))
