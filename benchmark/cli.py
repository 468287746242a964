"""The commands, thin: names, options and exit codes. Each imports what it needs when it is called."""

import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from benchmark.errors import SimplibenchError

app = typer.Typer(
    name="simplibench",
    help="How far can you trust a simplified model? Scores simplified proxies in and out of distribution.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

TaskOption = Annotated[
    str | None, typer.Option("--task", help="The task; without, the first with an arena for the method.")
]
FormatOption = Annotated[str, typer.Option("--format", help="table for readers, json for scripts.")]


@app.command("list")
def list_everything(format: FormatOption = "table") -> None:
    """Show the tasks, arenas and methods there are."""
    from benchmark.commands import listing

    listing.show_list(format)


@app.command()
def info(name: Annotated[str, typer.Argument(help="A task, an arena or a method.")]) -> None:
    """Tell about one task, arena or method."""
    from benchmark.commands import listing

    listing.show_info(name)


@app.command()
def validate(
    file: Annotated[str, typer.Argument(help="A submission's file, or a method's name.")],
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    timeout: Annotated[float, typer.Option(help="Seconds of its own code that an entry gets.")] = 10.0,
) -> None:
    """Check a submission against the contract, on tiny real activations; every problem is listed."""
    from benchmark.commands import validate as command

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
    output: Annotated[Path, typer.Option(help="Where records are saved.")] = Path("results"),
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
    from benchmark.commands import run as command

    options = command.Options(
        methods, task, arena, seed, device, limit, output, fresh, jobs, timeout, in_process, format
    )
    raise typer.Exit(command.run(options))


@app.command()
def leaderboard(
    check: Annotated[bool, typer.Option(help="Verify every record and that leaderboard.md is what they give.")] = False,
    format: Annotated[str | None, typer.Option(help="Print md, json or csv instead of writing leaderboard.md.")] = None,
    records: Annotated[list[Path] | None, typer.Option(help="Folders of records; the committed ones if none.")] = None,
    page: Annotated[
        Path | None, typer.Option(help="The page to write or check; leaderboard.md of the checkout.")
    ] = None,
) -> None:
    """Make leaderboard.md from the records and nothing else."""
    from benchmark.commands import leaderboard as command

    command.leaderboard(check, format, records, page)


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
    threads: Annotated[int, typer.Option(min=1, help="Another number may end at other weights.")] = 1,
    save_every: Annotated[float, typer.Option(min=1, help="Seconds between saves.")] = 120.0,
    device: Annotated[str, typer.Option(help="cpu, where the shipped ones were trained; cuda; auto.")] = "cpu",
) -> None:
    """Train references. Killed at any moment, the same command goes on, to the same weights."""
    from benchmark.commands import train as command

    command.train(task, seed, family, output, threads, save_every, device)


@app.command()
def study(
    name: Annotated[str, typer.Argument(help="balance or code.")],
    output: Annotated[Path, typer.Option(help="Folder for tables and figure.")] = Path("results/studies"),
) -> None:
    """Recompute a paper's analysis from the shipped models: tables as CSV, figures as PNG."""
    from benchmark.commands import study as command

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
    from benchmark.commands import data as command

    command.fetch_data(task, only)


@data.command("list")
def list_data(format: FormatOption = "table") -> None:
    """Show packages, licences, sizes and splits, and which of them are there."""
    from benchmark.commands import data as command

    command.list_data(format)


def main() -> None:
    """Run a command. A user's mistake is one text on standard error and exit code 2, a failure exit code 1."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # see harness/guest.py; read when torch is loaded
    signal.signal(signal.SIGINT, _interrupt)
    try:
        app()
    except SimplibenchError as error:
        print(f"simplibench: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except Interrupted:
        print("simplibench: interrupted; what is saved stays, the same command goes on from there", file=sys.stderr)
        raise SystemExit(130) from None


class Interrupted(BaseException):
    """Ctrl-C, by another name than KeyboardInterrupt, which typer answers itself and without a word."""


def _interrupt(signal_number: int, frame: FrameType | None) -> None:
    raise Interrupted


if __name__ == "__main__":
    main()
