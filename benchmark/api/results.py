"""The results of a run: its records, and tables and a chart of them on request."""

import importlib
from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, overload

from simplibench.api import tables
from simplibench.errors import UsageError
from simplibench.files import require_home
from simplibench.records import Record, Stored

if TYPE_CHECKING:
    import altair
    import pandas


class Results(Sequence[Record]):
    """The records of a run, failed ones included, in the order of its plan.

    Tables beside the records are read when they are needed: `to_markdown` and `plot` need the folder that the records
    were saved in.
    """

    def __init__(self, stored: Sequence[Stored]) -> None:
        self._stored = list(stored)

    def __len__(self) -> int:
        return len(self._stored)

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> "Results": ...
    def __getitem__(self, index: int | slice) -> "Record | Results":
        if isinstance(index, slice):
            return Results(self._stored[index])
        return self._stored[index].record

    def __repr__(self) -> str:
        failed = sum(record.status == "failed" for record in self)
        arenas = ", ".join(dict.fromkeys(record.arena for record in self))
        return f"<{len(self)} records of {arenas or 'no arena'}, {failed} failed>"

    def to_dataframe(self) -> "pandas.DataFrame":
        """Return one row per entry, arena, reference and split, with one column per figure of the record and the split.

        The rate of a split is `split_bits_per_token`. Hyperparameters are `fields.<name>`, runtimes `runtime.<name>`.
        Figures by stratum, kind or masking are in the records only. A failed entry is one row without a split.

        Raises: UsageError if pandas is not installed.
        """
        _require("pandas", "data frames")
        from simplibench.api.frame import frame

        return frame(self)

    def to_markdown(self) -> str:
        """Return one table per arena, with one row per entry over its references, as `simplibench run` prints them.

        Raises: DamagedFile if the tables beside the records are gone.
        """
        return tables.markdown(self._stored)

    def plot(self) -> "altair.FacetChart":
        """Return a chart of faithfulness against rate, in and out of distribution, one panel per arena.

        Raises: UsageError if Altair is not installed, or no codec was scored: explainers have no rate.
        """
        require_home("charts")
        _require("altair", "charts")
        from simplibench.api.chart import chart

        return chart(self._stored)


def _require(package: str, what_for: str) -> ModuleType:
    """Return an optional package. Raises: UsageError that says how to install it."""
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError:
        raise UsageError(f"{what_for} need {package}, which is not installed: pip install -e '.[page]'") from None
