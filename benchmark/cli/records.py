"""Commands for who doubts a record: check it, make it again."""

from pathlib import Path
from typing import Annotated

import typer

from simplibench.cli.app import app


@app.command()
def verify(
    record: Annotated[
        list[Path] | None, typer.Argument(help="Records, by their .json files; without, all and the board.")
    ] = None,
    records: Annotated[Path | None, typer.Option(help="A folder of records instead of the committed ones.")] = None,
    page: Annotated[
        Path | None,
        typer.Option(help="The page they are to give; leaderboard.md of a checkout for the committed ones."),
    ] = None,
) -> None:
    """Check that records hold: seal, protocol, source, counts, every figure, and the page. Every problem is listed."""
    from simplibench.commands import verify as command

    command.verify(record or [], records, page)


@app.command()
def rerun(
    record: Annotated[Path, typer.Argument(help="A record, by its .json file.")],
    file: Annotated[
        str | None, typer.Option(help="The submission's file, where it is in neither baselines/ nor submissions/.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Where the new record is kept; without, nowhere.")] = None,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds of its own code that the entry gets.")] = 600.0,
) -> None:
    """Make a record again from what it says, and compare: equal where it was made alike, else within tolerances."""
    from simplibench.commands import rerun as command

    raise typer.Exit(command.rerun(record, file, output, timeout))
