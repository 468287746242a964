"""`study`: a paper's analysis, recomputed."""

import csv
import importlib.util
import io
from collections.abc import Sequence
from pathlib import Path

from benchmark.commands.options import print_table, progress_bar
from benchmark.errors import UsageError
from benchmark.files import write_atomically
from benchmark.studies import balance
from benchmark.studies.balance import Correlation, FamilyRow, ModelRow

STUDIES = ("balance",)


def study(name: str, output: Path) -> None:
    """Run a study, print its tables, write them as CSV and its figure as PNG. Raises UsageError."""
    if name not in STUDIES:
        raise UsageError(f"no study {name}; there are: {', '.join(STUDIES)}")
    if importlib.util.find_spec("matplotlib") is None:
        raise UsageError("studies draw figures with matplotlib: pip install -e '.[studies]'")
    from benchmark.studies.balance_figure import draw  # needs matplotlib

    folder = output / name
    with progress_bar() as bar:
        shown = bar.add_task("starting", total=balance.models_to_measure())
        measured = list(balance.model_rows(lambda what: bar.update(shown, advance=1, description=f"{what:<28}")))
    rows, models = [row for row, _ in measured], [model for _, model in measured]
    families, related = balance.family_rows(rows, models), balance.correlations(rows)
    for title, table in (("models", rows), ("families", families), ("correlations", related)):
        _write(folder / f"{title}.csv", table)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / "balance.png", lambda file: draw(rows, file))
    _show("families: means over seeds, 95 % intervals", families)
    _show("Spearman's rho with accuracy at lengths 400-500", related)
    print(f"wrote {folder}/models.csv, families.csv, correlations.csv, balance.png")


def _write(path: Path, rows: Sequence[ModelRow | FamilyRow | Correlation]) -> None:
    lines = [balance.flat(row) for row in rows]
    text = io.StringIO()
    names = list(dict.fromkeys(name for line in lines for name in line))
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    write_atomically(path, lambda file: file.write_text(text.getvalue()))


def _show(title: str, rows: Sequence[FamilyRow | Correlation]) -> None:
    lines = [balance.flat(row) for row in rows]
    names = [name for name in lines[0] if not name.endswith(("_low", "_high"))]
    print_table(names, [[_cell(line, name) for name in names] for line in lines], title)


def _cell(line: dict[str, object], name: str) -> str:
    """Four digits are enough to read."""
    value = _short(line[name])
    return (
        f"{value} [{_short(line[f'{name}_low'])}, {_short(line[f'{name}_high'])}]" if f"{name}_low" in line else value
    )


def _short(value: object) -> str:
    text = "" if value is None else str(value)
    return f"{float(text):.4f}" if "." in text else text
