"""`leaderboard --html` and `--figure`: write the page for browsers, and draw or check the README's figure."""

import importlib
import os
import threading
import webbrowser
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from simplibench import workspace
from simplibench.audit.load import LoadedRecords
from simplibench.audit.records import RecordHeader
from simplibench.board import ArenaCurves
from simplibench.errors import UsageError
from simplibench.files import cache_folder, write_text
from simplibench.pages.figure import check_figure, save_figure
from simplibench.pool import workers
from simplibench.registry import all_methods, all_tasks

SHOWN = "dyck-20-10/attention.1"  # in the figure


def write_page(loaded: LoadedRecords, file: Path | None, show: bool, draw: Callable[[], str]) -> None:
    """Write the page of HTML, and open it in a browser if asked.

    Args:
        loaded: The records, with boards and curves.
        file: The file to write; None: one in the cache folder.
        show: Whether to open it.
        draw: Returns the renderer of the charts; see `renderer_beside`.

    Raises:
        UsageError: The file cannot be written.

    """
    from simplibench.pages.html import leaderboard_html

    file = file or cache_folder() / "leaderboard.html"
    made = made_from(loaded.listed)
    text = leaderboard_html(loaded.boards, loaded.curves, task_labels(), files_from(file), made, draw)
    write_text(file, text)
    print(f"wrote {file} from {len(loaded.listed)} records")
    if show and not webbrowser.open(file.resolve().as_uri()):
        print("no browser was found to open it with")


@contextmanager
def renderer_beside() -> Iterator[Callable[[], str]]:
    """Put the charts' renderer together in another process meanwhile, as it takes seconds; yield what returns it."""
    from simplibench.pages.renderer import renderer

    with workers(1) as pool:
        rendering = pool.submit(renderer)
        threading.Thread(target=importlib.import_module, args=("simplibench.pages.html",)).start()  # a second as well
        yield rendering.result


def write_figure(loaded: LoadedRecords, file: Path) -> None:
    """Draw the figure and write its data beside it. Raises UsageError where it has no records or cannot be written."""
    save_figure(_shown_curves(loaded), file)
    print(f"wrote {file} of {SHOWN}")


def check_figure_of(loaded: LoadedRecords, file: Path) -> None:
    """Raise DamagedFile for a figure that is not what the records give."""
    check_figure(_shown_curves(loaded), file)


def task_labels() -> dict[str, dict[str, dict[str, str]]]:
    """Return what readers call the values of strata: task -> stratum -> value -> label."""
    return {
        task.name: {
            stratum: {str(value): label for value, label in labels.items()} for stratum, labels in task.labels.items()
        }
        for task in all_tasks().values()
    }


def files_from(page: Path) -> dict[str, tuple[str, str]]:
    """Return by method the address of its file as seen from the page, and the file's path as it is shown."""
    folder = page.resolve().parent
    return {
        name: (Path(os.path.relpath(method.path, folder)).as_posix(), workspace.told(method.path))
        for name, method in all_methods().items()
    }


def made_from(headers: Sequence[RecordHeader]) -> str:
    """Return a sentence on how many records a page is made from, and the day of the newest."""
    if not headers:
        return "Made from no record."
    newest = max(header.created for header in headers).partition("T")[0]
    return f"Made from {len(headers)} records, the newest of {newest}."


def _shown_curves(loaded: LoadedRecords) -> ArenaCurves:
    """Return the curves of the arena in the figure. Raises UsageError where it has no comparable records."""
    for curves in loaded.curves:
        if curves.arena == SHOWN:
            return curves
    raise UsageError(f"the figure shows {SHOWN}, of which there are no comparable records")
