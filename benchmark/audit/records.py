"""What a record says that is not so, of its counts, of itself and of the tasks there are; and which are outdated."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from simplibench import workspace
from simplibench.errors import SimplibenchError
from simplibench.methods import NAME_PATTERN, source_sha256
from simplibench.records import CodecRecord, ExplainerRecord, Protocol, Stored, Terms, expected_key, problems_each
from simplibench.records.store import ground_name
from simplibench.registry import all_methods, all_tasks, load_task, registered_tasks, terms
from simplibench.text import printable

CURRENT, OTHER = "of the current protocol", "of another protocol"
SAME, CHANGED, DELETED = (
    "made by a file as it is now",
    "made by a file that was changed",
    "made by a file not found here",
)


class RecordsUnsound(SimplibenchError):
    """Records or a page do not hold what they should; the text lists every problem."""


def require_none(problems: Sequence[str]) -> None:
    """Raises RecordsUnsound that lists the problems."""
    if problems:
        listed = "\n".join(f"  {number}. {problem}" for number, problem in enumerate(problems, start=1))
        raise RecordsUnsound(f"{len(problems)} problem{'s' if len(problems) > 1 else ''}:\n{listed}")


def unsound(stored: Sequence[Stored]) -> list[str]:
    """What keeps records from being what they say, one after the other."""
    current = terms()
    return [
        problem
        for one, own in zip(stored, problems_each(stored), strict=True)
        for problem in (*own, *(f"{one.path}: {said}" for said in (*_untrue(one), *foreign(one, current))))
    ]


def unknown(stored: Sequence[Stored]) -> list[str]:
    """What they say of tasks, arenas and splits that there are not: no board can be made of such records."""
    current = terms()
    return [f"{one.path}: {problem}" for one in stored for problem in foreign(one, current)]


def require_whole(one: Stored) -> None:
    """Raises RecordsUnsound that lists what does not hold in a single record, its file's age aside."""
    require_none(list(map(printable, unsound([one]))))


def _untrue(one: Stored) -> Iterator[str]:
    """A key that its content does not give, a name that no file can put forward."""
    key, name = expected_key(one.record), one.record.submission
    if one.record.key != key:
        yield f"key: its content gives {key}, the record says {one.record.key}; run it again"
    if not re.fullmatch(NAME_PATTERN, name):
        yield f"submission: expected lower-case words joined by hyphens, got {name!r}; rename and run it again"


def foreign(one: Stored, terms: Mapping[str, Terms]) -> Iterator[str]:
    """What a record says of tasks, arenas and splits that is not so: figures cannot tell, the task can."""
    record = one.record
    broken = registered_tasks().broken_of(record.task)
    if record.task not in all_tasks() and broken:
        yield f"task: {record.task} is left out, so nothing can be said of its records; mend {broken.path}"
        return
    if record.task not in all_tasks():
        known = ", ".join(all_tasks())
        yield f"task: expected one of {known}, got {record.task!r}; delete it, or restore the task's file"
        return
    arenas = {f"{record.task}/{arena.name}": arena for arena in load_task(record.task).arenas}
    if record.arena not in arenas:
        known = ", ".join(arenas)
        yield f"arena: expected one of {known}, got {record.arena!r}; delete it, or restore the arena in the task's file"
    elif record.track != arenas[record.arena].track:
        track = arenas[record.arena].track
        yield f"track: {record.arena} is of the track {track}, the record says {record.track}; run it again"
    elif record.arena not in terms:
        command = f"`simplibench train {record.task} --output benchmark/models/checkpoints`"
        yield f"arena: expected cards of the references of {record.task}, got none; restore them, or {command}"
    else:
        yield from _other_terms(one.record, terms[record.arena])


