"""What the records say, ranked: records in, text out. Knows no model and no task code."""

from simplibench.board.curves import ArenaCurves, EntryCurve, comparable_curves, curves
from simplibench.board.entries import EntryRow, entry_rows, entry_tables
from simplibench.board.measures import Spread, StratumPoint, shown_measure
from simplibench.board.render import leaderboard_csv, leaderboard_json, leaderboard_markdown, row_json
from simplibench.board.row import Row
from simplibench.board.rows import ArenaBoard, boards
from simplibench.board.table import TextTable
from simplibench.board.tracks import TRACKS

__all__ = [
    "TRACKS",
    "ArenaBoard",
    "ArenaCurves",
    "EntryCurve",
    "EntryRow",
    "Row",
    "Spread",
    "StratumPoint",
    "TextTable",
    "boards",
    "comparable_curves",
    "curves",
    "entry_rows",
    "entry_tables",
    "leaderboard_csv",
    "leaderboard_json",
    "leaderboard_markdown",
    "row_json",
    "shown_measure",
]
