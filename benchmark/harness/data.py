"""What data a task's records need, and what to say where they are missing."""

import sys

from benchmark.errors import UsageError
from benchmark.harness.unit import present
from benchmark.tasks import Task, absent


def require_data(task: Task) -> None:
    """Say which splits are missing. Raises UsageError where no record can be made without them."""
    problem = _lacking(task)
    if problem:
        raise UsageError(f"{task.name} cannot be run: {problem}")
    for name, reason in absent(task).items():
        print(f"{task.name}: scored without {name}, so not ranked: {reason}", file=sys.stderr)


def with_data(tasks: list[Task]) -> list[Task]:
    """Those that records can be made of here; the others are named on standard error."""
    for task in tasks:
        if problem := _lacking(task):
            print(f"{task.name} is left out: {problem}", file=sys.stderr)
    return [task for task in tasks if not _lacking(task)]


def _lacking(task: Task) -> str:
    """What is missing of a split to fit on, one in distribution and one out of it."""
    problems, there = absent(task), {task.roles[name] for name in present(task)}
    fit = next(name for name, role in task.roles.items() if role == "fit")
    if fit in problems or not {"id", "ood"} <= there:
        return problems.get(fit) or next(iter(problems.values()))
    return ""
