"""`info`: tell about one task, arena or method."""

from collections.abc import Mapping
from typing import Annotated

import typer

from simplibench.cli.app import app
from simplibench.cli.arena import place, rows_of, show_arena
from simplibench.cli.list import about
from simplibench.cli.printing import print_table
from simplibench.errors import UsageError
from simplibench.harness.data import tell_left_out
from simplibench.models import load_card
from simplibench.registry import all_methods, all_tasks, registered_tasks
from simplibench.tasks import Family, Task, absent, load_split


@app.command()
def info(name: Annotated[str, typer.Argument(help="A task, an arena or a method.")]) -> None:
    """Tell about one task, arena or method."""
    show_info(name)


def show_info(name: str) -> None:
    """Print what there is to know of a task, an arena or a method, by name.

    Raises UsageError where nothing is called so, and for a task whose file is broken.
    """
    task_name = name.partition("/")[0]
    broken = registered_tasks().broken_of(task_name)
    if broken and task_name not in all_tasks():
        raise broken.error()
    tell_left_out()
    if name in all_tasks():
        _show_task(all_tasks()[name])
    elif any(name == f"{task.name}/{arena.name}" for task in all_tasks().values() for arena in task.arenas):
        show_arena(name)
    elif name in all_methods():
        _show_method(name)
    else:
        raise UsageError(f"nothing is called {name}; `simplibench list` shows what there is")


def _show_task(task: Task) -> None:
    """Print a task's description, the sizes of its splits, and the quality of its references."""
    print(f"{task.name}, protocol {task.protocol}\n\n{task.card}\n")
    problems = absent(task)
    rows = [[name, role, *_sizes(task, name, problems)] for name, role in task.roles.items()]
    print_table(("split", "role", "sequences", "tokens", "scored positions"), rows)
    for problem in dict.fromkeys(problems.values()):
        print(f"missing: {problem}")
    for family in task.families:
        _show_accuracy(task, family)
        _show_details(task, family)


def _sizes(task: Task, name: str, problems: Mapping[str, str]) -> list[object]:
    """Return the numbers of sequences, tokens and scored positions of a split; `problems`: of splits without data."""
    if name in problems:
        return ["missing", "", ""]
    split = load_split(task, name)
    return [len(split.sequences), len(split.sequences.tokens), len(split.cases)]


def _show_accuracy(task: Task, family: Family) -> None:
    """Print the accuracies of a family's references, by the stricter measure too where the task has one."""
    headers, rows = ["seed", *task.roles], []
    if task.confidence:
        headers += [f"{name} > {task.confidence}" for name in task.roles]
    for seed, reference in load_card(task, family).references.items():
        shares = [reference.accuracy[name] for name in task.roles]
        shares += [reference.confident[name] for name in task.roles] if reference.confident else []
        rows.append([seed, *(f"{share:.4f}" for share in shares)])
    print_table(headers, rows, f"accuracy of the references of family {family.name}")


def _show_details(task: Task, family: Family) -> None:
    """Print what a detailed card has beside: bits per token, and the first reference's accuracy by named stratum."""
    card = load_card(task, family)
    bits = [
        [seed, *(f"{reference.bits[name]:.4f}" for name in task.roles)]
        for seed, reference in card.references.items()
        if reference.bits
    ]
    if bits:
        print_table(["seed", *task.roles], bits, f"bits a token of the references of family {family.name}")
    seed, first = next(iter(card.references.items()))
    by_split = first.strata or {}
    for stratum, names in task.labels.items() if by_split else ():
        rows = []
        for label, shown in names.items():
            qualities = [by_split[split][stratum].get(str(label)) for split in task.roles]
            rows.append([shown, *("" if quality is None else f"{quality.accuracy:.4f}" for quality in qualities)])
        print_table([stratum, *task.roles], rows, f"accuracy of {family.name} seed {seed} by {stratum}")


def _show_method(name: str) -> None:
    """Print a method's kind, file and first line, and its place in every arena."""
    method = all_methods()[name]
    print(f"{name} ({method.kind}), {method.path}\n{about(method.path)}\n")
    rows = rows_of(name)
    print_table(("rank", "arena", "OOD score", "gap"), [place(row, row.arena) for row in rows])
