"""`leaderboard`: the page from the records, and the check that it is."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from simplibench import workspace
from simplibench.audit.load import ALL, LoadedRecords, LoadOptions, load_records
from simplibench.audit.page import audit
from simplibench.audit.records import require_none
from simplibench.board import leaderboard_csv, leaderboard_json, leaderboard_markdown
from simplibench.cli.app import app
from simplibench.cli.printing import require_format
from simplibench.errors import UsageError
from simplibench.files import require_file, write_text
from simplibench.pages import require_libraries
from simplibench.pages.files import SHOWN, check_figure_of, renderer_beside, write_figure, write_page
from simplibench.records import files_below
from simplibench.text import printable

WRITERS = {"md": leaderboard_markdown, "json": leaderboard_json, "csv": leaderboard_csv}


@app.command()
def leaderboard(
    check: Annotated[bool, typer.Option(help="Verify every record and that leaderboard.md is what they give.")] = False,
    format: Annotated[
        str | None, typer.Option(help="md, json or csv; without --page it is printed instead of written.")
    ] = None,
    records: Annotated[
        list[Path] | None,
        typer.Option(help="Folders of records, instead of the committed ones; without --page their board is printed."),
    ] = None,
    page: Annotated[
        Path | None,
        typer.Option(
            "--page",
            "--output",
            help="The page to write or check; without, leaderboard.md of the checkout, or of the current folder.",
        ),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write one file for browsers instead, with charts; it needs no network.")
    ] = None,
    open: Annotated[bool, typer.Option("--open", help="Show that page in the browser.")] = False,
    figure: Annotated[
        Path | None, typer.Option(help="Draw, or check, the README's figure: a PNG, its data beside it.")
    ] = None,
) -> None:
    """Make leaderboard.md, or a page for browsers, from the records and nothing else."""
    make_leaderboard(check, format, records, page, Pictures(html, open, figure))


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


def make_leaderboard(
    check: bool, format: str | None, roots: list[Path] | None, page: Path | None, pictures: Pictures = NO_PICTURES
) -> None:
    """Write, print or check. Raises RecordsUnsound or DamagedFile for records, a page or a figure that do not hold.

    The board of records that are named, instead of the committed ones, is printed unless a page is named too.
    """
    require_format(format or "md", *WRITERS)
    if check and pictures.page:
        raise UsageError("--check holds for leaderboard.md and the figure; leave out --html and --open")
    if pictures.figure and pictures.figure.suffix != ".png":
        raise UsageError(f"--figure must name a file that ends in .png, got {pictures.figure}")
    _require_records(roots or [])
    drawn = pictures.page or pictures.figure
    if not check:
        text_file = None if drawn or format or (roots and not page) else page or workspace.page()
        _require_writable({"--html": pictures.html, "--figure": pictures.figure, "--page": text_file})
    if check:
        _check(roots, format or "md", page, pictures.figure)
    elif drawn:
        _draw(roots, pictures)
    else:
        _write(roots, format, page)


def _require_writable(files: Mapping[str, Path | None]) -> None:
    """Raises UsageError for a file that cannot be written, before the records are read, not after."""
    for option, file in files.items():
        if file is not None:
            require_file(option, file)


def _require_records(roots: list[Path]) -> None:
    """Raises UsageError for a folder that is not there or empty: its board would be one of nothing."""
    for root in roots:
        if not root.is_dir():
            raise UsageError(f"--records {root}: no such folder")
        if not files_below(root):
            raise UsageError(f"--records {root}: no records; expected TASK/ARENA/SUBMISSION/ENTRY.seed-N.json below it")


def _write(roots: list[Path] | None, format: str | None, page: Path | None) -> None:
    reading = _read(roots, LoadOptions())
    text = WRITERS[format or "md"](reading.boards)
    if page is None and (roots or format):
        print(text, end="")
        return
    page = page or workspace.page()
    write_text(page, text)
    print(f"wrote {page} from {len(reading.listed)} records")


def _read(roots: list[Path] | None, wish: LoadOptions) -> LoadedRecords:
    """The committed records, which must all hold; or those of some folders, of which the others are left out.

    Raises DamagedFile for the first record that cannot be used, RecordsUnsound for those of unknown arenas, UsageError
    where nothing is left.
    """
    reading = load_records(roots or [workspace.committed()], replace(wish, lenient=bool(roots)))
    reading.remarks.say()
    if reading.damaged:
        raise reading.damaged[0]
    require_none(list(map(printable, reading.problems)))
    if roots and not reading.listed and wish.only is None:
        raise UsageError(f"--records {', '.join(map(str, roots))}: no record there can be used")
    return reading


def _check(roots: list[Path] | None, format: str, page: Path | None, figure: Path | None) -> None:
    """Say how many records hold, and the page and the figure with them."""
    page = page or workspace.page()
    if figure is None and workspace.checkout() and page == workspace.page():
        figure = workspace.figure()
    reading = load_records(
        roots or [workspace.committed()], LoadOptions(audited=True, drawn=(SHOWN,) if figure else ())
    )
    audit(reading, page, WRITERS[format]).require()
    if figure:
        check_figure_of(reading, figure)
    print(f"{len(reading.listed)} records verified; {page} is what they give")


def _draw(roots: list[Path] | None, pictures: Pictures) -> None:
    require_libraries()
    if not pictures.page:
        reading = _read(roots, LoadOptions(drawn=(SHOWN,), only=SHOWN))
    else:
        with renderer_beside() as draw:
            reading = _read(roots, LoadOptions(drawn=ALL))
            write_page(reading, pictures.html, pictures.open, draw)
    if pictures.figure:
        write_figure(reading, pictures.figure)
