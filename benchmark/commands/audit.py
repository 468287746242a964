"""What `verify` and `leaderboard --check` hold records against: their counts, the tasks, the files they were made from."""

import difflib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmark.errors import DamagedFile, SimplibenchError
from benchmark.harness.jobs import default_jobs
from benchmark.harness.pool import workers
from benchmark.methods import NAME_PATTERN, source_sha256
from benchmark.records import (
    COMMITTED,
    CodecRecord,
    ExplainerRecord,
    Protocol,
    Stored,
    Terms,
    expected_key,
    problems_each,
)
from benchmark.registry import all_methods, all_tasks, load_task, terms

MANY, CHUNK = 200, 25  # records: from so many on they are recomputed side by side, so many at a time
SHOWN_LINES = 12  # of the difference between a page and what the records give
CURRENT, OTHER = "of the current protocol", "of another protocol"
SAME, CHANGED, DELETED = (
    "made by a file as it is now",
    "made by a file that was changed",
    "made by a file not found here",
)
CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class RecordsUnsound(SimplibenchError):
    """Records or a page do not hold what they should; the text lists every problem."""


@dataclass(frozen=True)
class Audit:
    """What was found out about some records."""

    problems: list[str]  # of a record that does not hold or is outdated, and of the page
    notes: list[str]  # worth knowing, no fault of a record
    standing: Counter[str]  # how many records are of what protocol and source

    def require(self) -> None:
        """Raises RecordsUnsound that lists the problems."""
        if self.problems:
            listed = "\n".join(f"  {number}. {problem}" for number, problem in enumerate(self.problems, start=1))
            raise RecordsUnsound(f"{len(self.problems)} problem{'s' if len(self.problems) > 1 else ''}:\n{listed}")


def audit(
    stored: Sequence[Stored], damaged: Sequence[DamagedFile], board: Callable[[], str], page: Path | None
) -> Audit:
    """Examine records, those in `damaged` having been refused already, and the `page`, which is to be what `board` gives.

    Of records that do not hold no board is made.
    """
    beside = ThreadPoolExecutor(1)
    made = beside.submit(board) if page else None  # what it raises matters only where the records hold
    try:
        unsound = [str(error) for error in damaged] + _unsound(stored)
        standing: Counter[str] = Counter()
        notes = list(_protocols(stored, terms(), standing))
        outdated: list[str] = []
        for text, committed in _sources(stored, standing):
            (outdated if committed else notes).append(text)
        differing = _page_problem(page, made.result()) if page and made and not unsound else []
    finally:
        beside.shutdown(cancel_futures=True)
    return Audit([*map(printable, [*unsound, *outdated]), *differing], notes, standing)


def require_whole(one: Stored) -> None:
    """Raises RecordsUnsound that lists what does not hold in a single record, its file's age aside."""
    Audit([*map(printable, _unsound([one]))], [], Counter()).require()


def require_known(stored: Sequence[Stored]) -> None:
    """Raises RecordsUnsound for records of tasks and arenas that there are not: no board can be made of them."""
    current = terms()
    found = [f"{one.path}: {problem}" for one in stored for problem in _foreign(one, current)]
    Audit([*map(printable, found)], [], Counter()).require()


def _page_problem(page: Path, text: str) -> list[str]:
    """The difference of a page from what the records give, if there is one."""
    written = page.read_bytes().decode(errors="replace") if page.exists() else ""
    if written == text:
        return []
    difference = difflib.unified_diff(
        written.splitlines(), text.splitlines(), str(page), "from the records", lineterm="", n=0
    )
    lines = list(difference)[:SHOWN_LINES]
    return [f"{page} is not what the records give; `simplibench leaderboard` writes it anew:\n" + "\n".join(lines)]


def printable(text: str) -> str:
    """With the control characters that a name may have written out: they could hide what a line says."""
    return CONTROL_CHARACTERS.sub(lambda found: repr(found[0])[1:-1], text)


def _unsound(stored: Sequence[Stored]) -> list[str]:
    """What keeps the records from being what they say, one after the other."""
    current = terms()
    return [
        problem
        for one, own in zip(stored, _recomputed(stored), strict=True)
        for problem in (*own, *(f"{one.path}: {said}" for said in (*_untrue(one), *_foreign(one, current))))
    ]


