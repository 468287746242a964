"""`check`: a submission scored again on a sub-sample, and held against its records."""

import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simplibench.audit.baseline_records import (
    chosen,
    of_generated_tasks,
    of_short_fits,
    of_whole_splits,
    records_of,
    require_comparable,
)
from simplibench.board.regression import GONE, Comparison, Limits, require_limits
from simplibench.board.render import interval_text
from simplibench.board.tracks import compare
from simplibench.cli.app import app, require_there
from simplibench.cli.printing import print_table
from simplibench.cli.progress import ProgressBar
from simplibench.methods import Manifest, source_sha256
from simplibench.pool import default_jobs
from simplibench.records import SeedName, Stored
from simplibench.registry import find_method
from simplibench.text import printable

if TYPE_CHECKING:
    from simplibench.harness.runner import Runner


@app.command()
def check(
    submission: Annotated[str, typer.Argument(help="A submission's file, or a method's name.")],
    against: Annotated[
        Path | None,
        typer.Option(help="A record, or a folder of records; without, the committed ones before those in results."),
    ] = None,
    tolerance: Annotated[
        float, typer.Option(help="How far below 0 the whole interval of a score's difference may lie.")
    ] = 0.0,
    runtime_factor: Annotated[
        float, typer.Option(help="How often the recorded upper quartile of the runtime its lower quartile may be now.")
    ] = 2.0,
    arena: Annotated[list[str] | None, typer.Option(help="Only this arena; may be repeated.")] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Every entry; without, those of an arena whose fits took 3 s together.")
    ] = False,
    seed: Annotated[str | None, typer.Option(help="The reference; without, the first that has records.")] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="Sentences a split that are compared, 100 if not said; of an explainer cases, 4."),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds of its own code that an entry gets.")] = 600.0,
    in_process: Annotated[bool, typer.Option(help="Debug: run the code in this process.")] = False,
) -> None:
    """Score a submission again on a sub-sample; exit code 1 if it got worse than its records."""
    require_there(submission)

    options = Options(
        submission=submission,
        against=against,
        arenas=arena,
        every=every,
        seed=seed,
        limits=Limits(tolerance=tolerance, runtime_factor=runtime_factor),
        limit=limit,
        device=device,
        timeout=timeout,
        in_process=in_process,
    )
    raise typer.Exit(check_submission(options))


@dataclass(frozen=True)
class Options:
    """The command line's values."""

    submission: str
    against: Path | None
    arenas: list[str] | None
    every: bool  # entry, also those that take long to fit
    seed: str | None
    limits: "Limits"
    limit: int | None  # sentences or cases a split that are compared
    device: str
    timeout: float
    in_process: bool


def check_submission(options: Options) -> int:
    """Score again, compare, print; return the exit code: 1 if anything got worse."""
    from simplibench.harness.options import RunOptions
    from simplibench.harness.runner import Runner

    asked = RunOptions.from_command_line(
        seeds=options.seed,
        device=options.device,
        limit=options.limit,
        timeout=options.timeout,
        in_process=options.in_process,
    )
    require_limits(options.limits)
    file = find_method(options.submission)
    config = replace(asked.config, limit=None)  # the records' limit counts; that asked for is how much is compared
    progress, jobs = ProgressBar(), default_jobs(config.device)
    with (
        tempfile.TemporaryDirectory() as folder,
        Runner(config, Path(folder), progress=progress, jobs=jobs) as runner,
    ):
        manifest = runner.describe(file)
        (seed,) = asked.seeds or (None,)
        comparable = _comparable(manifest, options, seed)
        recorded = comparable if options.every else of_short_fits(comparable)
        comparisons = compare_again(runner, file, manifest, recorded, options.limit)
    _print_scores(comparisons, options.limits)
    _print_costs(comparisons, options.limits)
    _tell_new(manifest, {stored.record.entry for stored in comparable})
    return _conclude(file, manifest, recorded, comparisons, options.limits)


def _comparable(manifest: "Manifest", options: Options, seed: "SeedName | None") -> "list[Stored]":
    """Return the submission's records that can be compared. Raises: UsageError where there are none."""
    recorded = chosen(records_of(manifest.name, options.submission, options.against), options.arenas, seed)
    recorded = of_whole_splits(recorded if options.arenas else of_generated_tasks(recorded))
    require_comparable(recorded, options.submission)
    return recorded


