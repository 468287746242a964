"""The README's figure: a chart of the page as PNG, and beside it the data that it was drawn from.

Pixels depend on fonts and versions of libraries, so the data show whether a figure is stale.
"""

import hashlib
import json
from pathlib import Path

from simplibench.board import ArenaCurves
from simplibench.errors import DamagedFile
from simplibench.files import write_bytes, write_text
from simplibench.pages.rows import two_sides
from simplibench.pages.theme import Theme, config

SCALE = 2  # pixels per unit, for screens with small pixels


def save_figure(arena: ArenaCurves, file: Path) -> None:
    """Draw the arena's curves to a PNG, and write their data beside it. Needs the libraries of the page."""
    import vl_convert

    from simplibench.pages.charts import rate_curves

    drawing = rate_curves(arena, Theme.of([arena]))
    png = vl_convert.vegalite_to_png(drawing.to_dict(), scale=SCALE, config=config(dark=False, background="white"))
    write_bytes(file, png)
    text = _data(arena, hashlib.sha256(png).hexdigest())
    write_text(data_file(file), text)


def check_figure(arena: ArenaCurves, file: Path) -> None:
    """Check that the figure is there, is that of its data, and that the records still give these data.

    Raises: DamagedFile if not.
    """
    again = "`simplibench leaderboard --figure` draws it anew"
    if not file.exists() or not data_file(file).exists():
        raise DamagedFile(f"{file}: the figure or its data, {data_file(file).name}, are missing; {again}")
    drawn = hashlib.sha256(file.read_bytes()).hexdigest()
    if data_file(file).read_text(encoding="utf-8") != _data(arena, drawn):
        raise DamagedFile(f"{file} is not drawn from what the records give, or not from {data_file(file)}; {again}")


def data_file(file: Path) -> Path:
    """Return the file of the figure's data, which is beside the figure."""
    return file.with_suffix(".json")


def _data(arena: ArenaCurves, figure_sha256: str) -> str:
    """Return the data as JSON with one line per point, so that a change of the records can be read."""
    head = json.dumps({"arena": arena.arena, "figure_sha256": figure_sha256})[:-1]
    rows = ",\n".join(json.dumps(row) for row in two_sides(arena))
    return f'{head}, "rows": [\n{rows}\n]}}\n'
