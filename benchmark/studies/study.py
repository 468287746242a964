"""What a study is to the command that runs it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from simplibench.studies.table import Tables

Step = Callable[[str], None]  # told what is measured next


@dataclass(frozen=True)
class Study:
    """Shipped models in, tables and figures out."""

    steps: Callable[[], int]  # how often `measure` will tell
    measure: Callable[[Step], Tables]
    titles: Mapping[str, str]  # of the tables that are printed; the others are only written
    figures: Mapping[str, Callable[[Tables, Path], None]]  # by the name of their file; drawn as PNG
