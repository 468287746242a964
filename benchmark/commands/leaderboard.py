"""`leaderboard`: the page from the records, and the check that it is."""

from dataclasses import dataclass
from pathlib import Path

from benchmark.board import boards, leaderboard_csv, leaderboard_json, leaderboard_markdown
from benchmark.commands.audit import audit, require_known
from benchmark.commands.options import require_format
from benchmark.commands.page import FIGURE, check_figure_of, write_figure, write_page
from benchmark.errors import UsageError
from benchmark.files import write_atomically
from benchmark.records import COMMITTED, Stored, load_all, read_all
from benchmark.registry import BASELINES, terms

PAGE = BASELINES.parent / "leaderboard.md"
WRITERS = {"md": leaderboard_markdown, "json": leaderboard_json, "csv": leaderboard_csv}


@dataclass(frozen=True)
class Pictures:
    """What is asked for beside the text."""

    html: Path | None = None
    open: bool = False  # in a browser
    figure: Path | None = None

    @property
    def page(self) -> bool:
        """Whether the page of HTML is asked for."""
        return self.html is not None or self.open


NO_PICTURES = Pictures()


def leaderboard(
    check: bool, format: str | None, roots: list[Path] | None, page: Path | None, pictures: Pictures = NO_PICTURES
) -> None:
    """Write, print or check. Raises RecordsUnsound or DamagedFile for records, a page or a figure that do not hold."""
    require_format(format or "md", *WRITERS)
    if check and pictures.page:
        raise UsageError("--check holds for leaderboard.md and the figure; leave out --html and --open")
    missing = [root for root in roots or [] if not root.is_dir()]
    if missing:
        raise UsageError(f"--records {missing[0]}: no such folder")
    if check:
        stored = _check(roots or [COMMITTED], format or "md", page or PAGE)
        if pictures.figure or page is None:
            check_figure_of(stored, pictures.figure or FIGURE)
        print(f"{len(stored)} records verified; {page or PAGE} is what they give")
        return
    stored = load_all(*(roots or [COMMITTED]))
    if pictures.page or pictures.figure:
        _draw(stored, pictures)
        return
    require_known(stored)
    text = WRITERS[format or "md"](boards(stored, terms()))
    if format:
        print(text, end="")
    else:
        page = page or PAGE
        write_atomically(page, lambda temporary: temporary.write_text(text))
        print(f"wrote {page} from {len(stored)} records")


def _check(roots: list[Path], format: str, page: Path) -> list[Stored]:
    stored, damaged = read_all(*roots)
    audit(stored, damaged, lambda: WRITERS[format](boards(stored, terms())), page).require()
    return stored


def _draw(stored: list[Stored], pictures: Pictures) -> None:
    if pictures.page:
        write_page(stored, pictures.html, pictures.open)
    if pictures.figure:
        write_figure(stored, pictures.figure)
