"""Commands for who doubts a record: check it, make it again."""

from pathlib import Path
from typing import Annotated

import typer

from benchmark.cli.app import app


@app.command()
def verify(
    record: Annotated[
        list[Path] | None, typer.Argument(help="Records, by their .json files; without, all and the board.")
    ] = None,
    records: Annotated[Path | None, typer.Option(help="A folder of records instead of the committed ones.")] = None,
    page: Annotated[
        Path | None, typer.Option(help="The page they are to give; leaderboard.md for the committed ones.")
    ] = None,
) -> None:
    """Check that records hold: seal, protocol, source, counts, every figure, and the page. Every problem is listed."""
    from benchmark.commands import verify as command

    command.verify(record or [], records, page)
