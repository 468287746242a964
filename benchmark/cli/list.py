"""`list`: show the tasks, arenas and methods there are."""

import ast
import json
from pathlib import Path

from simplibench.cli.app import FormatOption, app
from simplibench.cli.printing import print_table, require_format
from simplibench.harness.data import tell_left_out
from simplibench.registry import all_methods, all_tasks


@app.command("list")
def list_everything(format: FormatOption = "table") -> None:
    """Show the tasks, arenas and methods there are."""
    show_list(format)


def show_list(format: str) -> None:
    """Print tasks, arenas and methods: as tables, as JSON with the keys `tasks` and `methods`, or the methods' names."""
    require_format(format, "table", "json", "names")
    tell_left_out()
    if format == "names":
        print("\n".join(all_methods()))
    elif format == "json":
        _print_json()
    else:
        _print_tables()


def _print_json() -> None:
    tasks = [
        {
            "name": task.name,
            "protocol": task.protocol,
            "splits": dict(task.roles),
            "arenas": [f"{task.name}/{arena.name}" for arena in task.arenas],
            "families": {family.name: list(family.references) for family in task.families},
        }
        for task in all_tasks().values()
    ]
    methods = [
        {"name": method.name, "kind": method.kind, "path": str(method.path), "about": about(method.path)}
        for method in all_methods().values()
    ]
    print(json.dumps({"tasks": tasks, "methods": methods}, indent=1))


def _print_tables() -> None:
    arenas = [
        [f"{task.name}/{arena.name}", arena.track, ", ".join(f"{split} ({role})" for split, role in task.roles.items())]
        for task in all_tasks().values()
        for arena in task.arenas
    ]
    print_table(("arena", "track", "splits"), arenas)
    methods = [[method.name, method.kind, about(method.path)] for method in all_methods().values()]
    print_table(("method", "kind", "about"), methods)
    print("simplibench info NAME tells more; simplibench run METHOD scores one")


def about(path: Path) -> str:
    """Return the first line of a method's docstring, read without running the file."""
    try:
        text = ast.get_docstring(ast.parse(path.read_bytes())) or ""  # bytes, which may say in what encoding they are
    except (SyntaxError, ValueError):
        return "(cannot be read; `simplibench validate` says why)"
    return text.partition("\n")[0]
