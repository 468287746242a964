"""Problems of records: what they state that does not follow from their counts or fits no task, and which are outdated."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from simplibench import workspace
from simplibench.errors import SimplibenchError
from simplibench.methods import NAME_PATTERN, source_sha256
from simplibench.records import Protocol, Record, Stored, Terms, expected_key, problems_each
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
    """Raise RecordsUnsound that lists the problems, if there are any."""
    if problems:
        listed = "\n".join(f"  {number}. {problem}" for number, problem in enumerate(problems, start=1))
        raise RecordsUnsound(f"{len(problems)} problem{'s' if len(problems) > 1 else ''}:\n{listed}")


def unsound(records: Sequence[Stored]) -> list[str]:
    """Return every problem of the records, record by record: of tables, figures, key, name, task, arena and splits."""
    current = terms()
    problems: list[str] = []
    for stored, of_figures in zip(records, problems_each(records), strict=True):
        problems += of_figures
        problems += [f"{stored.path}: {problem}" for problem in (*_misnamed(stored), *foreign(stored, current))]
    return problems


def unknown(records: Sequence[Stored]) -> list[str]:
    """Return the problems that keep records off every board: they state tasks, arenas or splits that do not exist."""
    current = terms()
    return [f"{stored.path}: {problem}" for stored in records for problem in foreign(stored, current)]


def require_whole(stored: Stored) -> None:
    """Raise RecordsUnsound that lists the problems of a single record; an outdated source is none."""
    require_none(list(map(printable, unsound([stored]))))


def _misnamed(stored: Stored) -> Iterator[str]:
    """Yield problems of a record's key, which its content determines, and of its submission's name."""
    key, name = expected_key(stored.record), stored.record.submission
    if stored.record.key != key:
        yield f"key: its content gives {key}, the record says {stored.record.key}; run it again"
    if not re.fullmatch(NAME_PATTERN, name):
        yield f"submission: expected lower-case words joined by hyphens, got {name!r}; rename and run it again"


def foreign(stored: Stored, terms: Mapping[str, Terms]) -> Iterator[str]:
    """Yield what a record states of its task, arena, track and splits that does not fit the tasks there are.

    `terms`: what every arena ranks, by its name.
    """
    record = stored.record
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
        yield from _other_terms(record, terms[record.arena])


def _other_terms(record: Record, current: Terms) -> Iterator[str]:
    """Yield how a record of the current protocol differs from it: in its versions, or in the splits and their roles.

    It may lack splits whose data were missing: then it has no rank.
    """
    if record.protocol.sha256 != current.protocol.sha256:
        return
    if record.protocol != current.protocol:
        expected, got = version(current.protocol), version(record.protocol)
        yield f"protocol: its hash is that of version {expected}, the record says {got}; run it again"
    roles = load_task(record.task).roles
    expected_roles = [(name, roles[name]) for name in current.splits if name in record.splits]
    recorded_roles = [(name, split.role) for name, split in record.splits.items()]
    if recorded_roles != expected_roles:
        yield f"splits: the task has {dict(roles)}, the record {dict(recorded_roles)}; run it again"


def version(protocol: Protocol) -> str:
    """Return a protocol's versions of task and scoring, as the board writes them."""
    return f"{protocol.task_version}.{protocol.scoring_version}"


@dataclass(frozen=True)
class RecordHeader:
    """A record without its results, which is cheap to send between processes."""

    path: Path
    arena: str
    submission: str
    source_sha256: str
    ground_sha256: str
    protocol: Protocol
    created: str

    @classmethod
    def of(cls, stored: Stored) -> "RecordHeader":
        """Return the header of a record."""
        record = stored.record
        return cls(
            path=stored.path,
            arena=record.arena,
            submission=record.submission,
            source_sha256=record.source_sha256,
            ground_sha256=record.ground_sha256,
            protocol=record.protocol,
            created=record.created,
        )

    @property
    def tables(self) -> tuple[Path, Path]:
        """Return the paths of its counts and of its reference's counts, be there files or not."""
        return self.path.with_suffix(".npz"), self.path.parent.parent / ground_name(self.ground_sha256)


def outdated_protocols(
    headers: Sequence[RecordHeader], terms: Mapping[str, Terms], counts: Counter[str]
) -> Iterator[str]:
    """Yield one note per arena and protocol that is not the current one: such records are listed, not ranked.

    `counts` is increased by the number of records of the current and of other protocols.
    """
    groups: dict[tuple[str, Protocol], list[RecordHeader]] = defaultdict(list)
    for header in headers:
        known = terms.get(header.arena)
        if known is None:
            continue
        counts[CURRENT if header.protocol == known.protocol else OTHER] += 1
        if header.protocol != known.protocol:
            groups[header.arena, header.protocol].append(header)
    for (arena, protocol), group in groups.items():
        expected = terms[arena].protocol
        yield (
            f"{_files(group)}: protocol: {arena} is at {version(expected)} ({expected.sha256[:8]}), the record says "
            f"{version(protocol)} ({protocol.sha256[:8]}): listed, not ranked; run it again"
        )


def outdated_sources(headers: Sequence[RecordHeader], counts: Counter[str]) -> Iterator[tuple[str, bool]]:
    """Yield per submission and source that is no file's any more: what to say, and whether its records are committed.

    `counts` is increased by the number of records whose file is the same, was changed, and is gone.
    """
    files = {method.name: (method.path, source_sha256(method.path)) for method in all_methods().values()}
    current = {sha256 for _, sha256 in files.values()}
    groups: dict[tuple[str, str, bool], list[RecordHeader]] = defaultdict(list)
    for header in headers:
        committed = workspace.is_committed(header.path)
        if header.source_sha256 not in current:
            groups[header.submission, header.source_sha256, committed].append(header)
        counts[SAME if header.source_sha256 in current else CHANGED if header.submission in files else DELETED] += 1
    for (name, sha256, committed), group in groups.items():
        if name in files:
            path, now = files[name]
            difference = f"{path} has {now}, the record says {sha256}: the file was changed, so the record is outdated"
            yield f"{_files(group)}: source_sha256: {difference}; run it again, or restore the file", committed
        else:
            problem = f"neither baselines/ nor submissions/ has a file of {name!r}, the record says {sha256}"
            yield f"{_files(group)}: source_sha256: {problem}; restore the file, or delete its records", committed


def orphans(root: Path, headers: Sequence[RecordHeader]) -> Iterator[str]:
    """Yield a note per table below a folder that belongs to no record, and which therefore nothing checks."""
    owned = {table for header in headers for table in header.tables}
    for path in sorted(root.rglob("*.npz")):
        if path not in owned:
            yield f"{path}: no record has these counts; delete it, or restore its record"


def _files(headers: Sequence[RecordHeader]) -> str:
    """Return the path of the first record, and how many others there are."""
    return f"{headers[0].path}" + (f" and {len(headers) - 1} more of its kind" if len(headers) > 1 else "")
