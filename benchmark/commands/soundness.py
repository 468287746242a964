"""What a record says that is not so: of its counts, of itself, of the tasks there are."""

import re
from collections.abc import Iterator, Mapping, Sequence

from simplibench.errors import SimplibenchError
from simplibench.methods import NAME_PATTERN
from simplibench.records import CodecRecord, ExplainerRecord, Protocol, Stored, Terms, expected_key, problems_each
from simplibench.registry import all_tasks, load_task, registered_tasks, terms
from simplibench.text import printable


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
