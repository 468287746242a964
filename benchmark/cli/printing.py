"""Checks of options that several commands have, tables and progress bars."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from tabulate import tabulate

from simplibench.errors import UsageError
from simplibench.text import printable


def require_format(format: str, *known: str) -> None:
    """Raise UsageError for a format that is not among the known ones."""
    if format not in known:
        raise UsageError(f"--format must be {' or '.join(known)}, got {format}")


def require_folders(roots: Sequence[Path] | None) -> None:
    """Raise UsageError for a folder of records that does not exist."""
    for root in roots or ():
        if not root.is_dir():
            raise UsageError(f"--records {root}: no such folder")


def print_table(headers: Sequence[str], rows: list[list[Any]], title: str = "") -> None:
    """Print a plain table under a title, hidden characters escaped; pipes get the same bytes as a terminal."""
    cells = [[printable(cell) if isinstance(cell, str) else cell for cell in row] for row in rows]
    print(f"{printable(title)}\n{tabulate(cells, headers, tablefmt='simple', disable_numparse=True)}\n")


def progress_bar() -> Progress:
    """Return a progress bar for standard error: what is done now, how much of how many, time taken and time left."""
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    description = TextColumn("{task.description}", markup=False)  # a label may have brackets, which mean nothing here
    return Progress(description, *columns, console=Console(stderr=True))
