"""The interface of a study to the command that runs it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from simplibench.studies.table import Tables

Step = Callable[[str], None]  # called with the name of what is measured next


@dataclass(frozen=True)
class Study:
    """A study: it measures shipped models and gives tables and figures."""

    steps: Callable[[], int]  # how often `measure` will call its step
    measure: Callable[[Step], Tables]
    titles: Mapping[str, str]  # by table, of those that are printed; the others are only written
    figures: Mapping[str, Callable[[Tables, Path], None]]  # by the name of the file; drawn as PNG
