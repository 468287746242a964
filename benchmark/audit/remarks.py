"""What is said on standard error about records: which were left out, which no longer count, which were chosen."""

import shlex
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from simplibench.records import Stored
from simplibench.text import printable

MOST_NAMED = 5  # files that are left out


@dataclass
class Remarks:
    """What a reader of the records is to know."""

    left_out: list[str] = field(default_factory=list)  # files that cannot be used, and why
    gone: list[Stored] = field(default_factory=list)  # records of entries that their submission's file no longer has
    choices: list[tuple[str, str, str]] = field(default_factory=list)  # submission, arena, which of its records count

    @classmethod
    def of(cls, several: Iterable["Remarks"]) -> "Remarks":
        """Put remarks together; what is said twice is said once."""
        found = list(several)
        return cls(
            left_out=list(dict.fromkeys(problem for remarks in found for problem in remarks.left_out)),
            gone=[one for remarks in found for one in remarks.gone],
            choices=[choice for remarks in found for choice in remarks.choices],
        )

    def say(self) -> None:
        """Print them on standard error, a line each."""
        lines = [f"left out: {problem}" for problem in self.left_out[:MOST_NAMED]]
        if len(self.left_out) > MOST_NAMED:
            more = len(self.left_out) - MOST_NAMED
            lines.append(f"left out: {more} more files; `simplibench verify --records FOLDER` lists all of a folder")
        arenas: dict[tuple[str, str], list[str]] = defaultdict(list)
        for submission, arena, choice in self.choices:
            arenas[submission, choice].append(arena)
        lines += [f"{submission} in {', '.join(names)}: {choice}" for (submission, choice), names in arenas.items()]
        for line in (*lines, *gone_lines(self.gone)):
            print(printable(line), file=sys.stderr)


def gone_lines(gone: Sequence[Stored], consequence: str = "not counted") -> list[str]:
    """Name by submission the entries that its file no longer has, and how their records are deleted."""
    by_submission: dict[str, list[Stored]] = defaultdict(list)
    for one in gone:
        by_submission[one.record.submission].append(one)
    lines = []
    for submission, stored in by_submission.items():
        entries = ", ".join(dict.fromkeys(one.record.entry for one in stored))
        patterns = dict.fromkeys(f"{shlex.quote(str(one.path).rpartition('.seed-')[0])}.seed-*" for one in stored)
        number = f"{len(stored)} record{'s' if len(stored) > 1 else ''}"
        lines.append(
            f"no longer in the file of {submission}, and {consequence}: {entries} ({number}); to delete: "
            f"rm {' '.join(patterns)}"
        )
    return lines
