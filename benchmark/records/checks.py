"""What the records of every track are checked for: that tables and record are of the same splits and figures."""

from collections.abc import Iterator, Mapping, Sized

import numpy as np

from simplibench.records.record import SplitResult
from simplibench.records.table import Numbers


def other_splits(split: Numbers, splits: Sized) -> str:
    """Say where a table's column of split numbers is not of exactly the record's splits; nothing where it is."""
    if np.array_equal(np.flatnonzero(np.bincount(split)), np.arange(len(splits))):
        return ""
    return f"splits: its counts are of {len(np.unique(split))}, the record has {len(splits)}"


def differing(name: str, split: SplitResult, figures: Mapping[str, object]) -> Iterator[str]:
    """Yield each figure of the split called `name` that is not what its counts give."""
    for figure, value in figures.items():
        recorded = getattr(split, figure)
        if recorded != value:
            yield f"splits.{name}.{figure}: its counts give {value}, the record says {recorded}"
