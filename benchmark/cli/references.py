"""Commands about the references and what they are trained and studied on."""

from pathlib import Path
from typing import Annotated

import typer

from simplibench.cli.app import FormatOption, app


@app.command()
def train(
    task: Annotated[str, typer.Argument(help="The task.")],
    seed: Annotated[
        list[str] | None, typer.Option(help="0, 1, ... or untrained; repeatable. Without: all that are missing.")
    ] = None,
    family: Annotated[
        str | None, typer.Option(help="Of this family; without, the first, or all without a seed.")
    ] = None,
    output: Annotated[Path, typer.Option(help="Folder for weights and card.")] = Path("trained"),
    threads: Annotated[int, typer.Option(min=1, max=1_024, help="Another number may end at other weights.")] = 1,
    save_every: Annotated[float, typer.Option(min=1, help="Seconds between saves.")] = 120.0,
    device: Annotated[str, typer.Option(help="cpu, where the shipped ones were trained; cuda; auto.")] = "cpu",
) -> None:
    """Train references. Killed at any moment, the same command goes on, to the same weights."""
    from simplibench.commands import train as command

    command.train(task, seed, family, output, threads, save_every, device)


@app.command()
def study(
    name: Annotated[str, typer.Argument(help="balance, code or noise.")],
    output: Annotated[Path, typer.Option(help="Folder for tables and figure.")] = Path("results/studies"),
) -> None:
    """Recompute a paper's analysis from the shipped models, or audit the leaderboard: tables as CSV, figures as PNG."""
    from simplibench.commands import study as command

    command.study(name, output)


data = typer.Typer(
    name="data", help="The public packages that tasks on real code are built from.", no_args_is_help=True
)
app.add_typer(data)


@data.command("fetch")
def fetch_data(
    task: Annotated[str, typer.Argument(help="The task, such as code-python.")],
    only: Annotated[list[str] | None, typer.Option(help="Only this group, such as train; may be repeated.")] = None,
) -> None:
    """Fetch a task's packages with pip, checked by hash, and build its splits. Interrupted, it goes on where it was."""
    from simplibench.commands import data as command

    command.fetch_data(task, only)


@data.command("list")
def list_data(format: FormatOption = "table") -> None:
    """Show packages, licences, sizes and splits, and which of them are there."""
    from simplibench.commands import data as command

    command.list_data(format)
