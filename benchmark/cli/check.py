"""`check`: a submission scored again on a sub-sample, and held against its records."""

import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

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
from simplibench.board.remeasured import compare
from simplibench.board.render import interval_text
from simplibench.cli.app import app, require_there
from simplibench.cli.printing import print_table
from simplibench.cli.run import Bar
from simplibench.guest import ForkServer
from simplibench.harness.again import compared, score_again, units_again
from simplibench.harness.jobs import guests
from simplibench.harness.options import RunOptions
from simplibench.harness.run import steps
from simplibench.harness.scorer import callers
from simplibench.harness.unit import Conditions
from simplibench.methods import Manifest, source_sha256
from simplibench.records import SeedName, Stored
from simplibench.registry import find_method
from simplibench.text import printable


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
    from simplibench.board.regression import Limits

    limits = Limits(tolerance, runtime_factor)
    options = Options(submission, against, arena, every, seed, limits, limit, device, timeout, in_process)
    raise typer.Exit(check_submission(options))


@dataclass(frozen=True)
class Options:
    """What the command line said."""

    submission: str
    against: Path | None
    arenas: list[str] | None
    every: bool  # entry, also those that take long to fit
    seed: str | None
    limits: Limits
    limit: int | None  # sentences or cases a split that are compared
    device: str
    timeout: float
    in_process: bool


def check_submission(options: Options) -> int:
    """Score again, compare, print. The exit code: 1 if anything got worse."""
    asked = RunOptions.from_command_line(
        seeds=options.seed,
        device=options.device,
        limit=options.limit,
        timeout=options.timeout,
        in_process=options.in_process,
    )
    require_limits(options.limits)
    conditions = replace(asked.conditions, limit=None)  # records' own; asked for is how much is compared
    (seed,) = asked.seeds or (None,)
    file = find_method(options.submission)
    with guests(conditions) as server:
        manifest = describe(file, conditions, server)
        stored = records_of(manifest.name, options.submission, options.against)
        recorded = chosen(stored, options.arenas, seed)
        recorded = recorded if options.arenas else of_generated_tasks(recorded)
        recorded = of_whole_splits(recorded)
        require_comparable(recorded, options.submission)
        known = {one.record.entry for one in recorded}
        recorded = recorded if options.every else of_short_fits(recorded)
        comparisons = compare_again(file, manifest, recorded, conditions, options.limit, server)
    _print_scores(comparisons, options.limits)
    _print_costs(comparisons, options.limits)
    _tell_new(manifest, known)
    return _conclude(file, manifest, recorded, comparisons, options.limits)


def describe(file: Path, conditions: Conditions, server: ForkServer | None) -> Manifest:
    """What a file puts forward. Raises UsageError with what is wrong with it."""
    caller, _ = callers(file, conditions, server)
    manifest = caller.manifest()
    caller.close()
    return manifest


def compare_again(
    file: Path,
    manifest: Manifest,
    recorded: list[Stored],
    conditions: Conditions,
    limit: int | None,
    server: ForkServer | None,
) -> list[Comparison]:
    """The recorded entries, scored again on the first sentences of every split, each held against its record."""
    labels = {entry.label: number for number, entry in enumerate(manifest.entries)}
    wanted: dict[tuple[str, SeedName], frozenset[str]] = {}
    for one in recorded:
        place = one.record.arena, one.record.seed
        wanted[place] = wanted.get(place, frozenset()) | {one.record.entry}
    first = recorded[0].record
    conditions = replace(conditions, limit=first.limit, compared=compared(first.track, limit))
    units = units_again(file, wanted, conditions, server) if labels.keys() & {r.record.entry for r in recorded} else []
    with tempfile.TemporaryDirectory() as folder, Bar(steps(units)) as bar:
        made = score_again(units, conditions, Path(folder), bar, server)
        now = {(one.record.arena, one.record.seed, one.record.entry): one for one in made}
        ordered = sorted(recorded, key=lambda one: (one.record.arena, labels.get(one.record.entry, len(labels))))
        return [_compared(one, now.get((one.record.arena, one.record.seed, one.record.entry))) for one in ordered]


def _compared(recorded: Stored, now: Stored | None) -> Comparison:
    if now is not None:
        return compare(recorded, now)
    record = recorded.record
    return Comparison(record.arena, record.entry, record.seed, broken=GONE)


def _print_scores(comparisons: list[Comparison], limits: Limits) -> None:
    for arena in dict.fromkeys(one.arena for one in comparisons):
        own = [one for one in comparisons if one.arena == arena and one.changes]
        rows = [
            [
                one.entry,
                change.split,
                change.measure,
                f"{change.recorded:.3f}",
                f"{change.now:.3f}",
                interval_text(change.difference),
                "fell" if change.fell(limits) else "ok",
            ]
            for one in own
            for change in one.changes
        ]
        if rows:
            headers = ("entry", "split", "score", "recorded", "now", "difference", "verdict")
            print_table(headers, rows, f"{arena}, reference {own[0].seed}, on the sentences that were scored again")


def _print_costs(comparisons: list[Comparison], limits: Limits) -> None:
    rows = []
    for one in comparisons:
        rate = (
            ("", "", "") if one.rates is None else (*(f"{own:.2f}" for own in one.rates), _word(one.dearer(), "rose"))
        )
        forward = ["", "", "other cases"]
        if one.runtimes is not None:
            texts = (f"{own.median:.2f} [{own.low:.2f}, {own.high:.2f}]" for own in one.runtimes)
            forward = [*texts, _word(one.slower(limits), "grew")]
        if not one.broken:
            rows.append([one.arena, one.entry, *rate, *forward])
    if rows:
        headers = ("arena", "entry", "bits/token", "now", "verdict", "forward [quartiles]", "now", "verdict")
        title = (
            "rate on whole splits (of floats, if none was 0, on what was scored again), and time over the reference's"
        )
        print_table(headers, rows, title)


def _word(worse: list[str], word: str) -> str:
    return word if worse else "ok"


def _tell_new(manifest: Manifest, known: set[str]) -> None:
    new = [entry.label for entry in manifest.entries if entry.label not in known]
    if new:
        print(f"without a record, and so not checked: {printable(', '.join(new))}", file=sys.stderr)


def _conclude(
    file: Path, manifest: Manifest, recorded: list[Stored], comparisons: list[Comparison], limits: Limits
) -> int:
    """Say what was compared and what got worse; the exit code."""
    same = {one.record.source_sha256 for one in recorded} == {source_sha256(file)}
    source = "the recorded version of its file" if same else "another version of its file than the recorded one"
    found = [(one, problem) for one in comparisons for problem in one.problems(limits)]
    for one, problem in found:
        print(printable(f"{one.entry} in {one.arena} on reference {one.seed}: {problem}"), file=sys.stderr)
    worse = len({(one.arena, one.entry) for one, _ in found})
    outcome = f"{worse} got worse or are gone" if worse else "none got worse"
    print(f"{manifest.name}, {source}: {len(comparisons)} recorded entries checked, {outcome}")
    return int(bool(found))
