"""Records as a data frame, tidy: one row an entry, arena, reference and split."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from simplibench.records import CodecRecord, ExplainerRecord

FIRST = ("arena", "submission", "entry", "seed", "status", "split", "role")


def frame(records: Iterable[CodecRecord | ExplainerRecord]) -> pd.DataFrame:
    """Scalar figures are columns of their own names; see `Results.to_dataframe`."""
    rows = [row for record in records for row in _rows(record)]
    names = list(dict.fromkeys([*FIRST, *(name for row in rows for name in row)]))
    return pd.DataFrame(rows, columns=names)


def _rows(record: CodecRecord | ExplainerRecord) -> Iterator[dict[str, Any]]:
    said = record.model_dump(mode="json", exclude={"splits", "environment", "protocol"})
    own = {name: value for name, value in said.items() if not isinstance(value, dict | list)}
    own["authors"] = ", ".join(record.authors)
    own |= {f"fields.{name}": value for name, value in record.fields.items()}
    own |= {f"runtime.{name}": value for name, value in (said["runtime"] or {}).items()}
    if "runtime" in own:  # of a failed record, nothing
        del own["runtime"]
    if not record.splits:
        yield own
    for name, split in record.splits.items():
        yield own | {"split": name} | _figures(split.model_dump(mode="json"))


def _figures(split: Mapping[str, Any]) -> dict[str, Any]:
    """A split's scalar figures; its rate has a name that is not the record's."""
    scalar = {name: value for name, value in split.items() if not isinstance(value, dict)}
    if "bits_per_token" in scalar:
        scalar["split_bits_per_token"] = scalar.pop("bits_per_token")
    return scalar
