"""Which records a submission is held against."""

import sys
from itertools import accumulate
from pathlib import Path

from simplibench import workspace
from simplibench.audit.choosing import choose
from simplibench.audit.gathering import gather_of
from simplibench.errors import UsageError
from simplibench.records import RESULTS, Protocol, Runtime, SeedName, Stored, load
from simplibench.registry import load_task, protocol, terms
from simplibench.text import printable

FIT_SECONDS = 3.0  # for the entries of an arena, by their records: a check is for every day


def records_of(submission: str, named: str, against: Path | None) -> list[Stored]:
    """A submission's successful records: of one file, a folder, or by arena the first usual folder that has whole ones.

    `named` is what the user called the submission. Raises UsageError with the command that makes records.
    """
    if against is not None and against.is_file():
        found = [_one_record(against, submission)]
    else:
        if against is not None and not against.is_dir():
            raise UsageError(f"--against {against}: no such file or folder of records")
        # The agreed ones first: `results` may hold what is to be checked.
        known, roots = terms(), (workspace.committed(), RESULTS) if against is None else (against,)
        there = choose([gather_of(root, (submission,), known) for root in roots], known, together=False)
        there.remarks.say()
        found = there.stored
    good = [one for one in found if one.record.status == "ok"]
    if not good:
        where = "the committed records or results/" if against is None else str(against)
        output = "" if against is None else f" --output {against}"
        what = "only failed records" if found else "no record"
        raise UsageError(f"{what} of {submission} in {where}; `simplibench run {named}{output}` makes them")
    return good


def _one_record(path: Path, submission: str) -> Stored:
    stored = load(path)
    record = stored.record
    if record.submission != submission:
        raise UsageError(f"--against {path}: a record of {record.submission}, not of {submission}")
    if record.status == "failed":
        raise UsageError(
            f"--against {path}: {record.entry} had failed ({printable(record.reason or '')}): nothing to compare with"
        )
    return stored


def chosen(stored: list[Stored], arenas: list[str] | None, seed: SeedName | None) -> list[Stored]:
    """Of each arena asked for, the records of the reference asked for, else of the first. Raises UsageError."""
    known = sorted({one.record.arena for one in stored})
    unknown = [name for name in arenas or [] if not any(name in _names(arena) for arena in known)]
    if unknown:
        raise UsageError(f"no record in {', '.join(unknown)}; there are records in {', '.join(known)}")
    found: list[Stored] = []
    for arena in known:
        if not arenas or any(name in arenas for name in _names(arena)):
            own = [one for one in stored if one.record.arena == arena]
            wanted = _seed(own, seed)
            found += [one for one in own if one.record.seed == wanted]
    return found


def of_generated_tasks(stored: list[Stored]) -> list[Stored]:
    """Without the records of tasks whose data are fetched, unless all are: those take data and minutes, so are named."""
    kept = [one for one in stored if not load_task(one.record.task).fetched]
    if not kept:
        return stored
    left = dict.fromkeys(one.record.arena for one in stored if load_task(one.record.task).fetched)
    if left:
        print(f"not checked, since their data are fetched: {', '.join(left)}; --arena NAME checks one", file=sys.stderr)
    return kept


def of_short_fits(stored: list[Stored]) -> list[Stored]:
    """Of each arena the entries of the quickest fits: as many as took FIT_SECONDS together, at least one."""
    kept: set[Path] = set()
    for arena in dict.fromkeys(one.record.arena for one in stored):
        own = sorted((one for one in stored if one.record.arena == arena), key=_fit_seconds)
        together = accumulate(map(_fit_seconds, own))
        kept |= {
            one.path for one, seconds in zip(own, together, strict=True) if seconds <= FIT_SECONDS or one is own[0]
        }
    left = [one for one in stored if one.path not in kept]
    if left:
        longest = max(left, key=_fit_seconds)
        print(
            f"not checked: {len(left)} of {len(stored)} entries, whose fits take too long, the longest "
            f"{printable(longest.record.entry)} in {longest.record.arena}, {_fit_seconds(longest):.0f} s; "
            "--all checks them too",
            file=sys.stderr,
        )
    return [one for one in stored if one.path in kept]


def _fit_seconds(one: Stored) -> float:
    """As recorded; explainers fit nothing."""
    runtime = one.record.runtime
    return runtime.fit_seconds if isinstance(runtime, Runtime) else 0.0


def of_whole_splits(stored: list[Stored]) -> list[Stored]:
    """Without the records that a quick look has left, unless there are no others."""
    kept = [one for one in stored if one.record.limit is None]
    if kept and len(kept) < len(stored):
        left = dict.fromkeys(one.record.arena for one in stored if one.record.limit is not None)
        print(f"not checked, since they were made with --limit: records in {', '.join(left)}", file=sys.stderr)
    return kept or stored


def require_comparable(stored: list[Stored], named: str) -> None:
    """Raises UsageError for records of another protocol, and for such as are of different numbers of sentences."""
    for one in stored:
        record = one.record
        current = protocol(load_task(record.task), record.track)
        if record.protocol != current:
            raise UsageError(
                f"{one.path}: made under protocol {_version(record.protocol)}, the present one is {_version(current)}: "
                "splits, references or formulas differ, so its figures cannot be compared; make it again from the "
                f"version that you trust: simplibench run {named} --task {record.task} --fresh --output FOLDER, then "
                "check --against FOLDER"
            )
    limits = {one.record.limit for one in stored}
    if len(limits) > 1:
        listed = ", ".join("none" if limit is None else str(limit) for limit in limits)
        raise UsageError(f"the records of {named} were made with different --limit ({listed}); choose one by --against")


def _version(one: Protocol) -> str:
    return f"{one.task_version}.{one.scoring_version} ({one.sha256[:8]})"


def _seed(stored: list[Stored], asked: SeedName | None) -> SeedName:
    """The reference asked for, or the first that has records, trained ones before the untrained one."""
    seeds = sorted({one.record.seed for one in stored}, key=lambda name: (isinstance(name, str), name))
    if asked is not None and asked not in seeds:
        arena = stored[0].record.arena
        raise UsageError(f"no record in {arena} on reference {asked}; there are: {', '.join(map(str, seeds))}")
    return seeds[0] if asked is None else asked


def _names(arena: str) -> tuple[str, str]:
    """With its task, and without."""
    return arena, arena.partition("/")[2]
