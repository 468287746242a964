"""`new`: write the file of a new submission, from the template of its track."""

from pathlib import Path
from typing import Annotated

import typer

from simplibench import workspace
from simplibench.cli.app import app
from simplibench.errors import UsageError
from simplibench.files import write_text
from simplibench.methods.template import file_name, submission_text
from simplibench.registry import all_methods


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="The method's name: lower case, digits, dashes.")],
    track: Annotated[str, typer.Option(help="codec or explainer.")] = "codec",
    folder: Annotated[
        Path | None, typer.Option(help="Where to write it; submissions/ of the checkout if none.")
    ] = None,
) -> None:
    """Write a commented submission that runs as it is, to be made yours."""
    write_submission(name, track, folder)


def write_submission(name: str, track: str, folder: Path | None) -> None:
    """Write the file of a new submission and say what comes next.

    Args:
        name: Of the submission.
        track: codec or explainer.
        folder: Where to write it; None: submissions/ of the checkout.

    Raises:
        UsageError: The name or the file is taken, the folder does not exist, or there is no such track.

    """
    text = submission_text(name, track)
    taken = all_methods().get(name)
    if taken:
        raise UsageError(f"there is a {taken.kind} called {name}, {taken.path}; choose another name")
    into = folder or workspace.submissions()
    if folder is None and not into.is_dir():
        raise UsageError(
            f"no folder of submissions at {into}, as this is no checkout; make it, or say where with --folder"
        )
    path = into / file_name(name)
    if path.exists():
        raise UsageError(f"{path}: there already, and left as it is; choose another name or remove it")
    write_text(path, text)
    method = name if into.resolve() == workspace.submissions().resolve() else str(path)
    print(f"wrote {path}, which runs as it is; make it yours\nnext: simplibench validate {method}")
