"""The README's figure: a chart of the page as PNG, and beside it the data it was drawn from.

Pixels depend on fonts and versions of libraries; whether a figure is stale is told by its data.
"""

import hashlib
import json
from pathlib import Path

from simplibench.board import ArenaCurves
from simplibench.errors import DamagedFile
from simplibench.files import write_bytes, write_text
from simplibench.pages.look import Look, config
from simplibench.pages.rows import two_sides

SCALE = 2  # pixels a unit: for screens with small ones


def save_figure(arena: ArenaCurves, file: Path) -> None:
    """Draw the arena's curves to a PNG, and write their data beside it. Needs the libraries of the page."""
    import vl_convert

    from simplibench.pages.charts import rate_curves

    drawing = rate_curves(arena, Look.of([arena]))
    png = vl_convert.vegalite_to_png(drawing.to_dict(), scale=SCALE, config=config(dark=False, background="white"))
    write_bytes(file, png)
    text = _data(arena, hashlib.sha256(png).hexdigest())
    write_text(data_file(file), text)


def check_figure(arena: ArenaCurves, file: Path) -> None:
    """Raises DamagedFile where the figure is missing, is not the one of its data, or the records now give others."""
    again = "`simplibench leaderboard --figure` draws it anew"
    if not file.exists() or not data_file(file).exists():
        raise DamagedFile(f"{file}: the figure or its data, {data_file(file).name}, are missing; {again}")
    drawn = hashlib.sha256(file.read_bytes()).hexdigest()
    if data_file(file).read_text(encoding="utf-8") != _data(arena, drawn):
        raise DamagedFile(f"{file} is not drawn from what the records give, or not from {data_file(file)}; {again}")


def data_file(file: Path) -> Path:
    """Beside the figure."""
    return file.with_suffix(".json")


def _data(arena: ArenaCurves, figure_sha256: str) -> str:
    """A line a point, so that a change of the records can be read."""
    head = json.dumps({"arena": arena.arena, "figure_sha256": figure_sha256})[:-1]
    rows = ",\n".join(json.dumps(row) for row in two_sides(arena))
    return f'{head}, "rows": [\n{rows}\n]}}\n'
