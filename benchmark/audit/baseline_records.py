"""Which records a submission is compared with when it is checked, and which of them are left out as too slow or too old."""

import sys
from collections import defaultdict
from itertools import accumulate
from pathlib import Path

from simplibench import workspace
from simplibench.audit.choosing import choose
from simplibench.audit.gathering import gather_of
from simplibench.errors import UsageError
from simplibench.records import RESULTS, Protocol, SeedName, Stored, load
from simplibench.registry import load_task, protocol, terms
from simplibench.text import printable

FIT_SECONDS = 3.0  # for the entries of an arena, by their records: a check is for every day


def records_of(submission: str, named: str, against: Path | None) -> list[Stored]:
    """Return a submission's successful records, of every arena and reference that has some.

    Args:
        submission: The name in its records.
        named: What the user called it, for error texts.
        against: One record's file, or a folder of records. None: by arena, the first of the committed records and
            `results` that has whole ones.

    Raises:
        UsageError: There is none; names the command that makes records.

    """
    if against is not None and against.is_file():
        records = [_single_record(against, submission)]
    else:
        if against is not None and not against.is_dir():
            raise UsageError(f"--against {against}: no such file or folder of records")
        # The agreed ones first: `results` may hold what is to be checked.
        known, roots = terms(), (workspace.committed(), RESULTS) if against is None else (against,)
        counted = choose([gather_of(root, (submission,), known) for root in roots], known, together=False)
        counted.remarks.say()
        records = counted.stored
    successful = [stored for stored in records if stored.record.status == "ok"]
    if not successful:
        where = "the committed records or results/" if against is None else str(against)
        output = "" if against is None else f" --output {against}"
        what = "only failed records" if records else "no record"
        raise UsageError(f"{what} of {submission} in {where}; `simplibench run {named}{output}` makes them")
    return successful


def _single_record(path: Path, submission: str) -> Stored:
    """Return the record in a file. Raises UsageError for one of another submission, and for a failed one."""
    stored = load(path)
    record = stored.record
    if record.submission != submission:
        raise UsageError(f"--against {path}: a record of {record.submission}, not of {submission}")
    if record.status == "failed":
        raise UsageError(
            f"--against {path}: {record.entry} had failed ({printable(record.reason or '')}): nothing to compare with"
        )
    return stored


def chosen(records: list[Stored], arenas: list[str] | None, seed: SeedName | None) -> list[Stored]:
    """Return the records of one reference per arena: the one asked for, else the first trained one that has records.

    `arenas` are names with or without the task; None keeps all. Raises UsageError for an arena or a reference without
    records.
    """
    by_arena = _by_arena(records)
    unknown = [name for name in arenas or [] if not any(name in _names(arena) for arena in by_arena)]
    if unknown:
        raise UsageError(f"no record in {', '.join(unknown)}; there are records in {', '.join(by_arena)}")
    kept: list[Stored] = []
    for arena, in_arena in by_arena.items():
        if arenas and not any(name in arenas for name in _names(arena)):
            continue
        seeds = {stored.record.seed for stored in in_arena}
        trained_first = sorted(seeds, key=lambda name: (isinstance(name, str), name))
        if seed is not None and seed not in seeds:
            listed = ", ".join(map(str, trained_first))
            raise UsageError(f"no record in {arena} on reference {seed}; there are: {listed}")
        wanted = trained_first[0] if seed is None else seed
        kept += [stored for stored in in_arena if stored.record.seed == wanted]
    return kept


def _by_arena(records: list[Stored]) -> dict[str, list[Stored]]:
    """Return the records by arena, in the order of the arenas' names."""
    groups: dict[str, list[Stored]] = defaultdict(list)
    for stored in records:
        groups[stored.record.arena].append(stored)
    return dict(sorted(groups.items()))


def _names(arena: str) -> tuple[str, str]:
    """Return an arena's name with its task, and without."""
    return arena, arena.partition("/")[2]


def of_generated_tasks(records: list[Stored]) -> list[Stored]:
    """Leave out, and name, the records of tasks whose data are fetched, unless all are: they take data and minutes."""
    kept = [stored for stored in records if not load_task(stored.record.task).fetched]
    if kept and len(kept) < len(records):
        arenas = dict.fromkeys(stored.record.arena for stored in records if load_task(stored.record.task).fetched)
        names = ", ".join(arenas)
        print(f"not checked, since their data are fetched: {names}; --arena NAME checks one", file=sys.stderr)
    return kept or records


def of_short_fits(records: list[Stored]) -> list[Stored]:
    """Keep per arena the entries of the quickest fits: as many as took FIT_SECONDS together, at least one.

    Says on standard error how many are left out.
    """
    kept: set[Path] = set()
    for in_arena in _by_arena(records).values():
        quickest_first = sorted(in_arena, key=lambda stored: stored.record.fit_seconds)
        together = accumulate(stored.record.fit_seconds for stored in quickest_first)
        quick = [stored for stored, seconds in zip(quickest_first, together, strict=True) if seconds <= FIT_SECONDS]
        kept |= {stored.path for stored in quick or quickest_first[:1]}
    left = [stored for stored in records if stored.path not in kept]
    if left:
        longest = max(left, key=lambda stored: stored.record.fit_seconds)
        print(
            f"not checked: {len(left)} of {len(records)} entries, whose fits take too long, the longest "
            f"{printable(longest.record.entry)} in {longest.record.arena}, {longest.record.fit_seconds:.0f} s; "
            "--all checks them too",
            file=sys.stderr,
        )
    return [stored for stored in records if stored.path in kept]


def of_whole_splits(records: list[Stored]) -> list[Stored]:
    """Leave out, and name, the records that were made with --limit, unless there are no others."""
    kept = [stored for stored in records if stored.record.limit is None]
    if kept and len(kept) < len(records):
        names = dict.fromkeys(stored.record.arena for stored in records if stored.record.limit is not None)
        print(f"not checked, since they were made with --limit: records in {', '.join(names)}", file=sys.stderr)
    return kept or records


def require_comparable(records: list[Stored], named: str) -> None:
    """Refuse records of another protocol, and records of different numbers of sentences.

    Raises:
        UsageError: Names the first such record, and says how to make one that can be compared.

    """
    for stored in records:
        record = stored.record
        current = protocol(load_task(record.task), record.track)
        if record.protocol != current:
            raise UsageError(
                f"{stored.path}: made under protocol {_version(record.protocol)}, the present one is "
                f"{_version(current)}: splits, references or formulas differ, so its figures cannot be compared; make "
                f"it again from the version that you trust: simplibench run {named} --task {record.task} --fresh "
                "--output FOLDER, then check --against FOLDER"
            )
    limits = {stored.record.limit for stored in records}
    if len(limits) > 1:
        listed = ", ".join("none" if limit is None else str(limit) for limit in limits)
        raise UsageError(f"the records of {named} were made with different --limit ({listed}); choose one by --against")


def _version(made_under: Protocol) -> str:
    """Return a protocol's versions of task and scoring, and the start of its hash."""
    return f"{made_under.task_version}.{made_under.scoring_version} ({made_under.sha256[:8]})"
