"""`data fetch` and `data list`: fetch, or show, the public packages that a task on real code is built from."""

import json
import sys
from typing import Annotated, Any

import typer

from simplibench.cli.app import FormatOption, app
from simplibench.cli.printing import print_table, progress_bar, require_format
from simplibench.errors import UsageError
from simplibench.tasks.code import Group, Manifest, Package, load_manifest
from simplibench.tasks.code.fetch import fetch, found_hash, packages_folder
from simplibench.tasks.code_python import Code, code_python
from simplibench.tasks.splits import generate, stored_sizes
from simplibench.tasks.task import TRAINING

TASKS: dict[str, Code] = {code_python.name: code_python}


data = typer.Typer(name="data", no_args_is_help=True)
app.add_typer(data)


@data.callback()
def describe_data() -> None:
    """Fetch or show the public packages that tasks on real code are built from."""


@data.command("fetch")
def fetch_data(
    task: Annotated[str, typer.Argument(help="The task, such as code-python.")],
    only: Annotated[list[str] | None, typer.Option(help="Only this group, such as train; may be repeated.")] = None,
) -> None:
    """Fetch a task's packages with pip, checked by hash, and build its splits. Interrupted, it goes on where it was."""
    fetch_packages(task, only)


@data.command("list")
def list_data(format: FormatOption = "table") -> None:
    """Show packages, licences, sizes and splits, and which of them are there."""
    show_packages(format)


def fetch_packages(task_name: str, only: list[str] | None) -> None:
    """Fetch the packages that are missing and build the splits they give.

    Args:
        task_name: The task.
        only: The groups of packages to fetch; None: all.

    Raises:
        UsageError: There is no such task or group, or pip could not fetch a package.
        DamagedFile: A package is not the one that is pinned.

    """
    if task_name not in TASKS:
        raise UsageError(f"no data to fetch for {task_name}; there are: {', '.join(TASKS)}")
    task, manifest = TASKS[task_name], load_manifest()
    packages, folder = manifest.of(_groups(manifest, only)), packages_folder()
    with progress_bar() as bar:
        shown = bar.add_task("looking", total=len(packages))
        before = iter([0, *[1] * len(packages)])  # what is done when `fetch` names a package: the one before it
        fetched = fetch(
            packages, folder, lambda package: bar.update(shown, advance=next(before), description=f"{package!s:<30}")
        )
        bar.update(shown, completed=len(packages), description=f"{'packages':<30}")
    size = sum(package.bytes for package in packages) / 1e6
    print(f"{len(packages)} packages, {size:.0f} MB, are in {folder}; {fetched} were fetched", file=sys.stderr)
    _build(task)
    _show_splits(task)


def show_packages(format: str) -> None:
    """Print the packages with their licences and states, and the splits; as JSON with `packages` and `splits`."""
    require_format(format, "table", "json")
    packages = [_package_row(package) for package in load_manifest().packages]
    if format == "json":
        splits = {task.name: [_split_row(task, name) for name in _names(task)] for task in TASKS.values()}
        print(json.dumps({"packages": packages, "splits": splits}, indent=1))
        return
    print_table(list(packages[0]), [list(row.values()) for row in packages], f"packages in {packages_folder()}")
    for task in TASKS.values():
        _show_splits(task)
        print(f"simplibench data fetch {task.name} brings what is missing; --only GROUP only that group's")


def _groups(manifest: Manifest, only: list[str] | None) -> tuple[Group, ...]:
    """Return the groups asked for, in the manifest's order. Raises UsageError for one that does not exist."""
    unknown = [name for name in only or () if name not in manifest.groups]
    if unknown:
        raise UsageError(f"--only must be one of {', '.join(manifest.groups)}, got {', '.join(unknown)}")
    return tuple(group for group in manifest.groups if not only or group in only)


def _build(task: Code) -> None:
    """Build the splits that have data and are not built yet; say what is missing."""
    missing = task.missing()
    if TRAINING in missing:
        print(f"{task.name}: no split can be built: {missing[TRAINING]}", file=sys.stderr)
    elif any(stored_sizes(task, name) is None for name in _names(task) if name not in missing):
        print("building the splits, a minute or two", file=sys.stderr)
        generate(task)


def _names(task: Code) -> list[str]:
    """Return the names of a task's splits, the training sequences first."""
    return [TRAINING, *task.roles]


def _show_splits(task: Code) -> None:
    """Print a task's splits with their sizes and states."""
    rows = [_split_row(task, name) for name in _names(task)]
    print_table(list(rows[0]), [["" if cell is None else cell for cell in row.values()] for row in rows], task.name)


def _split_row(task: Code, name: str) -> dict[str, Any]:
    """Return a split's row of the table: its sizes are None where it is not built."""
    sizes = stored_sizes(task, name)
    sequences, characters = (sizes[0], sizes[1] - sizes[0]) if sizes else (None, None)  # START is no character
    state = "built" if sizes else "data missing" if name in task.missing() else "not built"
    role = task.roles.get(name, TRAINING)
    return {"split": name, "role": role, "sequences": sequences, "characters": characters, "state": state}


def _package_row(package: Package) -> dict[str, Any]:
    """Return a package's row of the table."""
    sha256 = found_hash(packages_folder() / package.file)
    return {
        "package": package.name,
        "version": package.version,
        "licence": package.licence,
        "groups": ", ".join(package.groups),
        "MB": f"{package.bytes / 1e6:.1f}",
        "state": "there" if sha256 == package.sha256 else "changed" if sha256 else "missing",
    }
