"""`study`: recompute a paper's analysis."""

import importlib
import importlib.util
from pathlib import Path
from typing import Annotated

import typer

from simplibench.cli.app import app
from simplibench.cli.printing import print_table, progress_bar
from simplibench.errors import UsageError
from simplibench.files import require_folder, write_atomically, write_text
from simplibench.studies.study import Study
from simplibench.studies.table import as_cells, as_csv


@app.command()
def study(
    name: Annotated[str, typer.Argument(help="balance, code or noise.")],
    output: Annotated[Path, typer.Option(help="Folder for tables and figure.")] = Path("results/studies"),
) -> None:
    """Recompute a paper's analysis from the shipped models, or audit the leaderboard: tables as CSV, figures as PNG."""
    run_study(name, output)


STUDIES = ("balance", "code", "noise")  # each a package in studies/


def run_study(name: str, output: Path) -> None:
    """Run a study, print its tables, write them as CSV and its figures as PNG, into a folder of its name in `output`.

    Raises UsageError for a study that does not exist, a missing library, and a folder that cannot be written.
    """
    if name not in STUDIES:
        raise UsageError(f"no study {name}; there are: {', '.join(STUDIES)}")
    if importlib.util.find_spec("matplotlib") is None:
        raise UsageError("studies draw figures with matplotlib: pip install -e '.[studies]'")
    package = importlib.import_module(f"simplibench.studies.{name}")  # which loads torch
    analysis: Study = package.study
    folder = output / name
    require_folder("--output", folder)  # before minutes of measuring, not after
    with progress_bar() as bar:
        shown = bar.add_task("starting", total=analysis.steps())
        tables = analysis.measure(lambda what: bar.update(shown, advance=1, description=f"{what:<28}"))
    for title, rows in tables.items():
        write_text(folder / f"{title}.csv", as_csv(rows))
    for title, draw in analysis.figures.items():
        write_atomically(folder / f"{title}.png", lambda file, draw=draw: draw(tables, file))  # type: ignore[misc]
    for title, caption in analysis.titles.items():
        print_table(*as_cells(tables[title]), caption)
    files = [f"{title}.csv" for title in tables] + [f"{title}.png" for title in analysis.figures]
    print(f"wrote {folder}/{', '.join(files)}")
