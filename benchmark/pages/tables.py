"""The tables of the page: text in cells, with keys to sort by and the score's bar."""

from collections.abc import Callable
from dataclasses import dataclass

from simplibench.board import TRACKS, ArenaBoard, ArenaCurves, EntryCurve, Row
from simplibench.board.render import rank_text
from simplibench.board.track import Column
from simplibench.scoring.inference import Interval
from simplibench.text import WEB


@dataclass(frozen=True)
class Bar:
    """A score between 0 and 1 and its interval, in per cent of the bar's length."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, interval: Interval) -> "Bar":
        """Return the bar of an interval, clipped to its length."""
        return cls(*(round(100 * min(max(share, 0), 1), 1) for share in (interval.value, interval.low, interval.high)))


@dataclass(frozen=True)
class Link:
    """The addresses of a submission's file and paper; None if there is none to follow."""

    file: str | None
    file_name: str | None
    paper: str | None


@dataclass(frozen=True)
class Cell:
    """One cell: its text, and the key that it is sorted by; cells without a key come last."""

    text: str
    key: float | str | None = None
    interval: str = ""
    bar: Bar | None = None


@dataclass(frozen=True)
class Line:
    """One row of a table."""

    submission: str
    control: bool
    citation: str
    link: Link
    cells: list[Cell]  # after the rank and the submission
    rank: Cell


@dataclass(frozen=True)
class Table:
    """A table: headers and lines."""

    headers: list[str]
    lines: list[Line]


def ranked_table(board: ArenaBoard, files: dict[str, tuple[str, str]]) -> Table:
    """Return an arena's ranking; `files` gives the address and name of a submission's file."""
    columns = {**SCORES, **_of_track(board.track), **CONDITIONS}
    lines = [
        Line(
            submission=row.submission,
            control=row.control,
            citation=row.citation,
            link=_link(row, files),
            rank=Cell(rank_text(row), row.rank_low),
            cells=[cell(row) for cell in columns.values()],
        )
        for row in board.rows
    ]
    return Table(["rank", "submission", *columns], lines)


def leaders(board: ArenaBoard) -> str:
    """Return the submissions that may be first, and the best score."""
    first = [row for row in board.rows if row.rank_low == 1 and row.score]
    if not first:
        return "no ranked submission"
    best = max(row.score.value for row in first if row.score)
    return f"{', '.join(row.submission for row in first)}: {best:.3f}"


def entry_table(arena: ArenaCurves) -> list[list[Cell]]:
    """Return the values that the charts draw: one line per entry, with the columns of `entry_headers`."""
    return [_entry_line(arena, entry) for entry in arena.entries]


def entry_headers(arena: ArenaCurves) -> list[str]:
    """Return the names of the columns of `entry_table`."""
    rate = [] if arena.ceiling_bits is None else ["bits per token"]
    return ["entry", "submission", *rate, "ID", "OOD", *(split for split in arena.splits), "forward"]


def _entry_line(arena: ArenaCurves, entry: EntryCurve) -> list[Cell]:
    by_split = entry.measures[TRACKS[arena.track].main_measure]
    rate = [] if arena.ceiling_bits is None else [_number(entry.bits, ".1f")]
    return [
        Cell(entry.entry, entry.entry),
        Cell(entry.submission, entry.submission),
        *rate,
        _interval(entry.on_id),
        _interval(entry.on_ood),
        *(_number(by_split.get(split), ".3f") for split in arena.splits),
        _number(entry.forward_ratio, ".2f"),
    ]


def _link(row: Row, files: dict[str, tuple[str, str]]) -> Link:
    address, name = files.get(row.submission, (None, None))
    # Only these: a record may name anything, javascript: too.
    paper = row.citation if WEB.fullmatch(row.citation) else None
    return Link(address, name, paper)


def _number(value: float | None, format: str) -> Cell:
    return Cell("" if value is None else f"{value:{format}}", value)


def _interval(interval: Interval | None, with_bar: bool = False) -> Cell:
    if interval is None:
        return Cell("")
    bounds = f"[{interval.low:.3f}, {interval.high:.3f}]"
    return Cell(f"{interval.value:.3f}", interval.value, bounds, Bar.of(interval) if with_bar else None)


def _of_track(track: str) -> dict[str, Callable[[Row], Cell]]:
    """Return the columns of a track."""

    def cell(column: Column) -> Callable[[Row], Cell]:
        return lambda row: _interval(value.interval) if (value := column(row)).interval else Cell(value.text, value.key)

    return {name: cell(column) for name, column in TRACKS[track].columns.items()}


def _status(row: Row) -> Cell:
    failed = f"{row.failed_entries} of {row.entries} entries failed" if row.failed_entries else ""
    text = ", ".join(part for part in (f"{row.status}: {row.note}" if row.note else row.status, failed) if part)
    return Cell(text, text)


SCORES: dict[str, Callable[[Row], Cell]] = {
    "OOD score": lambda row: _interval(row.score, with_bar=True),
    "ID score": lambda row: _number(row.id_score.value if row.id_score else None, ".3f"),
    "gap": lambda row: _interval(row.gap),
}
CONDITIONS: dict[str, Callable[[Row], Cell]] = {
    "forward": lambda row: _number(row.forward_ratio, ".2f"),
    "status": _status,
}
