"""Records as a tidy data frame: one row per entry, arena, reference and split."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from simplibench.records import Record

FIRST = ("arena", "submission", "entry", "seed", "status", "split", "role")


def frame(records: Iterable[Record]) -> pd.DataFrame:
    """Return records as a data frame whose columns are named for scalar figures; see `Results.to_dataframe`."""
    rows = [row for record in records for row in _rows(record)]
    names = list(dict.fromkeys([*FIRST, *(name for row in rows for name in row)]))
    return pd.DataFrame(rows, columns=names)


def _rows(record: Record) -> Iterator[dict[str, Any]]:
    content = record.model_dump(mode="json", exclude={"splits", "environment", "protocol"})
    row = {name: value for name, value in content.items() if not isinstance(value, dict | list)}
    row["authors"] = ", ".join(record.authors)
    row |= {f"fields.{name}": value for name, value in record.fields.items()}
    row |= {f"runtime.{name}": value for name, value in (content["runtime"] or {}).items()}
    if "runtime" in row:  # None in a failed record
        del row["runtime"]
    if not record.splits:
        yield row
    for name, split in record.splits.items():
        yield row | {"split": name} | _figures(split.model_dump(mode="json"))


def _figures(split: Mapping[str, Any]) -> dict[str, Any]:
    """Return a split's scalar figures; its rate is renamed, since the record has one of that name."""
    scalar = {name: value for name, value in split.items() if not isinstance(value, dict)}
    if "bits_per_token" in scalar:
        scalar["split_bits_per_token"] = scalar.pop("bits_per_token")
    return scalar
