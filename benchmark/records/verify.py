"""Recompute what the counts of a record determine."""

from collections.abc import Iterator, Sequence

from simplibench.errors import DamagedFile
from simplibench.records.store import Stored


def verify(stored: Stored) -> None:
    """Check a record against its tables.

    Raises:
        DamagedFile: A figure differs from what its counts give; the first is named.

    """
    for problem in problems(stored):
        raise DamagedFile(problem)


def problems(stored: Stored) -> Iterator[str]:
    """Yield every figure that does not follow from the record's counts, and every table that cannot be used."""
    record = stored.record
    shared_kind, counts_kind = record.tables
    try:
        shared = stored.ground(shared_kind)
    except DamagedFile as error:
        yield f"{stored.path}: ground_sha256: {error}"
        return
    if record.status == "failed":
        return
    try:
        counts = stored.counts(counts_kind)
    except DamagedFile as error:
        yield f"{stored.path}: counts_sha256: {error}"
        return
    try:
        for problem in record.problems(shared, counts):
            yield f"{stored.path}: {problem}; run it again"
    except (ValueError, TypeError, IndexError, ZeroDivisionError) as error:  # tables made by hand may be anything
        yield f"{stored.path}: its figures cannot be computed from its tables ({error}); run it again"


def problems_each(records: Sequence[Stored]) -> list[list[str]]:
    """Return the problems of several records, in their order."""
    return [list(problems(stored)) for stored in records]
