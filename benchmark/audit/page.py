"""What `verify` and `leaderboard --check` report on records and the page that they make."""

import difflib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from simplibench.audit.load import LoadedRecords
from simplibench.audit.records import outdated_protocols, outdated_sources, require_none
from simplibench.board import ArenaBoard
from simplibench.registry import terms
from simplibench.text import printable

SHOWN_LINES = 12  # of the difference between a page and what the records give


@dataclass(frozen=True)
class Audit:
    """The result of an audit."""

    problems: list[str]  # of records that do not hold or are outdated, and of the page
    notes: list[str]  # worth knowing, no fault of a record
    counts: Counter[str]  # how many records are of the current or another protocol and source

    def require(self) -> None:
        """Raise RecordsUnsound that lists the problems, if there are any."""
        require_none(self.problems)


def audit(loaded: LoadedRecords, page: Path | None, write: Callable[[list[ArenaBoard]], str]) -> Audit:
    """Audit records that were loaded with `audited`, and the page made of them.

    Args:
        loaded: The records.
        page: A file that should hold what `write` makes of their boards; None: none is compared.
        write: Makes the page's text.

    """
    unsound = [*map(str, loaded.damaged), *loaded.problems]
    counts: Counter[str] = Counter()
    notes = list(outdated_protocols(loaded.listed, terms(), counts))
    outdated: list[str] = []
    for text, committed in outdated_sources(loaded.listed, counts):
        (outdated if committed else notes).append(text)
    differing = _page_problem(page, write(loaded.boards)) if page and not unsound else []
    return Audit([*map(printable, [*unsound, *outdated]), *differing], notes, counts)


def _page_problem(page: Path, text: str) -> list[str]:
    """Return how the page differs from what the records give; empty where it does not."""
    written = page.read_bytes().decode(errors="replace") if page.exists() else ""
    if written == text:
        return []
    difference = difflib.unified_diff(
        written.splitlines(), text.splitlines(), str(page), "from the records", lineterm="", n=0
    )
    lines = list(difference)[:SHOWN_LINES]
    return [f"{page} is not what the records give; `simplibench leaderboard` writes it anew:\n" + "\n".join(lines)]
