"""The application that every command adds itself to, and options that several commands have."""

from typing import Annotated

import typer

app = typer.Typer(
    name="simplibench",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def simplibench() -> None:
    """How far can you trust a simplified model? Scores simplified proxies in and out of distribution."""


TaskOption = Annotated[
    str | None, typer.Option("--task", help="The task; without, the first with an arena for the method.")
]
FormatOption = Annotated[str, typer.Option("--format", help="table for readers, json for scripts.")]


def require_there(*methods: str, task: str | None = None) -> None:
    """Raise UsageError for a method or task that does not exist: at once, not after torch was loaded.

    `task` may be None or "all".
    """
    from simplibench.registry import find_method, load_task

    for method in methods:
        find_method(method)
    if task not in (None, "all"):
        load_task(task)
