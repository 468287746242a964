"""What `verify` and `leaderboard --check` find out about records and the page that they make."""

import difflib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from simplibench.audit.load import LoadedRecords
from simplibench.audit.records import protocols, require_none, sources
from simplibench.board import ArenaBoard
from simplibench.registry import terms
from simplibench.text import printable

SHOWN_LINES = 12  # of the difference between a page and what the records give


@dataclass(frozen=True)
class Audit:
    """What was found out about some records."""

    problems: list[str]  # of a record that does not hold or is outdated, and of the page
    notes: list[str]  # worth knowing, no fault of a record
    standing: Counter[str]  # how many records are of what protocol and source

    def require(self) -> None:
        """Raises RecordsUnsound that lists the problems."""
        require_none(self.problems)


def audit(reading: LoadedRecords, page: Path | None, write: Callable[[list[ArenaBoard]], str]) -> Audit:
    """Records that were read and audited, and the `page`, which is to be what `write` makes of their boards."""
    unsound = [*map(str, reading.damaged), *reading.problems]
    standing: Counter[str] = Counter()
    notes = list(protocols(reading.listed, terms(), standing))
    outdated: list[str] = []
    for text, committed in sources(reading.listed, standing):
        (outdated if committed else notes).append(text)
    differing = _page_problem(page, write(reading.boards)) if page and not unsound else []
    return Audit([*map(printable, [*unsound, *outdated]), *differing], notes, standing)


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
