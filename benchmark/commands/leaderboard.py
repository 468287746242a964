"""`leaderboard`: the page from the records, and the check that it is."""

from dataclasses import dataclass
from pathlib import Path

from simplibench.board import leaderboard_csv, leaderboard_json, leaderboard_markdown
from simplibench.commands.audit import audit
from simplibench.commands.options import require_format
from simplibench.commands.page import FIGURE, SHOWN, check_figure_of, renderer_beside, write_figure, write_page
from simplibench.commands.reading import ALL, Reading, Wish, read
from simplibench.commands.soundness import require_none
from simplibench.errors import UsageError
from simplibench.files import write_atomically
from simplibench.pages import require_libraries
from simplibench.records import COMMITTED
from simplibench.registry import BASELINES
from simplibench.text import printable

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
    if pictures.figure and pictures.figure.suffix != ".png":
        raise UsageError(f"--figure must name a file that ends in .png, got {pictures.figure}")
    missing = [root for root in roots or [] if not root.is_dir()]
    if missing:
        raise UsageError(f"--records {missing[0]}: no such folder")
    roots, page = roots or [COMMITTED], page or PAGE
    if check:
        figure = pictures.figure or (FIGURE if page == PAGE else None)
        print(f"{_check(roots, format or 'md', page, figure)} records verified; {page} is what they give")
        return
    if pictures.page or pictures.figure:
        _draw(roots, pictures)
        return
    reading = _sound(read(roots, Wish()))
    text = WRITERS[format or "md"](reading.boards)
    if format:
        print(text, end="")
    else:
        write_atomically(page, lambda temporary: temporary.write_text(text))
        print(f"wrote {page} from {len(reading.listed)} records")


def _sound(reading: Reading) -> Reading:
    """Raises DamagedFile for the first record that cannot be used, RecordsUnsound for those of unknown arenas."""
    if reading.damaged:
        raise reading.damaged[0]
    require_none(list(map(printable, reading.problems)))
    return reading


def _check(roots: list[Path], format: str, page: Path, figure: Path | None) -> int:
    """How many records hold, and the page and the figure with them."""
    reading = read(roots, Wish(audited=True, drawn=(SHOWN,) if figure else ()))
    audit(reading, page, WRITERS[format]).require()
    if figure:
        check_figure_of(reading, figure)
    return len(reading.listed)


def _draw(roots: list[Path], pictures: Pictures) -> None:
    require_libraries()
    if not pictures.page:
        reading = _sound(read(roots, Wish(drawn=(SHOWN,), only=SHOWN)))
    else:
        with renderer_beside() as draw:
            reading = _sound(read(roots, Wish(drawn=ALL)))
            write_page(reading, pictures.html, pictures.open, draw)
    if pictures.figure:
        write_figure(reading, pictures.figure)
