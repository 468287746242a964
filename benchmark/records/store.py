"""Where records live: one JSON file per entry, arena and reference, its counts beside it."""

import gc
import os
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from simplibench import workspace
from simplibench.errors import DamagedFile
from simplibench.files import write_text, writing
from simplibench.records.paths import entry_path
from simplibench.records.record import Record
from simplibench.records.table import Table
from simplibench.records.tracks import schema

COMMITTED = workspace.committed()
RESULTS = Path("results")  # where records are saved and looked for, unless said otherwise
MOST_PROBLEMS = 5  # of one file that are written out
HELD = 4_096  # tables kept in memory, about 30 kB each: a check reads them, and the board again
T = TypeVar("T", bound=Table)


@dataclass(frozen=True)
class Stored:
    """A record and where it lies."""

    record: Record
    path: Path

    def counts(self, kind: type[T]) -> T:
        """Return the record's counts, of its track's kind. Raises DamagedFile."""
        if self.record.counts_sha256 is None:
            raise ValueError(f"{self.path}: a failed record has no counts")
        return _held(kind, self.path.with_suffix(".npz"), self.record.counts_sha256)

    def ground(self, kind: type[T]) -> T:
        """Return what it shares with the other records of its arena and reference. Raises DamagedFile."""
        return _held(kind, self.path.parent.parent / ground_name(self.record.ground_sha256), self.record.ground_sha256)

    def check_tables(self) -> None:
        """Read what lies beside the record. Raises DamagedFile."""
        ground, counts = self.record.tables
        self.ground(ground)
        if self.record.status == "ok":
            self.counts(counts)


def _held(kind: type[T], path: Path, sha256: str) -> T:
    """Return a table, read once as long as its file stays the same: all records of an arena and reference share one."""
    try:
        facts = path.stat()
    except FileNotFoundError:
        return kind.load(path, sha256)  # which says that it is missing
    table: T = _read(kind.load, path, sha256, (facts.st_ino, facts.st_size, facts.st_mtime_ns))
    return table


@lru_cache(maxsize=HELD)
def _read(read: Callable[[Path, str], T], path: Path, sha256: str, unchanged: tuple[int, int, int]) -> T:
    return read(path, sha256)


def ground_name(sha256: str) -> str:
    """Return the file name of a ground within its arena's folder."""
    return f"ground-{sha256[:16]}.npz"


def record_path(root: Path, record: Record) -> Path:
    """Return where a record belongs below a root."""
    return root / entry_path(record.arena, record.submission, record.entry, record.seed)


def save(root: Path, record: Record, counts: Table | None, ground: Table) -> Stored:
    """Write ground and counts first, the record last: a record on disk is always complete."""
    path = record_path(root, record)
    ground_path = path.parent.parent / ground_name(record.ground_sha256)
    if not ground_path.exists():
        ground.save(ground_path)
    if counts is None:
        with writing(path):
            path.with_suffix(".npz").unlink(missing_ok=True)
    else:
        counts.save(path.with_suffix(".npz"))
    text = record.model_dump_json(indent=1) + "\n"
    write_text(path, text)
    return Stored(record, path)


def load(path: Path) -> Stored:
    """Read one record. Raises DamagedFile that names the file, the fields, what was expected and what came."""
    try:
        return Stored(schema().validate_json(path.read_bytes()), path)
    except FileNotFoundError:
        raise DamagedFile(f"{path}: no such record") from None
    except OSError as error:
        raise DamagedFile(f"{path}: cannot be read ({error.strerror}); expected the JSON file of a record") from None
    except ValidationError as error:
        raise DamagedFile(f"{path}: not a valid record: {_listed(error)}; delete it and run the entry again") from None


def _listed(error: ValidationError) -> str:
    """Say what is wrong with a record's fields, each with its place and with what came."""
    problems = [
        f"{'.'.join(map(str, problem['loc'][1:])) or 'the file'}: {problem['msg']}, got {str(problem['input'])[:80]!r}"
        for problem in error.errors()
    ]
    more = len(problems) - MOST_PROBLEMS
    return "; ".join(problems[:MOST_PROBLEMS]) + (f"; and {more} more" if more > 0 else "")


def load_all(*roots: Path, arenas: Collection[str] | None = None) -> list[Stored]:
    """Read every record under the roots, or those of some arenas.

    Where two are of the same entry, arena and reference, a later root wins, and the other file is not read.
    Raises DamagedFile for the first that cannot be used.
    """
    files = files_below(*roots)
    kept, problems = read_files(
        (root, path) for root, path in files if arenas is None or "/".join(path.relative_to(root).parts[:2]) in arenas
    )
    if problems:
        raise problems[0]
    return kept


def files_below(*roots: Path) -> list[tuple[Path, Path]]:
    """Return every record's file after the root that it lies below; of two in one place the later root's."""
    by_place = {path.relative_to(root): (root, path) for root in roots for path in _files(root)}
    return [by_place[place] for place in sorted(by_place)]


def read_files(files: Iterable[tuple[Path, Path]]) -> tuple[list[Stored], list[DamagedFile]]:
    """Read the records of some files, each given after its root; return them, and what is wrong with those left out."""
    kept, problems = [], []
    with without_collection():
        for root, path in files:
            try:
                stored = load(path)
                require_place(stored, root)
            except DamagedFile as error:
                problems.append(error)
            else:
                kept.append(stored)
    return kept, problems


@contextmanager
def without_collection() -> Iterator[None]:
    """Make objects without a search for garbage, which takes a quarter of the time of reading records."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def load_single(path: Path) -> Stored:
    """Read a record given by its path, which tells the root that it lies below. Raises DamagedFile."""
    stored = load(path)
    record, whole = stored.record, Path(os.path.abspath(path))
    depth = len(entry_path(record.arena, record.submission, record.entry, record.seed).parts)
    require_place(Stored(record, whole), whole.parents[min(depth, len(whole.parents)) - 1])
    return stored


def require_place(stored: Stored, root: Path) -> None:
    """Refuse a record out of its place: two of one entry, arena and reference would both count. Raises DamagedFile."""
    expected = record_path(root, stored.record)
    if stored.path != expected:
        other = ", where there is another" if expected.exists() else ""
        raise DamagedFile(
            f"{stored.path}: holds the record that belongs at {expected}{other}; move or delete one of them"
        )


def _files(root: Path) -> Iterator[Path]:
    return (path for path in sorted(root.rglob("*.json")) if not path.name.startswith("."))
