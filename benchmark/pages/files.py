"""`leaderboard --html` and `--figure`: what the records look like in a browser, and in the README."""

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


def write_page(reading: LoadedRecords, file: Path | None, show: bool, draw: Callable[[], str]) -> None:
    """Write the page, into the cache folder where no file is named, and open it where asked. Raises UsageError."""
    from simplibench.pages.html import leaderboard_html

    file = file or cache_folder() / "leaderboard.html"
    made = made_from(reading.listed)
    text = leaderboard_html(reading.boards, reading.curves, task_labels(), files_from(file), made, draw)
    write_text(file, text)
    print(f"wrote {file} from {len(reading.listed)} records")
    if show and not webbrowser.open(file.resolve().as_uri()):
        print("no browser was found to open it with")


@contextmanager
def renderer_beside() -> Iterator[Callable[[], str]]:
    """The charts' renderer, put together by another process while records are read: it takes seconds."""
    from simplibench.pages.renderer import renderer

    with workers(1) as pool:
        drawn = pool.submit(renderer)
        threading.Thread(target=importlib.import_module, args=("simplibench.pages.html",)).start()  # a second as well
        yield drawn.result


def write_figure(reading: LoadedRecords, file: Path) -> None:
    """Draw the figure and write its data beside it. Raises UsageError."""
    shown = _shown(reading)
    save_figure(shown, file)
    print(f"wrote {file} of {SHOWN}")


def check_figure_of(reading: LoadedRecords, file: Path) -> None:
    """Raises DamagedFile where the figure is not what the records give."""
    check_figure(_shown(reading), file)


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
    folder = page.resolve().parent
    return {
        name: (Path(os.path.relpath(method.path, folder)).as_posix(), workspace.told(method.path))
        for name, method in all_methods().items()
    }


def made_from(listed: Sequence[RecordHeader]) -> str:
    """How many records, and of when the newest is."""
    if not listed:
        return "Made from no record."
    newest = max(one.created for one in listed).partition("T")[0]
    return f"Made from {len(listed)} records, the newest of {newest}."


def _shown(reading: LoadedRecords) -> ArenaCurves:
    for own in reading.curves:
        if own.arena == SHOWN:
            return own
    raise UsageError(f"the figure shows {SHOWN}, of which there are no comparable records")
