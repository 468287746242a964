"""Commands for who depends on a proxy."""

from pathlib import Path
from typing import Annotated

import typer

from simplibench.cli.app import app, require_there


@app.command()
def check(
    submission: Annotated[str, typer.Argument(help="A submission's file, or a method's name.")],
    against: Annotated[
        Path | None,
        typer.Option(help="A record, or a folder of records; without, the committed ones before those in results."),
    ] = None,
    tolerance: Annotated[
        float, typer.Option(help="How far below 0 the whole interval of a score's difference may lie.")
    ] = 0.0,
    runtime_factor: Annotated[
        float, typer.Option(help="How often the recorded upper quartile of the runtime its lower quartile may be now.")
    ] = 2.0,
    arena: Annotated[list[str] | None, typer.Option(help="Only this arena; may be repeated.")] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Every entry; without, those of an arena whose fits took 3 s together.")
    ] = False,
    seed: Annotated[str | None, typer.Option(help="The reference; without, the first that has records.")] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="Sentences a split that are compared, 100 if not said; of an explainer cases, 4."),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds of its own code that an entry gets.")] = 600.0,
    in_process: Annotated[bool, typer.Option(help="Debug: run the code in this process.")] = False,
) -> None:
    """Score a submission again on a sub-sample; exit code 1 if it got worse than its records."""
    require_there(submission)
    from simplibench.board.regression import Limits
    from simplibench.commands import check as command

    limits = Limits(tolerance, runtime_factor)
    options = command.Options(submission, against, arena, every, seed, limits, limit, device, timeout, in_process)
    raise typer.Exit(command.check(options))
