"""The leaderboard as text: Markdown for readers, JSON and CSV for scripts."""

import csv
import io
import json
from typing import Any

from tabulate import tabulate

from simplibench.board.row import Row
from simplibench.board.rows import ArenaBoard
from simplibench.board.track import Value
from simplibench.board.tracks import TRACKS
from simplibench.scoring.inference import Interval
from simplibench.text import markdown, markdown_link

LEFT, RIGHT = ("rank", "submission", "OOD score", "ID score", "gap"), ("forward", "status")
INTRODUCTION = """# Leaderboard

How faithfully simplified proxies predict the original model out of distribution, at a measured cost; in the arenas called
*explanations*, what explanations of predictions are worth. `simplibench leaderboard` makes this page from the records under
`benchmark/records/committed` and from nothing else.

There is one table per arena. A higher *OOD score* is better. Brackets are 95 % intervals. A *rank* is a range: submissions
that cannot be told apart share it. Controls are in italics and not ranked.
[Reading the board](docs/reading-the-board.md) explains the scores, every column, and what may be concluded.
"""


def leaderboard_markdown(arenas: list[ArenaBoard]) -> str:
    """Return the whole page."""
    return "\n".join([INTRODUCTION, *(_arena_markdown(arena) for arena in arenas)])


def leaderboard_json(arenas: list[ArenaBoard]) -> str:
    """Return the rows as a JSON list; docs/record-format.md documents the keys."""
    return json.dumps([row_json(row) for arena in arenas for row in arena.rows], indent=1) + "\n"


def leaderboard_csv(arenas: list[ArenaBoard]) -> str:
    """Return the same rows as CSV, one line per row; what a track does not have is empty."""
    rows = [row_json(row) for arena in arenas for row in arena.rows]
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=names or ["arena"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def row_json(row: Row) -> dict[str, Any]:
    """Return one row with flat, stable keys; what there is none of is null."""
    return {
        "arena": row.arena,
        "submission": row.submission,
        "control": row.control,
        **_flat("score", row.score),
        "id_score": row.id_score.value if row.id_score else None,
        **_flat("gap", row.gap),
        "rank_low": row.rank_low,
        "rank_high": row.rank_high,
        "entries": row.entries,
        "failed_entries": row.failed_entries,
        "forward_ratio": row.forward_ratio,
        "citation": row.citation,
        "status": row.status,
        "note": row.note,
        **row.figures,
    }


def _flat(name: str, interval: Interval | None) -> dict[str, float | None]:
    if interval is None:
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    return {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}


def footnote(arena: ArenaBoard) -> str:
    """Return what stands under an arena's table: references, how alike both measures order, and what is detectable."""
    sentences = [f"References: seeds {', '.join(map(str, arena.seeds))}."]
    if sum(row.rank_low is not None and row.score is not None for row in arena.rows) > 1:
        tau = "undefined, all tie" if arena.kendall_tau is None else f"{arena.kendall_tau:.2f}"
        sentences.append(
            f"Kendall's tau between this order and the order by {TRACKS[arena.track].other_measure}: {tau}."
        )
    if arena.least_difference is not None:
        sentences.append(_detectable(arena.least_difference, arena))
    else:
        sentences.append("Fewer than two ranked submissions.")
    return " ".join(sentences)


def _detectable(difference: float, arena: ArenaBoard) -> str:
    low, high = TRACKS[arena.track].bounds
    if difference > high - low:
        return f"With {len(arena.seeds)} references, typically no difference between two scores is detectable."
    return f"Two scores typically have to differ by {difference:.3f} to be told apart."


def _arena_markdown(arena: ArenaBoard) -> str:
    columns = TRACKS[arena.track].columns
    headers = (*LEFT, *columns, *RIGHT)
    rows = [[*_left(row), *(_text(column(row)) for column in columns.values()), *_right(row)] for row in arena.rows]
    table = tabulate(rows, headers, tablefmt="pipe", disable_numparse=True)
    return f"## {arena.arena}\n\n{table}\n\n{footnote(arena)}\n"


def _left(row: Row) -> list[str]:
    name = markdown_link(row.submission, row.citation)
    return [
        rank_text(row),
        f"*{name}*" if row.control else name,
        interval_text(row.score),
        f"{row.id_score.value:.3f}" if row.id_score else "",
        interval_text(row.gap),
    ]


def _right(row: Row) -> list[str]:
    failed = f", {row.failed_entries} of {row.entries} entries failed" if row.failed_entries else ""
    note = f": {row.note}" if row.note else ""
    return [
        f"{row.forward_ratio:.2f}" if row.forward_ratio is not None else "",
        markdown(row.status + note + failed),
    ]


def _text(value: Value) -> str:
    return interval_text(value.interval) or value.text


def rank_text(row: Row) -> str:
    """`1`, `2-3`, or nothing."""
    if row.rank_low is None:
        return ""
    return str(row.rank_low) if row.rank_low == row.rank_high else f"{row.rank_low}-{row.rank_high}"


def interval_text(interval: Interval | None) -> str:
    """`0.512 [0.498, 0.530]`"""
    return f"{interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}]" if interval else ""
