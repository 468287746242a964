"""`leaderboard`: the page from the records, and the check that it is."""

from pathlib import Path

from benchmark.board import boards, leaderboard_csv, leaderboard_json, leaderboard_markdown
from benchmark.commands.audit import audit, require_known
from benchmark.commands.options import require_format
from benchmark.errors import UsageError
from benchmark.files import write_atomically
from benchmark.records import COMMITTED, load_all, read_all
from benchmark.registry import BASELINES, terms

PAGE = BASELINES.parent / "leaderboard.md"
WRITERS = {"md": leaderboard_markdown, "json": leaderboard_json, "csv": leaderboard_csv}


def leaderboard(check: bool, format: str | None, roots: list[Path] | None, page: Path | None) -> None:
    """Write, print or check. Raises RecordsUnsound for records or a page that do not hold."""
    require_format(format or "md", *WRITERS)
    missing = [root for root in roots or [] if not root.is_dir()]
    if missing:
        raise UsageError(f"--records {missing[0]}: no such folder")
    page = page or PAGE
    if check:
        _check(roots or [COMMITTED], format or "md", page)
        return
    stored = load_all(*(roots or [COMMITTED]))
    require_known(stored)
    text = WRITERS[format or "md"](boards(stored, terms()))
    if format:
        print(text, end="")
    else:
        write_atomically(page, lambda temporary: temporary.write_text(text))
        print(f"wrote {page} from {len(stored)} records")


def _check(roots: list[Path], format: str, page: Path) -> None:
    stored, damaged = read_all(*roots)
    audit(stored, damaged, lambda: WRITERS[format](boards(stored, terms())), page).require()
    print(f"{len(stored)} records verified; {page} is what they give")
