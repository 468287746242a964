"""`run`: score methods, show how it gets on, then their table and their place."""

import json
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Annotated, Self

import typer

from simplibench import workspace
from simplibench.audit.choosing import choose
from simplibench.audit.gathering import gather, paths, set_gone_apart
from simplibench.audit.remarks import gone_lines
from simplibench.board import boards, entry_rows, entry_tables
from simplibench.board.entries import failures
from simplibench.board.render import interval_text, rank_text
from simplibench.cli.app import FormatOption, TaskOption, app, require_there
from simplibench.cli.printing import print_table, progress_bar, require_format
from simplibench.harness import run as harness
from simplibench.harness.jobs import guests
from simplibench.harness.options import RunOptions
from simplibench.harness.unit import Unit, manifests_of
from simplibench.pool import default_jobs
from simplibench.records import RESULTS, Stored
from simplibench.records.manifests import keep_manifests
from simplibench.registry import terms
from simplibench.text import printable


@app.command()
def run(
    methods: Annotated[list[str], typer.Argument(help="Methods by name, or files.")],
    task: TaskOption = None,
    arena: Annotated[list[str] | None, typer.Option(help="Only this arena; may be repeated.")] = None,
    seed: Annotated[
        list[str] | None, typer.Option(help="Only this reference, 0, 1, ... or untrained; repeatable.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    limit: Annotated[
        int | None, typer.Option(min=1, help="Sentences a split, at most: a quick look, not ranked.")
    ] = None,
    output: Annotated[Path, typer.Option(help="The folder that records are saved in.")] = Path("results"),
    fresh: Annotated[bool, typer.Option(help="Make records again that are there already.")] = False,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Units side by side; by default one a core, at most 4; one with --limit.")
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=0.1, help="Seconds of its own code that an entry gets in a unit.")
    ] = 600.0,
    in_process: Annotated[bool, typer.Option(help="Debug: run the code in this process; not ranked.")] = False,
    format: FormatOption = "table",
) -> None:
    """Score methods, print their table and their place on the leaderboard. Interrupted, it goes on where it was."""
    require_there(*methods, task=task)

    options = Options(methods, task, arena, seed, device, limit, output, fresh, jobs, timeout, in_process, format)
    raise typer.Exit(run_methods(options))


@dataclass(frozen=True)
class Options:
    """What the command line said."""

    methods: list[str]
    task: str | None
    arenas: list[str] | None
    seeds: list[str] | None
    device: str
    limit: int | None
    output: Path
    fresh: bool
    jobs: int | None
    timeout: float
    in_process: bool
    format: str

    def checked(self) -> RunOptions:
        """Return what the run itself is asked for. Raises UsageError."""
        return RunOptions.from_command_line(
            tasks=self.task,
            arenas=self.arenas or None,
            seeds=self.seeds or None,
            device=self.device,
            limit=self.limit,
            output=self.output,
            fresh=self.fresh,
            jobs=self.jobs,
            timeout=self.timeout,
            in_process=self.in_process,
        )


class Bar:
    """The run's progress on standard error."""

    def __init__(self, total: int) -> None:
        self._progress = progress_bar()
        self._task = self._progress.add_task("starting", total=total)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._progress.stop()

    def step(self, what: str) -> None:
        """One split of one entry begins."""
        self._progress.update(self._task, advance=1, description=f"{printable(what):<44}")

    def skip(self, steps: int) -> None:
        """Count steps that will not be needed."""
        self._progress.update(self._task, advance=steps)


def run_methods(options: Options) -> int:
    """Score, save, print. The exit code: 1 if an entry failed."""
    require_format(options.format, "table", "json")
    asked = options.checked()
    conditions = asked.conditions
    with guests(conditions) as server:
        units = harness.plan(options.methods, asked.tasks, asked.arenas, asked.seeds, conditions, server)
        harness.require_own_names(units)
        places = harness.prepare(units, asked.output, asked.fresh)
        with Bar(harness.steps(units)) as bar:
            jobs = asked.jobs or (1 if asked.limit else default_jobs(conditions.device))
            made = harness.run(units, conditions, places, bar, server, jobs)
    keep_manifests(manifests_of(units).values(), asked.output)
    stored = harness.results(units, conditions, places)
    skipped = len(stored) - made
    if skipped:
        print(
            f"{skipped} of {len(stored)} records were there already and valid; --fresh makes them again",
            file=sys.stderr,
        )
    _tell_gone(units, asked.output)
    if options.format == "json":
        print(json.dumps([one.record.model_dump(mode="json") for one in stored], indent=1))
    else:
        _print_entries(stored)
        _print_places(stored)
        _print_next(stored, options)
    return int(any(one.record.status == "failed" for one in stored))


def _tell_gone(units: list[Unit], output: Path) -> None:
    """Name on standard error the records in the folder of entries that the files which were run do not have any more."""
    known, manifests = terms(), manifests_of(units)
    there = gather(output, paths(output, submissions=manifests), known)
    gone = set_gone_apart(there, known, manifests).remarks.gone
    committed = workspace.is_committed(output)
    consequence = "keeping it from the leaderboard until deleted" if committed else "not counted"
    for line in gone_lines(gone, consequence):
        print(line, file=sys.stderr)


def _print_entries(stored: list[Stored]) -> None:
    rows = entry_rows(stored)
    for table in entry_tables(rows):
        print_table(table.headers, table.rows, table.title)
    for line in failures(rows):
        print(printable(line), file=sys.stderr)


def _print_places(stored: list[Stored]) -> None:
    """Where the run's submissions stand among the committed records, in place of their own committed ones."""
    names = {(one.record.arena, one.record.submission) for one in stored}
    known, root = terms(), workspace.committed()
    committed = gather(root, paths(root, arenas={arena for arena, _ in names}), known)
    others = choose([committed.part(lambda place: place not in names)], known)
    others.remarks.say()
    found = boards(others.stored + stored, known, others.faults)
    rows = [
        [
            row.arena,
            row.submission,
            rank_text(row),
            interval_text(row.score),
            interval_text(row.gap),
            row.status,
            row.note,
        ]
        for board in found
        for row in board.rows
        if (row.arena, row.submission) in names
    ]
    headers = ("arena", "submission", "rank", "OOD score", "gap", "status", "note")
    print_table(headers, rows, "place among the records of leaderboard.md")


def _print_next(stored: list[Stored], options: Options) -> None:
    names = list(dict.fromkeys(one.record.submission for one in stored if one.record.status == "ok"))
    for command in next_commands(names, options):
        print(f"next: {shlex.join(['simplibench', *command])}")


def next_commands(names: list[str], options: Options) -> list[list[str]]:
    """What follows for the submissions that were scored: their reports, or all of a run that was a part of one."""
    elsewhere = [] if options.output == RESULTS else [str(options.output)]
    if not (options.limit or options.in_process or options.seeds):
        return [["report", name, *_repeated("--records", elsewhere)] for name in names]
    task = [options.task] if options.task else []
    again = [*_repeated("--task", task), *_repeated("--arena", options.arenas), *_repeated("--output", elsewhere)]
    return [["run", *options.methods, *again]] if names else []


def _repeated(option: str, values: list[str] | None) -> list[str]:
    """`--arena a --arena b`"""
    return [word for value in values or [] for word in (option, value)]
