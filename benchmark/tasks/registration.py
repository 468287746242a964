"""Finds tasks by looking into the package's folders, and checks each; a file without a usable one is left out and named.

A file holds a task where `task` stands at its top level, or a class derived from Task that could be one. Any other file
is a helper, and so is one that begins with an underscore. `task = None` says of classes that others put them forward.
"""

import importlib
import inspect
import re
import traceback
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from simplibench.errors import UsageError
from simplibench.tasks.checks import problems
from simplibench.tasks.task import Task

MISSING = object()
NAME_IN_CLASS = re.compile(r"^ {4}name(?:: .*)? = [\"']([^\"']+)[\"']", re.MULTILINE)


@dataclass(frozen=True)
class BrokenTask:
    """A file that should hold a task, and what is wrong with it."""

    path: Path
    names: frozenset[str]  # what a user may call it: its file's name, and those that its classes give
    problems: tuple[str, ...]

    @property
    def line(self) -> str:
        """Return one line that says that it is left out, its first problem, and where all are told."""
        more = f" and {len(self.problems) - 1} more" if len(self.problems) > 1 else ""
        told = f"`simplibench info {self.path.stem}` tells all" if more else "mend it"
        return f"{self.path}: no usable task, so left out: {self.problems[0]}{more}; {told}"

    def error(self) -> UsageError:
        """Return the error for who names it, with every problem."""
        listed = "\n".join(f"  {number}. {problem}" for number, problem in enumerate(self.problems, start=1))
        plural = "s" if len(self.problems) > 1 else ""
        return UsageError(f"{self.path}: no usable task, {len(self.problems)} problem{plural}:\n{listed}")


@dataclass(frozen=True)
class Registered:
    """What is there: tasks by name, and the files that were left out."""

    tasks: dict[str, Task]
    broken: tuple[BrokenTask, ...]

    def broken_of(self, name: str) -> BrokenTask | None:
        """Return the file that a user means by a name, if it is one that was left out."""
        return next((file for file in self.broken if name in file.names), None)


def register(package: ModuleType) -> Registered:
    """Import every file of the package's folders and check the tasks they hold. Two of one name are both left out."""
    by_name: dict[str, list[tuple[Path, Task]]] = defaultdict(list)
    broken = []
    for path in _files(package):
        task, wrong = _examined(package, path)
        if wrong:
            broken.append(_broken(path, wrong, getattr(task, "name", "")))
        elif task is not None:
            by_name[task.name].append((path, task))
    for name, holders in by_name.items():
        paths = [path for path, _ in holders]
        for path in paths if len(paths) > 1 else ():
            others = ", ".join(str(other) for other in paths if other != path)
            problem = f"name: expected one that no other task has, got {name!r}, as has {others}"
            broken.append(_broken(path, [problem], name))
    tasks = {name: holders[0][1] for name, holders in by_name.items() if len(holders) == 1}
    return Registered(tasks, tuple(broken))


def _files(package: ModuleType) -> Iterator[Path]:
    for folder in package.__path__:
        yield from sorted(Path(folder).glob("[!_]*.py"))


def _examined(package: ModuleType, path: Path) -> tuple[Task | None, list[str]]:
    """Return the task that a file holds, None for a helper, and what is wrong with it."""
    try:
        module = importlib.import_module(f"{package.__name__}.{path.stem}")
    except (Exception, SystemExit) as error:
        return None, [_not_imported(error, path)]
    task = getattr(module, "task", MISSING)
    if task is None:
        return None, []
    if isinstance(task, Task):
        return task, problems(task)
    classes = _own_classes(module)
    expected = f"an instance of Task, such as `task = {classes[-1] if classes else 'MyTask'}()`"
    if task is not MISSING:
        got = f"the class {task.__name__}" if isinstance(task, type) else f"{type(task).__name__} {task!r}"
        return None, [f"task: expected {expected}, got {got}"]
    if classes:
        got = f"nothing of that name beside the class {', '.join(classes)}"
        return None, [f"task: expected {expected}, or `task = None` in a file of helpers, got {got}"]
    return None, []


def _own_classes(module: ModuleType) -> list[str]:
    """Return the classes that a module derives from Task and that could be a task: not abstract ones."""
    derived = (value for value in vars(module).values() if isinstance(value, type) and issubclass(value, Task))
    names = [
        value.__name__ for value in derived if value.__module__ == module.__name__ and not inspect.isabstract(value)
    ]
    return list(dict.fromkeys(names))


def _not_imported(error: BaseException, path: Path) -> str:
    """Say in one line why a file cannot be imported, and in which of its lines."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    if isinstance(error, SyntaxError) and error.filename == str(path) and error.lineno:
        lines.append(error.lineno)
    at = f"line {lines[-1]}: " if lines else ""
    said = " ".join(f"{type(error).__name__}: {error}".split())
    return f"{at}expected a file that can be imported, got {said}"


def _broken(path: Path, wrong: list[str], name: object) -> BrokenTask:
    """Return what is told of a file; `name` is what its task says, if that is known, else what its text looks like."""
    try:
        declared = NAME_IN_CLASS.findall(path.read_text(encoding="utf-8", errors="replace"))
    except OSError:  # a link to nothing, a folder, no leave to read: the import has said so
        declared = []
    called = {path.stem, path.stem.replace("_", "-"), str(name) or path.stem, *declared}
    return BrokenTask(path, frozenset(called), tuple(wrong))