def compare_again(
    runner: "Runner", file: Path, manifest: "Manifest", recorded: "list[Stored]", limit: int | None
) -> "list[Comparison]":
    """Score the recorded entries again on the first sentences of every split; return each held against its record."""
    from simplibench.harness.again import compared, units_again

    numbers = {entry.label: number for number, entry in enumerate(manifest.entries)}
    wanted: dict[tuple[str, SeedName], frozenset[str]] = {}
    for record in (stored.record for stored in recorded):
        labels = wanted.get((record.arena, record.seed), frozenset())
        wanted[record.arena, record.seed] = labels | {record.entry}
    first = recorded[0].record
    config = replace(runner.config, limit=first.limit, compared=compared(first.track, limit))
    again = runner.under(config, runner.output)
    any_left = numbers.keys() & {stored.record.entry for stored in recorded}
    made = again.score(units_again(again, file, wanted) if any_left else [])
    now = {(stored.record.arena, stored.record.seed, stored.record.entry): stored for stored in made}
    comparisons = []
    for stored in sorted(recorded, key=lambda old: (old.record.arena, numbers.get(old.record.entry, len(numbers)))):
        arena, seed, entry = stored.record.arena, stored.record.seed, stored.record.entry
        new = now.get((arena, seed, entry))
        comparisons.append(compare(stored, new) if new else Comparison(arena, entry, seed, broken=GONE))
    return comparisons


def _print_scores(comparisons: "list[Comparison]", limits: "Limits") -> None:

    for arena in dict.fromkeys(comparison.arena for comparison in comparisons):
        compared = [comparison for comparison in comparisons if comparison.arena == arena and comparison.changes]
        rows = [
            [
                comparison.entry,
                change.split,
                change.measure,
                f"{change.recorded:.3f}",
                f"{change.now:.3f}",
                interval_text(change.difference),
                "fell" if change.fell(limits) else "ok",
            ]
            for comparison in compared
            for change in comparison.changes
        ]
        if rows:
            headers = ("entry", "split", "score", "recorded", "now", "difference", "verdict")
            print_table(
                headers, rows, f"{arena}, reference {compared[0].seed}, on the sentences that were scored again"
            )


def _print_costs(comparisons: "list[Comparison]", limits: "Limits") -> None:
    rows = []
    for comparison in comparisons:
        rate, forward = ["", "", ""], ["", "", "other cases"]
        if comparison.rates is not None:
            rate = [*(f"{bits:.2f}" for bits in comparison.rates), "rose" if comparison.costlier() else "ok"]
        if comparison.runtimes is not None:
            texts = (f"{ratio.median:.2f} [{ratio.low:.2f}, {ratio.high:.2f}]" for ratio in comparison.runtimes)
            forward = [*texts, "grew" if comparison.slower(limits) else "ok"]
        if not comparison.broken:
            rows.append([comparison.arena, comparison.entry, *rate, *forward])
    if rows:
        headers = ("arena", "entry", "bits/token", "now", "verdict", "forward [quartiles]", "now", "verdict")
        title = (
            "rate on whole splits (of floats, if none was 0, on what was scored again), and time over the reference's"
        )
        print_table(headers, rows, title)


def _tell_new(manifest: "Manifest", with_record: set[str]) -> None:
    new = [entry.label for entry in manifest.entries if entry.label not in with_record]
    if new:
        print(f"without a record, and so not checked: {printable(', '.join(new))}", file=sys.stderr)


def _conclude(
    file: Path, manifest: "Manifest", recorded: "list[Stored]", comparisons: "list[Comparison]", limits: "Limits"
) -> int:
    """Print what was compared and what got worse; return the exit code."""
    same = {stored.record.source_sha256 for stored in recorded} == {source_sha256(file)}
    source = "the recorded version of its file" if same else "another version of its file than the recorded one"
    problems = [(comparison, problem) for comparison in comparisons for problem in comparison.problems(limits)]
    for comparison, problem in problems:
        place = f"{comparison.entry} in {comparison.arena} on reference {comparison.seed}"
        print(printable(f"{place}: {problem}"), file=sys.stderr)
    worse = len({(comparison.arena, comparison.entry) for comparison, _ in problems})
    outcome = f"{worse} got worse or are gone" if worse else "none got worse"
    print(f"{manifest.name}, {source}: {len(comparisons)} recorded entries checked, {outcome}")
    return int(bool(problems))
