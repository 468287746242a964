"""`rerun`: an entry again from what its record says, and how far the two differ."""

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from simplibench.audit.records import require_whole
from simplibench.cli.app import app
from simplibench.cli.printing import print_table
from simplibench.cli.progress import ProgressBar
from simplibench.errors import UsageError
from simplibench.harness.unit import RunConfig, Unit, present
from simplibench.methods import EntrySpec, MethodSpec, source_sha256
from simplibench.records import Record, Stored, load_single
from simplibench.records.reproduction import Figure, changes, figures, runtimes
from simplibench.registry import all_methods, find_method, load_task, protocol
from simplibench.text import printable

if TYPE_CHECKING:
    from simplibench.harness.runner import Runner


@app.command()
def rerun(
    record: Annotated[Path, typer.Argument(help="A record, by its .json file.")],
    file: Annotated[
        str | None, typer.Option(help="The submission's file, where it is in neither baselines/ nor submissions/.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Where the new record is kept; without, nowhere.")] = None,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds of its own code that the entry gets.")] = 600.0,
) -> None:
    """Make a record again from what it says, and compare: equal where it was made alike, else within tolerances."""
    raise typer.Exit(rerun_record(record, file, output, timeout))


def rerun_record(path: Path, file: str | None, output: Path | None, timeout: float) -> int:
    """Make the record again, compare, print; return the exit code: 1 if it differs by more than is allowed."""
    from simplibench.harness.options import RunOptions

    timeout = RunOptions.from_command_line(timeout=timeout).timeout
    if not path.exists():
        raise UsageError(f"{path}: no such record; expected the path of a .json file")
    stored = load_single(path)
    require_whole(stored)
    _require_protocol(stored)
    source = _source(stored, file)
    _require_data(stored)
    with TemporaryDirectory() if output is None else nullcontext(output) as folder:
        again = _make(stored, source, Path(folder), timeout)
    return _compare(stored.record, again)


def _require_protocol(stored: "Stored") -> None:
    """Refuse a record of another protocol than today's. Raises: UsageError."""
    record, current = stored.record, protocol(load_task(stored.record.task), stored.record.track)
    if record.protocol != current:
        commit = f" that is commit {record.environment.commit};" if record.environment.commit else ""
        raise UsageError(
            f"{stored.path}: protocol: expected {current.task_version}.{current.scoring_version} ({current.sha256}), "
            f"got {record.protocol.task_version}.{record.protocol.scoring_version} ({record.protocol.sha256});"
            f"{commit} rerun it in a checkout of its time, or run the entry anew"
        )


def _source(stored: "Stored", file: str | None) -> Path:
    """Return the submission's file, as it was. Raises: UsageError where it is not there or was changed."""
    name, wanted = stored.record.submission, stored.record.source_sha256
    files = [find_method(file)] if file else [method.path for method in all_methods().values()]
    hashes = {path: source_sha256(path) for path in files}
    same = [path for path, sha256 in hashes.items() if sha256 == wanted]
    if same:
        return same[0]
    named = files[0] if file else all_methods()[name].path if name in all_methods() else None
    if named is None:
        raise UsageError(
            f"{stored.path}: source_sha256: neither baselines/ nor submissions/ has a file of {name!r}; expected one of "
            f"sha256 {wanted}; restore it, or name a file by --file"
        )
    raise UsageError(
        f"{stored.path}: source_sha256: expected {wanted}, got {hashes[named]} of {named}: the file was changed; restore "
        "it as it was, or run the entry anew"
    )


def _require_data(stored: "Stored") -> None:
    """Refuse a record one of whose splits is missing here. Raises: UsageError."""
    task = load_task(stored.record.task)
    missing = [name for name in stored.record.splits if name not in present(task)]
    if missing:
        raise UsageError(
            f"{stored.path}: splits: expected the data of {', '.join(missing)}, which are not here; "
            f"`simplibench data fetch {task.name}` fetches them"
        )


def _make(stored: "Stored", source: Path, output: Path, timeout: float) -> "Record":
    """Return the record of the same entry, made now. Raises: UsageError where it would be written over the old one."""
    from simplibench.harness.runner import Runner
    from simplibench.harness.runtime import resolve_device

    record = stored.record
    config = RunConfig(
        device=resolve_device(record.environment.device),
        limit=record.limit,
        in_process=record.in_process,
        timeout=timeout,
    )
    with Runner(config, output, fresh=True, progress=ProgressBar()) as runner:
        unit = _unit(stored, source, runner)
        (target,) = (output / unit.record_path(entry) for _, entry in unit.entries)
        if target.absolute() == stored.path.absolute():
            raise UsageError(f"--output {output}: the new record would replace the old one; name another folder")
        (again,) = runner.score([unit])
    return again.record


def _unit(stored: "Stored", source: Path, runner: "Runner") -> "Unit":
    """Return the record's entry alone, which its file puts forward or, if it was made from an object, defines.

    Raises: UsageError where the file does neither.
    """
    record = stored.record
    picked = MethodSpec(
        file=source,
        name=record.submission,
        authors=record.authors,
        citation=record.citation,
        control=record.control,
        entries=(EntrySpec(method=record.entry.partition("(")[0], fields=record.fields),),
    )
    there: list[str] = []
    problems: list[UsageError] = []
    for method in (source, picked):
        try:
            (unit,) = runner.plan([method], record.task, [record.arena], [record.seed], allow_taken_names=True)
        except UsageError as error:  # the file has no submission, or no such class
            problems.append(error)
            continue
        single = replace(unit, only=frozenset([record.entry]))
        if single.entries and unit.manifest.name == record.submission:
            return single
        there += [entry.label for _, entry in unit.entries if entry.label not in there]
    if not there:
        raise problems[-1]
    raise UsageError(
        f"{stored.path}: entry: expected one of {', '.join(there)} of {source}, or one that it can make, "
        f"got {record.entry!r}"
    )


def _compare(recorded: "Record", again: "Record") -> int:
    """Print how the two differ; return the exit code."""
    changed = changes(recorded.environment, again.environment)
    exact = not any(change.rounds for change in changed)
    if changed:
        print_table(("made with", "then", "now"), [[change.what, change.recorded, change.again] for change in changed])
    print_table(("runtime, not compared", "then", "now"), [list(row) for row in runtimes(recorded, again)])
    compared = figures(recorded, again, exact)
    differing = [figure for figure in compared if not figure.equal]
    if differing:
        headers = ("figure", "recorded", "again", "difference", "allowed", "")
        print_table(headers, [_cells(figure) for figure in differing])
    for which, record in (("recorded", recorded), ("again", again)):
        if record.reason:
            print(f"{which}: failed: {printable(record.reason)}")
    beyond = sum(not figure.within for figure in compared)
    allowed = "made alike, so every count must be equal" if exact else "made elsewhere, so tolerances hold"
    within = len(differing) - beyond
    print(f"{allowed}: {len(compared) - len(differing)} figures equal, {within} within tolerance, {beyond} beyond")
    return int(beyond > 0)


def _cells(figure: "Figure") -> list[str]:
    difference = "" if figure.difference is None else f"{figure.difference:.6f}"
    return [
        figure.name,
        str(figure.recorded),
        str(figure.again),
        difference,
        f"{figure.allowed:.6f}",
        "" if figure.within else "beyond",
    ]
