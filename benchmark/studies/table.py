"""The tables of a study: rows are dataclasses; cells are texts, numbers, intervals or None."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

DECIMAL = re.compile(r"-?\d+\.\d+")
Tables = Mapping[str, Sequence["DataclassInstance"]]  # by the name of the file


def flat(row: "DataclassInstance") -> dict[str, object]:
    """Return a row as columns for CSV: an interval becomes three columns, None stays empty."""
    columns: dict[str, object] = {}
    for name, value in asdict(row).items():
        if isinstance(value, dict):
            columns |= {name: _digits(value["value"]), f"{name}_low": _digits(value["low"])}
            columns[f"{name}_high"] = _digits(value["high"])
        else:
            columns[name] = _digits(value) if isinstance(value, float) else value
    return columns


def as_csv(rows: Sequence["DataclassInstance"]) -> str:
    """Return the rows as CSV with a header; a column is there if any row has it."""
    lines = [flat(row) for row in rows]
    text = io.StringIO()
    names = list(dict.fromkeys(name for line in lines for name in line))
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def as_cells(rows: Sequence["DataclassInstance"]) -> tuple[list[str], list[list[str]]]:
    """Return headers, and cells by row, for printing with four digits."""
    lines = [flat(row) for row in rows]
    names = [name for name in lines[0] if not name.endswith(("_low", "_high"))]
    return names, [[_cell(line, name) for name in names] for line in lines]


def _cell(line: dict[str, object], name: str) -> str:
    value = _short(line[name])
    if f"{name}_low" not in line:
        return value
    return f"{value} [{_short(line[f'{name}_low'])}, {_short(line[f'{name}_high'])}]"


def _short(value: object) -> str:
    text = "" if value is None else str(value)
    return f"{float(text):.4f}" if DECIMAL.fullmatch(text) else text


def _digits(value: float) -> str:
    return f"{value:.6f}"
