"""The application that commands are added to, and options that several have."""

from typing import Annotated

import typer

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
