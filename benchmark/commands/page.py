"""`leaderboard --html` and `--figure`: what the records look like in a browser, and in the README."""

import os
import webbrowser
from collections.abc import Callable
from pathlib import Path

from benchmark.board import ArenaBoard, ArenaCurves, boards, curves
from benchmark.errors import UsageError
from benchmark.files import cache_folder, write_atomically
from benchmark.pages import require_libraries
from benchmark.pages.figure import check_figure, save_figure
from benchmark.records import Stored
from benchmark.registry import BASELINES, all_methods, all_tasks, terms

FIGURE = BASELINES.parent / "docs" / "leaderboard.png"
SHOWN = "dyck-20-10/attention.1"  # in the figure


def write_page(stored: list[Stored], file: Path | None, show: bool) -> None:
    """Write the page, into the cache folder where no file is named, and open it where asked. Raises UsageError."""
    require_libraries()
    from benchmark.pages.html import leaderboard_html

    file = file or cache_folder() / "leaderboard.html"
    found = boards(stored, terms())
    text = leaderboard_html(found, comparable_curves(stored, found), task_labels(), files_from(file), made_from(stored))
    _written("--html", file, lambda: write_atomically(file, lambda temporary: temporary.write_text(text)))
    print(f"wrote {file} from {len(stored)} records")
    if show and not webbrowser.open(file.resolve().as_uri()):
        print("no browser was found to open it with")


def write_figure(stored: list[Stored], file: Path) -> None:
    """Draw the figure and write its data beside it. Raises UsageError."""
    require_libraries()
    if file.suffix != ".png":
        raise UsageError(f"--figure must name a file that ends in .png, got {file}")
    shown = _shown(stored)
    _written("--figure", file, lambda: save_figure(shown, file))
    print(f"wrote {file} of {SHOWN}")


def check_figure_of(stored: list[Stored], file: Path) -> None:
    """Raises DamagedFile where the figure is not what the records give."""
    check_figure(_shown(stored), file)


def comparable_curves(stored: list[Stored], found: list[ArenaBoard]) -> list[ArenaCurves]:
    """Of the submissions whose records may be compared: of the current protocol, and complete."""
    scored = {(row.arena, row.submission) for board in found for row in board.rows if row.status == "ok"}
    return curves(one for one in stored if (one.record.arena, one.record.submission) in scored)


def task_labels() -> dict[str, dict[str, dict[str, str]]]:
    """By task: what a reader calls the values of its strata."""
    return {
        task.name: {
            stratum: {str(value): label for value, label in labels.items()} for stratum, labels in task.labels.items()
        }
        for task in all_tasks().values()
    }


def files_from(page: Path) -> dict[str, tuple[str, str]]:
    """The submissions whose files are there: address as seen from the page, and name."""
    folder, root = page.resolve().parent, BASELINES.parent
    return {
        name: (Path(os.path.relpath(method.path, folder)).as_posix(), str(method.path.relative_to(root)))
        for name, method in all_methods().items()
    }


def made_from(stored: list[Stored]) -> str:
    """How many records, and of when the newest is."""
    if not stored:
        return "Made from no record."
    newest = max(one.record.created for one in stored).partition("T")[0]
    return f"Made from {len(stored)} records, the newest of {newest}."


def _shown(stored: list[Stored]) -> ArenaCurves:
    own = [one for one in stored if one.record.arena == SHOWN]
    found = comparable_curves(own, boards(own, terms()))
    if not found:
        raise UsageError(f"the figure shows {SHOWN}, of which there are no comparable records")
    return found[0]


def _written(option: str, file: Path, write: Callable[[], None]) -> None:
    try:
        write()
    except OSError as error:
        raise UsageError(f"{option} {file}: cannot be written ({error.strerror}); name a file elsewhere") from None
