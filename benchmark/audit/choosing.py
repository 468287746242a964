"""Which records of a submission count where several folders have some: a part of a run never hides a whole one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from simplibench.audit.gathering import Gathered, Place
from simplibench.audit.remarks import Remarks
from simplibench.board.rows import standing
from simplibench.records import SeedName, Stored, Terms


@dataclass(frozen=True)
class Candidate:
    """Records of a submission in an arena that might count."""

    stored: list[Stored]
    fault: str  # why a record is lacking, if one is
    label: str

    def shortcoming(self, terms: Terms) -> str:
        """What keeps the records from a rank; nothing where they are whole, be it that every entry failed."""
        status, note = standing(self.stored, terms, self.fault)
        missing = set(terms.seeds) - {one.record.seed for one in self.stored}
        if status == "failed" and missing:
            return f"incomplete: nothing is on reference {min(missing)}"
        return "" if status in ("ok", "failed") else f"{status}: {note}"


@dataclass(frozen=True)
class Chosen:
    """The records that count."""

    stored: list[Stored]
    faults: dict[Place, str]  # where a record is lacking, and why
    remarks: Remarks


def choose(parts: Sequence[Gathered], terms: Mapping[str, Terms], together: bool = True) -> Chosen:
    """Choose by submission and arena the first folder's records that make a rank; if none do, the first that there are.

    `together`: what the first lacks may come from the others, as long as all of them together make a rank.
    """
    stored: list[Stored] = []
    faults: dict[Place, str] = {}
    choices = []
    for place in dict.fromkeys(place for part in parts for place in (*part.stored, *part.lacking)):
        everywhere = (Candidate(part.stored.get(place, []), part.fault(place), part.label) for part in parts)
        candidates = [candidate for candidate in everywhere if candidate.stored or candidate.fault]
        if not candidates:  # all that there were are of entries that the file no longer has
            continue
        arena, submission = place
        taken, choice = _choice(candidates, terms[arena], together)
        stored += taken.stored
        faults |= {place: taken.fault} if taken.fault else {}
        choices += [(submission, arena, choice)] if choice else []
    stored.sort(key=lambda one: (one.record.arena, one.record.submission, one.path.name))
    return Chosen(stored, faults, Remarks.of([*(part.remarks for part in parts), Remarks(choices=choices)]))


def _choice(candidates: list[Candidate], terms: Terms, together: bool) -> tuple[Candidate, str]:
    """The records to take, and what is said about it."""
    if len(candidates) == 1:
        return candidates[0], ""
    merged = _merged(candidates)
    alike = len({(one.record.source_sha256, one.record.protocol.sha256) for one in merged.stored}) == 1
    extended = together and alike and len(merged.stored) > len(candidates[0].stored)
    if extended and not merged.shortcoming(terms):
        return merged, f"{merged.label} are used together"
    for number, candidate in enumerate(candidates):
        if not candidate.shortcoming(terms):
            better = candidates[:number]
            told = [f"; {other.label} make no rank there ({other.shortcoming(terms)})" for other in better]
            rest = "" if better else f", not {' and '.join(other.label for other in candidates[1:])}"
            return candidate, f"{candidate.label} are used{rest}{''.join(told)}"
    if extended:
        return merged, f"{merged.label} are used together, and make no rank"
    first = next((candidate for candidate in candidates if candidate.stored), candidates[0])
    return first, f"{first.label} are used; neither these nor others make a rank"


def _merged(candidates: list[Candidate]) -> Candidate:
    """All records together; of two of one entry and reference, that of the first folder."""
    by_unit: dict[tuple[str, SeedName], Stored] = {}
    for candidate in candidates:
        for one in candidate.stored:
            by_unit.setdefault((one.record.entry, one.record.seed), one)
    fault = next((candidate.fault for candidate in candidates if candidate.fault), "")
    return Candidate(list(by_unit.values()), fault, " and ".join(candidate.label for candidate in candidates))
