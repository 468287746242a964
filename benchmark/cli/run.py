"""`run`: score methods, show how it gets on, then their table and their place."""

import json
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simplibench import workspace
from simplibench.audit.choosing import choose
from simplibench.audit.gathering import gather, paths, set_gone_apart
from simplibench.audit.remarks import gone_lines
from simplibench.board import boards, entry_rows, entry_tables
from simplibench.board.entries import failures
from simplibench.board.render import interval_text, rank_text
from simplibench.cli.app import FormatOption, TaskOption, app, require_there
from simplibench.cli.printing import print_table, require_format
from simplibench.cli.progress import ProgressBar
from simplibench.harness.unit import Unit, manifests_of
from simplibench.pool import default_jobs
from simplibench.records import RESULTS, Stored
from simplibench.registry import terms
from simplibench.text import printable

if TYPE_CHECKING:
    from simplibench.harness.options import RunOptions


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

    options = Options(
        methods=methods,
        task=task,
        arenas=arena,
        seeds=seed,
        device=device,
        limit=limit,
        output=output,
        fresh=fresh,
        jobs=jobs,
        timeout=timeout,
        in_process=in_process,
        format=format,
    )
    raise typer.Exit(run_methods(options))


@dataclass(frozen=True)
class Options:
    """The command line's values."""

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

    def checked(self) -> "RunOptions":
        """Return what the run itself is asked for. Raises: UsageError."""
        from simplibench.harness.options import RunOptions

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


def run_methods(options: Options) -> int:
    """Score, save, print; return the exit code: 1 if an entry failed."""
    require_format(options.format, "table", "json")
    from simplibench.guest.sandbox import warn_unenclosed
    from simplibench.harness.runner import Runner

    asked = options.checked()
    config = asked.config
    warn_unenclosed()
    jobs = asked.jobs or (1 if asked.limit else default_jobs(config.device))
    with Runner(config, asked.output, fresh=asked.fresh, progress=ProgressBar(), jobs=jobs) as runner:
        units = runner.plan(options.methods, asked.tasks, asked.arenas, asked.seeds)
        records = runner.score(units)
    there = len(records) - runner.made
    if there:
        print(
            f"{there} of {len(records)} records were there already and valid; --fresh makes them again", file=sys.stderr
        )
    _tell_gone(units, asked.output)
    if options.format == "json":
        print(json.dumps([stored.record.model_dump(mode="json") for stored in records], indent=1))
    else:
        _print_entries(records)
        _print_ranks(records)
        _print_next(records, options)
    return int(any(stored.record.status == "failed" for stored in records))


def _tell_gone(units: "list[Unit]", output: Path) -> None:
    """Name on standard error the records in the folder of entries that the files which were run do not have any more."""
    known, manifests = terms(), manifests_of(units)
    there = gather(output, paths(output, submissions=manifests), known)
    gone = set_gone_apart(there, known, manifests).remarks.gone
    committed = workspace.is_committed(output)
    consequence = "keeping it from the leaderboard until deleted" if committed else "not counted"
    for line in gone_lines(gone, consequence):
        print(line, file=sys.stderr)


def _print_entries(records: "list[Stored]") -> None:

    rows = entry_rows(records)
    for table in entry_tables(rows):
        print_table(table.headers, table.rows, table.title)
    for line in failures(rows):
        print(printable(line), file=sys.stderr)


def _print_ranks(records: "list[Stored]") -> None:
    """Print the ranks of the run's submissions among the committed records, in place of their committed ones."""
    scored = {(stored.record.arena, stored.record.submission) for stored in records}
    known, root = terms(), workspace.committed()
    committed = gather(root, paths(root, arenas={arena for arena, _ in scored}), known)
    others = choose([committed.part(lambda submission: submission not in scored)], known)
    others.remarks.say()
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
        for board in boards(others.stored + records, known, others.faults)
        for row in board.rows
        if (row.arena, row.submission) in scored
    ]
    headers = ("arena", "submission", "rank", "OOD score", "gap", "status", "note")
    print_table(headers, rows, "place among the records of leaderboard.md")


def _print_next(records: "list[Stored]", options: Options) -> None:
    names = list(dict.fromkeys(stored.record.submission for stored in records if stored.record.status == "ok"))
    for command in next_commands(names, options):
        print(f"next: {shlex.join(['simplibench', *command])}")


def next_commands(names: list[str], options: Options) -> list[list[str]]:
    """Return what follows for the submissions that were scored: their reports, or all of a run that was a part of one."""
    elsewhere = [] if options.output == RESULTS else [str(options.output)]
    if not (options.limit or options.in_process or options.seeds):
        return [["report", name, *_repeated("--records", elsewhere)] for name in names]
    task = [options.task] if options.task else []
    again = [*_repeated("--task", task), *_repeated("--arena", options.arenas), *_repeated("--output", elsewhere)]
    return [["run", *options.methods, *again]] if names else []


def _repeated(option: str, values: list[str] | None) -> list[str]:
    """Return an option's words, such as `--arena a --arena b`."""
    return [word for value in values or [] for word in (option, value)]
