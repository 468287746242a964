"""`leaderboard`: make the page from the records, or check that it is what they give."""

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
from simplibench.cli.page import SHOWN, check_figure_of, renderer_beside, write_figure, write_page
from simplibench.cli.printing import require_folders, require_format
from simplibench.errors import UsageError
from simplibench.files import require_file, write_text
from simplibench.pages import require_libraries
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
    """What to draw beside the text."""

    html: Path | None = None
    open: bool = False  # in a browser
    figure: Path | None = None

    @property
    def page(self) -> bool:
        """Say whether the page of HTML is asked for."""
        return self.html is not None or self.open


NO_PICTURES = Pictures()


def make_leaderboard(
    check: bool, format: str | None, roots: list[Path] | None, page: Path | None, pictures: Pictures = NO_PICTURES
) -> None:
    """Write or print the leaderboard, or check it.

    Args:
        check: Check the records, the page and the figure instead of writing.
        format: md, json or csv; None: md.
        roots: Folders of records, whose board is printed unless a page is named too; None: the committed records.
        page: The page to write or check; None: leaderboard.md of the checkout, or of the working folder.
        pictures: What to draw instead.

    Raises:
        UsageError: Options that do not go together, or a file that cannot be written.
        RecordsUnsound: A record or the page does not hold.
        DamagedFile: A record or the figure cannot be used.

    """
    require_format(format or "md", *WRITERS)
    if check and pictures.page:
        raise UsageError("--check holds for leaderboard.md and the figure; leave out --html and --open")
    if pictures.figure and pictures.figure.suffix != ".png":
        raise UsageError(f"--figure must name a file that ends in .png, got {pictures.figure}")
    require_folders(roots)
    empty = [root for root in roots or [] if not files_below(root)]
    if empty:
        raise UsageError(f"--records {empty[0]}: no records; expected TASK/ARENA/SUBMISSION/ENTRY.seed-N.json below it")
    if check:
        _check(roots, format or "md", page, pictures.figure)
    elif pictures.page or pictures.figure:
        _draw(roots, pictures)
    else:
        _write(roots, format, page)


def _write(roots: list[Path] | None, format: str | None, page: Path | None) -> None:
    """Write the page, or print it where only records or a format are named."""
    file = None if page is None and (roots or format) else page or workspace.page()
    if file:
        require_file("--page", file)  # before the records are read, not after
    loaded = _load(roots, LoadOptions())
    text = WRITERS[format or "md"](loaded.boards)
    if file is None:
        print(text, end="")
        return
    write_text(file, text)
    print(f"wrote {file} from {len(loaded.listed)} records")


def _load(roots: list[Path] | None, options: LoadOptions) -> LoadedRecords:
    """Load the committed records, which must all hold; or those of some folders, leaving out what cannot be used.

    Raises:
        DamagedFile: The first record that cannot be used.
        RecordsUnsound: Records of unknown tasks, arenas or splits.
        UsageError: Nothing is left.

    """
    loaded = load_records(roots or [workspace.committed()], replace(options, lenient=bool(roots)))
    loaded.remarks.say()
    if loaded.damaged:
        raise loaded.damaged[0]
    require_none(list(map(printable, loaded.problems)))
    if roots and not loaded.listed and options.only is None:
        raise UsageError(f"--records {', '.join(map(str, roots))}: no record there can be used")
    return loaded


def _check(roots: list[Path] | None, format: str, page: Path | None, figure: Path | None) -> None:
    """Check records, page and figure, and print how many records were verified; see `make_leaderboard` for errors."""
    page = page or workspace.page()
    if figure is None and workspace.checkout() and page == workspace.page():
        figure = workspace.figure()
    loaded = load_records(roots or [workspace.committed()], LoadOptions(audited=True, drawn=(SHOWN,) if figure else ()))
    audit(loaded, page, WRITERS[format]).require()
    if figure:
        check_figure_of(loaded, figure)
    print(f"{len(loaded.listed)} records verified; {page} is what they give")


def _draw(roots: list[Path] | None, pictures: Pictures) -> None:
    """Write the page of HTML, the figure, or both."""
    for option, file in (("--html", pictures.html), ("--figure", pictures.figure)):
        if file:
            require_file(option, file)  # before the records are read, not after
    require_libraries()
    if not pictures.page:
        loaded = _load(roots, LoadOptions(drawn=(SHOWN,), only=SHOWN))
    else:
        with renderer_beside() as draw:
            loaded = _load(roots, LoadOptions(drawn=ALL))
            write_page(loaded, pictures.html, pictures.open, draw)
    if pictures.figure:
        write_figure(loaded, pictures.figure)
