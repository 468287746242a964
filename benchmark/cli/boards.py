"""Commands for who keeps the leaderboard."""

from pathlib import Path
from typing import Annotated

import typer

from simplibench.cli.app import app


@app.command()
def leaderboard(
    check: Annotated[bool, typer.Option(help="Verify every record and that leaderboard.md is what they give.")] = False,
    format: Annotated[
        str | None, typer.Option(help="md, json or csv; without --page it is printed instead of written.")
    ] = None,
    records: Annotated[
        list[Path] | None,
        typer.Option(help="Folders of records, instead of the committed ones; without --page their board is printed."),
    ] = None,
    page: Annotated[
        Path | None,
        typer.Option(
            "--page",
            "--output",
            help="The page to write or check; without, leaderboard.md of the checkout, or of the current folder.",
        ),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write one file for browsers instead, with charts; it needs no network.")
    ] = None,
    open: Annotated[bool, typer.Option("--open", help="Show that page in the browser.")] = False,
    figure: Annotated[
        Path | None, typer.Option(help="Draw, or check, the README's figure: a PNG, its data beside it.")
    ] = None,
) -> None:
    """Make leaderboard.md, or a page for browsers, from the records and nothing else."""
    from simplibench.commands import leaderboard as command

    command.leaderboard(check, format, records, page, command.Pictures(html, open, figure))


@app.command()
def compare(
    first: Annotated[str, typer.Argument(help="A submission.")],
    second: Annotated[str, typer.Argument(help="Another.")],
    arena: Annotated[list[str] | None, typer.Option(help="Only this arena; may be repeated.")] = None,
    records: Annotated[
        list[Path] | None, typer.Option(help="Folders of records; if none, results before the committed ones.")
    ] = None,
) -> None:
    """Say what may be concluded about two submissions: paired differences, corrected for the number of arenas."""
    from simplibench.commands import compare as command

    command.compare(first, second, arena, records)
