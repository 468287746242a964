"""`info`: tell about one task, arena or method."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Annotated

import typer

from simplibench import workspace
from simplibench.audit.choosing import Chosen, choose
from simplibench.audit.gathering import gather, paths
from simplibench.board import TRACKS, Row, boards
from simplibench.board.render import interval_text, rank_text
from simplibench.board.track import Entry
from simplibench.cli.app import app
from simplibench.cli.list import about
from simplibench.cli.printing import print_table
from simplibench.errors import UsageError
from simplibench.harness.data import tell_left_out
from simplibench.models import load_card
from simplibench.records import Record
from simplibench.registry import all_methods, all_tasks, registered_tasks, terms
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
        _show_arena(name)
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
    rows = _board_rows(name)
    print_table(("rank", "arena", "OOD score", "gap"), [_cells(row, row.arena) for row in rows])


def _show_arena(name: str) -> None:
    """Print an arena's ranking, then the figures of every entry."""
    committed = _committed([name])
    rows = [row for board in boards(committed.stored, terms(), committed.faults) for row in board.rows]
    print_table(("rank", "submission", "OOD score", "gap"), [_cells(row, row.submission) for row in rows], name)
    if not rows:
        task, _, arena = name.partition("/")
        print(f"no record of it is committed; `simplibench run METHOD --task {task} --arena {arena}` makes some")
    by_entry: dict[Entry, list[Record]] = defaultdict(list)
    for stored in committed.stored:
        record = stored.record
        if record.status == "ok" and record.seed != "untrained":
            by_entry[record.submission, record.entry].append(record)
    for table in TRACKS[next(iter(by_entry.values()))[0].track].details(by_entry) if by_entry else ():
        print_table(table.headers, table.rows, table.title)


def _board_rows(submission: str) -> list[Row]:
    """Return a submission's rows of the leaderboard."""
    root = workspace.committed()
    arenas = {path.parent.relative_to(root).as_posix() for path in root.glob(f"*/*/{submission}")}
    committed = _committed(arenas)
    ranked = boards(committed.stored, terms(), committed.faults)
    return [row for board in ranked for row in board.rows if row.submission == submission]


def _committed(arenas: Collection[str]) -> Chosen:
    """Read the committed records of some arenas; name on standard error those that cannot be used."""
    known, root = terms(), workspace.committed()
    chosen = choose([gather(root, paths(root, arenas), known)], known)
    chosen.remarks.say()
    return chosen


def _cells(row: Row, name: str) -> list[str]:
    """Return a row's rank and score under some name."""
    return [rank_text(row), name, interval_text(row.score) or row.note, interval_text(row.gap)]
