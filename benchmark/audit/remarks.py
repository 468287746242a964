"""Remarks on records, for standard error: which were left out, which no longer count, which were chosen."""

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
    """What a reader of records should know about them."""

    left_out: list[str] = field(default_factory=list)  # files that cannot be used, and why
    gone: list[Stored] = field(default_factory=list)  # records of entries that their submission's file no longer has
    choices: list[tuple[str, str, str]] = field(default_factory=list)  # submission, arena, which of its records count

    @classmethod
    def of(cls, several: Iterable["Remarks"]) -> "Remarks":
        """Put remarks together; files that several name are named once."""
        parts = list(several)
        return cls(
            left_out=list(dict.fromkeys(problem for remarks in parts for problem in remarks.left_out)),
            gone=[stored for remarks in parts for stored in remarks.gone],
            choices=[choice for remarks in parts for choice in remarks.choices],
        )

    def say(self) -> None:
        """Print the remarks on standard error, one line each."""
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
    """Return one line per submission: the entries that its file no longer has, and how to delete their records."""
    by_submission: dict[str, list[Stored]] = defaultdict(list)
    for stored in gone:
        by_submission[stored.record.submission].append(stored)
    lines = []
    for submission, records in by_submission.items():
        entries = ", ".join(dict.fromkeys(stored.record.entry for stored in records))
        files = (str(stored.path).rpartition(".seed-")[0] for stored in records)  # without the reference
        patterns = dict.fromkeys(f"{shlex.quote(file)}.seed-*" for file in files)
        number = f"{len(records)} record{'s' if len(records) > 1 else ''}"
        lines.append(
            f"no longer in the file of {submission}, and {consequence}: {entries} ({number}); to delete: "
            f"rm {' '.join(patterns)}"
        )
    return lines