def _recomputed(stored: Sequence[Stored]) -> list[list[str]]:
    """What does not follow from counts, by record; of many records by several processes."""
    if len(stored) < MANY:
        return problems_each(stored)
    chunks = [stored[start : start + CHUNK] for start in range(0, len(stored), CHUNK)]
    with workers(default_jobs("cpu")) as pool:
        return [own for chunk in pool.map(problems_each, chunks) for own in chunk]


def _untrue(one: Stored) -> Iterator[str]:
    """A key that its content does not give, a name that no file can put forward."""
    key, name = expected_key(one.record), one.record.submission
    if one.record.key != key:
        yield f"key: its content gives {key}, the record says {one.record.key}; run it again"
    if not re.fullmatch(NAME_PATTERN, name):
        yield f"submission: expected lower-case words joined by hyphens, got {name!r}; rename and run it again"


def _foreign(one: Stored, terms: Mapping[str, Terms]) -> Iterator[str]:
    """What a record says of tasks, arenas and splits that is not so: figures cannot tell, the task can."""
    record = one.record
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
    else:
        yield from _other_terms(one.record, terms[record.arena])


def _other_terms(record: CodecRecord | ExplainerRecord, current: Terms) -> Iterator[str]:
    """A record of the current protocol has its versions, and the task's splits in their roles.

    It may lack some, whose data were missing: then it has no rank.
    """
    if record.protocol.sha256 != current.protocol.sha256:
        return
    if record.protocol != current.protocol:
        expected, got = _version(current.protocol), _version(record.protocol)
        yield f"protocol: its hash is that of version {expected}, the record says {got}; run it again"
    roles = load_task(record.task).roles
    expected_roles = [(name, roles[name]) for name in current.splits if name in record.splits]
    found = [(name, split.role) for name, split in record.splits.items()]
    if found != expected_roles:
        yield f"splits: the task has {dict(roles)}, the record {dict(found)}; run it again"


def _protocols(stored: Sequence[Stored], terms: Mapping[str, Terms], standing: Counter[str]) -> Iterator[str]:
    """Which records are of another protocol: they are listed, not ranked."""
    others: dict[tuple[str, Protocol], list[Stored]] = defaultdict(list)
    for one in stored:
        known = terms.get(one.record.arena)
        if known is None:
            continue
        standing[CURRENT if one.record.protocol == known.protocol else OTHER] += 1
        if one.record.protocol != known.protocol:
            others[one.record.arena, one.record.protocol].append(one)
    for (arena, protocol), own in others.items():
        expected = terms[arena].protocol
        yield (
            f"{_places(own)}: protocol: {arena} is at {_version(expected)} ({expected.sha256[:8]}), the record says "
            f"{_version(protocol)} ({protocol.sha256[:8]}): listed, not ranked; run it again"
        )


def _sources(stored: Sequence[Stored], standing: Counter[str]) -> Iterator[tuple[str, bool]]:
    """Whose file is another one now or is gone, and whether the record is a committed one, which the board ranks."""
    files = {method.name: (method.path, source_sha256(method.path)) for method in all_methods().values()}
    here = {sha256 for _, sha256 in files.values()}
    others: dict[tuple[str, str, bool], list[Stored]] = defaultdict(list)
    for one in stored:
        record, committed = one.record, COMMITTED in one.path.absolute().parents
        if record.source_sha256 not in here:
            others[record.submission, record.source_sha256, committed].append(one)
        standing[SAME if record.source_sha256 in here else CHANGED if record.submission in files else DELETED] += 1
    for (name, sha256, committed), own in others.items():
        if name in files:
            path, now = files[name]
            found = f"{path} has {now}, the record says {sha256}: the file was changed, so the record is outdated"
            yield f"{_places(own)}: source_sha256: {found}; run it again, or restore the file", committed
        else:
            found = f"neither baselines/ nor submissions/ has a file of {name!r}, the record says {sha256}"
            yield f"{_places(own)}: source_sha256: {found}; restore the file, or delete its records", committed


def _places(own: Sequence[Stored]) -> str:
    """The first record's file, and how many others there are."""
    return f"{own[0].path}" + (f" and {len(own) - 1} more of its kind" if len(own) > 1 else "")


def _version(protocol: Protocol) -> str:
    """Of the task and of the scoring, as the board writes it."""
    return f"{protocol.task_version}.{protocol.scoring_version}"