def _other_terms(record: CodecRecord | ExplainerRecord, current: Terms) -> Iterator[str]:
    """A record of the current protocol has its versions, and the task's splits in their roles.

    It may lack some, whose data were missing: then it has no rank.
    """
    if record.protocol.sha256 != current.protocol.sha256:
        return
    if record.protocol != current.protocol:
        expected, got = version(current.protocol), version(record.protocol)
        yield f"protocol: its hash is that of version {expected}, the record says {got}; run it again"
    roles = load_task(record.task).roles
    expected_roles = [(name, roles[name]) for name in current.splits if name in record.splits]
    found = [(name, split.role) for name, split in record.splits.items()]
    if found != expected_roles:
        yield f"splits: the task has {dict(roles)}, the record {dict(found)}; run it again"


def version(protocol: Protocol) -> str:
    """Of the task and of the scoring, as the board writes it."""
    return f"{protocol.task_version}.{protocol.scoring_version}"


@dataclass(frozen=True)
class RecordHeader:
    """What is known of a record without its results: it travels between processes at little cost."""

    path: Path
    arena: str
    submission: str
    source_sha256: str
    ground_sha256: str
    protocol: Protocol
    created: str

    @classmethod
    def of(cls, one: Stored) -> "RecordHeader":
        """The facts of a record."""
        record = one.record
        return cls(
            one.path,
            record.arena,
            record.submission,
            record.source_sha256,
            record.ground_sha256,
            record.protocol,
            record.created,
        )

    @property
    def tables(self) -> tuple[Path, Path]:
        """Where its counts and its ground lie, if there are any."""
        return self.path.with_suffix(".npz"), self.path.parent.parent / ground_name(self.ground_sha256)


def protocols(listed: Sequence[RecordHeader], terms: Mapping[str, Terms], standing: Counter[str]) -> Iterator[str]:
    """Which records are of another protocol: they are listed, not ranked."""
    others: dict[tuple[str, Protocol], list[RecordHeader]] = defaultdict(list)
    for one in listed:
        known = terms.get(one.arena)
        if known is None:
            continue
        standing[CURRENT if one.protocol == known.protocol else OTHER] += 1
        if one.protocol != known.protocol:
            others[one.arena, one.protocol].append(one)
    for (arena, protocol), own in others.items():
        expected = terms[arena].protocol
        yield (
            f"{_places(own)}: protocol: {arena} is at {version(expected)} ({expected.sha256[:8]}), the record says "
            f"{version(protocol)} ({protocol.sha256[:8]}): listed, not ranked; run it again"
        )


def sources(listed: Sequence[RecordHeader], standing: Counter[str]) -> Iterator[tuple[str, bool]]:
    """Whose file is another one now or is gone, and whether the record is a committed one, which the board ranks."""
    files = {method.name: (method.path, source_sha256(method.path)) for method in all_methods().values()}
    here = {sha256 for _, sha256 in files.values()}
    others: dict[tuple[str, str, bool], list[RecordHeader]] = defaultdict(list)
    for one in listed:
        committed = workspace.is_committed(one.path)
        if one.source_sha256 not in here:
            others[one.submission, one.source_sha256, committed].append(one)
        standing[SAME if one.source_sha256 in here else CHANGED if one.submission in files else DELETED] += 1
    for (name, sha256, committed), own in others.items():
        if name in files:
            path, now = files[name]
            found = f"{path} has {now}, the record says {sha256}: the file was changed, so the record is outdated"
            yield f"{_places(own)}: source_sha256: {found}; run it again, or restore the file", committed
        else:
            found = f"neither baselines/ nor submissions/ has a file of {name!r}, the record says {sha256}"
            yield f"{_places(own)}: source_sha256: {found}; restore the file, or delete its records", committed


def orphans(root: Path, listed: Sequence[RecordHeader]) -> Iterator[str]:
    """Tables below a folder that belong to no record: nobody checks them."""
    owned = {table for one in listed for table in one.tables}
    for path in sorted(root.rglob("*.npz")):
        if path not in owned:
            yield f"{path}: no record has these counts; delete it, or restore its record"


def _places(own: Sequence[RecordHeader]) -> str:
    """The first record's file, and how many others there are."""
    return f"{own[0].path}" + (f" and {len(own) - 1} more of its kind" if len(own) > 1 else "")
