"""Which records of a submission count where several folders have some: a part of a run never hides a whole one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from simplibench.audit.gathering import Gathered, RowKey
from simplibench.audit.remarks import Remarks
from simplibench.board.rows import rank_status
from simplibench.records import SeedName, Stored, Terms


@dataclass(frozen=True)
class Candidate:
    """One folder's records of a submission in an arena, which might count."""

    stored: list[Stored]
    fault: str  # why a record is lacking; empty: none is
    label: str  # what the folder is called

    def shortcoming(self, terms: Terms) -> str:
        """Return what keeps the records from a rank; empty where they are whole, be it that every entry failed."""
        status, note = rank_status(self.stored, terms, self.fault)
        missing = set(terms.seeds) - {stored.record.seed for stored in self.stored}
        if status == "failed" and missing:
            return f"incomplete: nothing is on reference {min(missing)}"
        return "" if status in ("ok", "failed") else f"{status}: {note}"


@dataclass(frozen=True)
class Chosen:
    """The records that count."""

    stored: list[Stored]  # by arena, submission and file name
    faults: dict[RowKey, str]  # where a record is lacking, and why
    remarks: Remarks


def choose(folders: Sequence[Gathered], terms: Mapping[str, Terms], together: bool = True) -> Chosen:
    """Choose per submission and arena the first folder's records that make a rank; if none do, the first there are.

    Args:
        folders: What each folder has, the preferred one first.
        terms: What every arena ranks, by its name.
        together: Whether what the first folder lacks may come from the others, where all of them together make a rank.

    """
    records: list[Stored] = []
    faults: dict[RowKey, str] = {}
    choices = []
    for row_key in dict.fromkeys(row_key for folder in folders for row_key in (*folder.stored, *folder.lacking)):
        everywhere = (
            Candidate(folder.stored.get(row_key, []), folder.fault(row_key), folder.label) for folder in folders
        )
        candidates = [candidate for candidate in everywhere if candidate.stored or candidate.fault]
        if not candidates:  # all that there were are of entries that the file no longer has
            continue
        arena, submission = row_key
        taken, choice = _choice(candidates, terms[arena], together)
        records += taken.stored
        faults |= {row_key: taken.fault} if taken.fault else {}
        choices += [(submission, arena, choice)] if choice else []
    records.sort(key=lambda stored: (stored.record.arena, stored.record.submission, stored.path.name))
    return Chosen(records, faults, Remarks.of([*(folder.remarks for folder in folders), Remarks(choices=choices)]))


def _choice(candidates: list[Candidate], terms: Terms, together: bool) -> tuple[Candidate, str]:
    """Return the records to take, and what is said about it; see `choose`."""
    if len(candidates) == 1:
        return candidates[0], ""
    merged = _merged(candidates)
    made_by = {(stored.record.source_sha256, stored.record.protocol.sha256) for stored in merged.stored}
    extended = together and len(made_by) == 1 and len(merged.stored) > len(candidates[0].stored)
    if extended and not merged.shortcoming(terms):
        return merged, f"{merged.label} are used together"
    for number, candidate in enumerate(candidates):
        if not candidate.shortcoming(terms):
            passed_over = candidates[:number]
            reasons = [f"; {other.label} make no rank there ({other.shortcoming(terms)})" for other in passed_over]
            rest = "" if passed_over else f", not {' and '.join(other.label for other in candidates[1:])}"
            return candidate, f"{candidate.label} are used{rest}{''.join(reasons)}"
    if extended:
        return merged, f"{merged.label} are used together, and make no rank"
    first = next((candidate for candidate in candidates if candidate.stored), candidates[0])
    return first, f"{first.label} are used; neither these nor others make a rank"


def _merged(candidates: list[Candidate]) -> Candidate:
    """Return all records together; where two are of the same entry and reference, that of the first folder."""
    by_unit: dict[tuple[str, SeedName], Stored] = {}
    for candidate in candidates:
        for stored in candidate.stored:
            by_unit.setdefault((stored.record.entry, stored.record.seed), stored)
    fault = next((candidate.fault for candidate in candidates if candidate.fault), "")
    return Candidate(list(by_unit.values()), fault, " and ".join(candidate.label for candidate in candidates))
