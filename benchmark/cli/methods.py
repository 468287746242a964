"""Commands for who has a method: look around, validate, run."""

from pathlib import Path
from typing import Annotated

import typer

from simplibench.cli.app import FormatOption, TaskOption, app, require_there


@app.command("list")
def list_everything(format: FormatOption = "table") -> None:
    """Show the tasks, arenas and methods there are."""
    from simplibench.commands import listing

    listing.show_list(format)


@app.command()
def info(name: Annotated[str, typer.Argument(help="A task, an arena or a method.")]) -> None:
    """Tell about one task, arena or method."""
    from simplibench.commands import listing

    listing.show_info(name)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="The method's name: lower case, digits, dashes.")],
    track: Annotated[str, typer.Option(help="codec or explainer.")] = "codec",
    folder: Annotated[
        Path | None, typer.Option(help="Where to write it; submissions/ of the checkout if none.")
    ] = None,
) -> None:
    """Write a commented submission that runs as it is, to be made yours."""
    from simplibench.commands import new as command

    command.new(name, track, folder)


@app.command()
def validate(
    file: Annotated[str, typer.Argument(help="A submission's file, or a method's name.")],
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    timeout: Annotated[float, typer.Option(help="Seconds of its own code that an entry gets.")] = 10.0,
) -> None:
    """Check a submission against the contract, on tiny real activations; every problem is listed."""
    require_there(file)
    from simplibench.commands import validate as command

    command.validate(file, device, timeout)


@app.command()
def run(
    methods: Annotated[list[str], typer.Argument(help="Methods by name, or files.")],
    task: TaskOption = None,
    arena: Annotated[list[str] | None, typer.Option(help="Only this arena; may be repeated.")] = None,
    seed: Annotated[
        list[str] | None, typer.Option(help="Only this reference, 0, 1, ... or untrained; repeatable.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    limit: Annotated[
        int | None, typer.Option(min=1, help="Sentences a split, at most: a quick look, not ranked.")
    ] = None,
    output: Annotated[Path, typer.Option(help="The folder that records are saved in.")] = Path("results"),
    fresh: Annotated[bool, typer.Option(help="Make records again that are there already.")] = False,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Units side by side; by default one a core, at most 4; one with --limit.")
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=0.1, help="Seconds of its own code that an entry gets in a unit.")
    ] = 600.0,
    in_process: Annotated[bool, typer.Option(help="Debug: run the code in this process; not ranked.")] = False,
    format: FormatOption = "table",
) -> None:
    """Score methods, print their table and their place on the leaderboard. Interrupted, it goes on where it was."""
    require_there(*methods, task=task)
    from simplibench.commands import run as command

    options = command.Options(
        methods, task, arena, seed, device, limit, output, fresh, jobs, timeout, in_process, format
    )
    raise typer.Exit(command.run(options))


@app.command()
def report(
    name: Annotated[str, typer.Argument(help="A submission, by the name its records have.")],
    records: Annotated[
        list[Path] | None, typer.Option(help="Folders of its records; if none, results before the committed ones.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="The file to write; standard output if none.")] = None,
    format: Annotated[str, typer.Option(help="md for a pull request, html for a browser.")] = "md",
) -> None:
    """Show where one submission stands among the committed records, what it did, and how to reproduce it."""
    from simplibench.commands import report as command

    command.report(name, records, output, format)
