"""`leaderboard`: the page from the records, and the check that it is."""

import difflib
from dataclasses import dataclass
from pathlib import Path

from benchmark.board import boards, leaderboard_csv, leaderboard_json, leaderboard_markdown
from benchmark.commands.options import require_format
from benchmark.commands.page import FIGURE, check_figure_of, write_figure, write_page
from benchmark.errors import DamagedFile, UsageError
from benchmark.files import write_atomically
from benchmark.records import COMMITTED, Stored, load_all, verify
from benchmark.registry import BASELINES, load_task, terms

PAGE = BASELINES.parent / "leaderboard.md"
WRITERS = {"md": leaderboard_markdown, "json": leaderboard_json, "csv": leaderboard_csv}


@dataclass(frozen=True)
class Pictures:
    """What is asked for beside the text."""

    html: Path | None
    open: bool  # in a browser
    figure: Path | None

    @property
    def page(self) -> bool:
        """Whether the page of HTML is asked for."""
        return self.html is not None or self.open


def leaderboard(
    check: bool, format: str | None, roots: list[Path] | None, page: Path | None, pictures: Pictures
) -> None:
    """Write, print or check. Raises DamagedFile for a record, page or figure that does not hold."""
    require_format(format or "md", *WRITERS)
    if check and pictures.page:
        raise UsageError("--check holds for leaderboard.md and the figure; leave out --html and --open")
    missing = [root for root in roots or [] if not root.is_dir()]
    if missing:
        raise UsageError(f"--records {missing[0]}: no such folder")
    stored = load_all(*(roots or [COMMITTED]))
    if not check and (pictures.page or pictures.figure):
        _draw(stored, pictures)
        return
    text = WRITERS[format or "md"](boards(stored, terms()))
    if check:
        _check(stored, text, page or PAGE)
        if pictures.figure or page is None:
            check_figure_of(stored, pictures.figure or FIGURE)
    elif format:
        print(text, end="")
    else:
        page = page or PAGE
        write_atomically(page, lambda temporary: temporary.write_text(text))
        print(f"wrote {page} from {len(stored)} records")


def _draw(stored: list[Stored], pictures: Pictures) -> None:
    if pictures.page:
        write_page(stored, pictures.html, pictures.open)
    if pictures.figure:
        write_figure(stored, pictures.figure)


def _check_splits(one: Stored) -> None:
    """A record of the current protocol has the task's splits in their roles: figures cannot tell, the task can.

    It may lack some, whose data were missing: then it has no rank.
    """
    record = one.record
    current = terms().get(record.arena)
    if record.status == "failed" or current is None or record.protocol != current.protocol:
        return
    roles = load_task(record.task).roles
    expected = {name: roles[name] for name in current.splits if name in record.splits}
    found = {name: split.role for name, split in record.splits.items()}
    if found != expected:
        raise DamagedFile(f"{one.path}: splits: the task has {dict(roles)}, the record {found}; run it again")


def _check(stored: list[Stored], text: str, page: Path) -> None:
    for one in stored:
        verify(one)
        _check_splits(one)
    written = page.read_text() if page.exists() else ""
    if written != text:
        difference = difflib.unified_diff(
            written.splitlines(), text.splitlines(), str(page), "from the records", lineterm="", n=0
        )
        lines = list(difference)[:12]
        raise DamagedFile(
            f"{page} is not what the records give; `simplibench leaderboard` writes it anew:\n" + "\n".join(lines)
        )
    print(f"{len(stored)} records verified; {page} is what they give")
