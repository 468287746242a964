"""What data a task's records need, and what to say where they are missing."""

import sys

from simplibench.errors import UsageError
from simplibench.harness.unit import present
from simplibench.registry import broken_tasks, has_references, scored_splits
from simplibench.tasks import Task, absent


def tell_left_out() -> None:
    """Name on standard error each file of the tasks folder that holds no usable task."""
    for file in broken_tasks():
        print(file.line, file=sys.stderr)


def require_data(task: Task) -> None:
    """Say which splits are missing. Raises: UsageError where no record can be made without them."""
    if _cannot_run(task):
        raise UsageError(f"{task.name} cannot be run: {_lacking(task)}")
    for name, reason in absent(task).items():
        if name in scored_splits(task):
            print(f"{task.name}: scored without {name}, so not ranked: {reason}", file=sys.stderr)


def require_all_data(task: Task) -> None:
    """Refuse a task of which a split, or the training sequences, are missing. Raises: UsageError."""
    if absent(task):
        raise UsageError(f"{task.name}: all of its data are needed: {_lacking(task)}")


def with_data(tasks: list[Task]) -> list[Task]:
    """Return those that records can be made of here; the others are named on standard error."""
    kept = []
    for task in tasks:
        if not has_references(task):
            command = f"`simplibench train {task.name} --output benchmark/models/checkpoints` trains them"
            print(f"{task.name} is left out: there are no cards of its references; {command}", file=sys.stderr)
        elif _cannot_run(task):
            print(f"{task.name} is left out: {_lacking(task)}", file=sys.stderr)
        else:
            kept.append(task)
    return kept


def _cannot_run(task: Task) -> bool:
    """Return whether no record can be made: it takes the split to fit on, one in distribution and one out of it."""
    fit = next(name for name, role in task.roles.items() if role == "fit")
    return fit in absent(task) or not {"id", "ood"} <= {task.roles[name] for name in present(task)}


def _lacking(task: Task) -> str:
    return f"there are no data of {', '.join(absent(task))}; `simplibench data fetch {task.name}` fetches them"
