"""`leaderboard`: the page from the records, and the check that it is."""

import difflib
from pathlib import Path

from benchmark.board import boards, leaderboard_csv, leaderboard_json, leaderboard_markdown
from benchmark.commands.options import require_format
from benchmark.errors import DamagedFile, UsageError
from benchmark.files import write_atomically
from benchmark.records import COMMITTED, Stored, load_all, verify
from benchmark.registry import BASELINES, load_task, terms

PAGE = BASELINES.parent / "leaderboard.md"
WRITERS = {"md": leaderboard_markdown, "json": leaderboard_json, "csv": leaderboard_csv}


def leaderboard(check: bool, format: str | None, roots: list[Path] | None, page: Path | None) -> None:
    """Write, print or check. Raises DamagedFile for a record or page that does not hold."""
    require_format(format or "md", *WRITERS)
    missing = [root for root in roots or [] if not root.is_dir()]
    if missing:
        raise UsageError(f"--records {missing[0]}: no such folder")
    page = page or PAGE
    stored = load_all(*(roots or [COMMITTED]))
    text = WRITERS[format or "md"](boards(stored, terms()))
    if check:
        _check(stored, text, page)
    elif format:
        print(text, end="")
    else:
        write_atomically(page, lambda temporary: temporary.write_text(text))
        print(f"wrote {page} from {len(stored)} records")


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
