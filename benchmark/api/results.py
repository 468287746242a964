"""What a run gives back: its records, and on request tables and a chart of them."""

import importlib
from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, overload

from simplibench.api import tables
from simplibench.errors import UsageError
from simplibench.files import require_home
from simplibench.records import CodecRecord, ExplainerRecord, Stored

if TYPE_CHECKING:
    import altair
    import pandas


class Results(Sequence[CodecRecord | ExplainerRecord]):
    """The records of a run, failed ones included, in the order of its plan.

    Tables beside the records are read when they are needed, so the folder they were saved in must still be there for
    `to_markdown` and `plot`.
    """

    def __init__(self, stored: Sequence[Stored]) -> None:
        self._stored = list(stored)

    def __len__(self) -> int:
        return len(self._stored)

    @overload
    def __getitem__(self, index: int) -> CodecRecord | ExplainerRecord: ...
    @overload
    def __getitem__(self, index: slice) -> "Results": ...
    def __getitem__(self, index: int | slice) -> "CodecRecord | ExplainerRecord | Results":
        if isinstance(index, slice):
            return Results(self._stored[index])
        return self._stored[index].record

    def __repr__(self) -> str:
        failed = sum(record.status == "failed" for record in self)
        arenas = ", ".join(dict.fromkeys(record.arena for record in self))
        return f"<{len(self)} records of {arenas or 'no arena'}, {failed} failed>"

    def to_dataframe(self) -> "pandas.DataFrame":
        """One row an entry, arena, reference and split, a column each figure of the record and of the split.

        A split's own rate is `split_bits_per_token`. Hyperparameters are `fields.<name>`, runtimes `runtime.<name>`;
        figures by stratum, kind or masking are left to the records. A failed entry is one row without a split.
        Raises UsageError where pandas is not installed.
        """
        _require("pandas", "data frames")
        from simplibench.api.frame import frame

        return frame(self)

    def to_markdown(self) -> str:
        """A table an arena, one row an entry over its references, as `simplibench run` prints them.

        Raises DamagedFile where the tables beside the records are gone.
        """
        return tables.markdown(self._stored)

    def plot(self) -> "altair.FacetChart":
        """Faithfulness against rate, in and out of distribution, a panel an arena.

        Raises UsageError where Altair is not installed, or no codec was scored: explainers have no rate.
        """
        require_home("charts")
        _require("altair", "charts")
        from simplibench.api.chart import chart

        return chart(self._stored)


def _require(package: str, what_for: str) -> ModuleType:
    """Import an optional package. Raises UsageError that says how to install it."""
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError:
        raise UsageError(f"{what_for} need {package}, which is not installed: pip install -e '.[page]'") from None
