"""Where records stand: of which protocol, and made from which files."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from simplibench import workspace
from simplibench.commands.soundness import version
from simplibench.methods import source_sha256
from simplibench.records import Protocol, Stored, Terms
from simplibench.records.store import ground_name
from simplibench.registry import all_methods

CURRENT, OTHER = "of the current protocol", "of another protocol"
SAME, CHANGED, DELETED = (
    "made by a file as it is now",
    "made by a file that was changed",
    "made by a file not found here",
)


@dataclass(frozen=True)
class Listed:
    """What is known of a record without its results: it travels between processes at little cost."""

    path: Path
    arena: str
    submission: str
    source_sha256: str
    ground_sha256: str
    protocol: Protocol
    created: str

    @classmethod
    def of(cls, one: Stored) -> "Listed":
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


def protocols(listed: Sequence[Listed], terms: Mapping[str, Terms], standing: Counter[str]) -> Iterator[str]:
    """Which records are of another protocol: they are listed, not ranked."""
    others: dict[tuple[str, Protocol], list[Listed]] = defaultdict(list)
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


def sources(listed: Sequence[Listed], standing: Counter[str]) -> Iterator[tuple[str, bool]]:
    """Whose file is another one now or is gone, and whether the record is a committed one, which the board ranks."""
    files = {method.name: (method.path, source_sha256(method.path)) for method in all_methods().values()}
    here = {sha256 for _, sha256 in files.values()}
    others: dict[tuple[str, str, bool], list[Listed]] = defaultdict(list)
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


def orphans(root: Path, listed: Sequence[Listed]) -> Iterator[str]:
    """Tables below a folder that belong to no record: nobody checks them."""
    owned = {table for one in listed for table in one.tables}
    for path in sorted(root.rglob("*.npz")):
        if path not in owned:
            yield f"{path}: no record has these counts; delete it, or restore its record"


def _places(own: Sequence[Listed]) -> str:
    """The first record's file, and how many others there are."""
    return f"{own[0].path}" + (f" and {len(own) - 1} more of its kind" if len(own) > 1 else "")
