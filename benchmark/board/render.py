"""The leaderboard as text: Markdown for readers, JSON and CSV for scripts."""

import csv
import io
import json
from typing import Any

from tabulate import tabulate

from benchmark.board.rows import ArenaBoard, Row
from benchmark.scoring.statistics import Interval

HEADERS = ("rank", "submission", "OOD score", "ID score", "gap", "entries", "bits per token", "forward", "status")
INTRODUCTION = """# Leaderboard

How faithfully simplified proxies predict the original model out of distribution, at a measured cost.
Made by `simplibench leaderboard` from the records under `benchmark/records/committed` and nothing else.

*OOD score*: faithfulness out of distribution at the best affordable entry, chosen in distribution, averaged over eight
budgets, the OOD splits and the reference seeds; 1 is the original, 0 no better than a constant. *gap*: ID minus OOD.
In brackets: 95 % intervals, bootstrapped over reference seeds and sentences together. *rank*: a range; submissions that
cannot be told apart share it. *forward*: time of the proxy over time of the reference, median. Controls are in italics
and not ranked.
"""


def leaderboard_markdown(arenas: list[ArenaBoard]) -> str:
    """The whole page."""
    return "\n".join([INTRODUCTION, *(_arena_markdown(arena) for arena in arenas)])


def leaderboard_json(arenas: list[ArenaBoard]) -> str:
    """A list of rows, keys as documented in the README."""
    return json.dumps([row_json(row) for arena in arenas for row in arena.rows], indent=1) + "\n"


def leaderboard_csv(arenas: list[ArenaBoard]) -> str:
    """The same rows, a line each."""
    rows = [row_json(row) for arena in arenas for row in arena.rows]
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]) if rows else ["arena"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def row_json(row: Row) -> dict[str, Any]:
    """One row with flat, stable keys; what there is none of is null."""
    return {
        "arena": row.arena,
        "submission": row.submission,
        "control": row.control,
        **_flat("score", row.score),
        "id_score": row.id_score.value if row.id_score else None,
        **_flat("gap", row.gap),
        "divergence_score": row.divergence_score,
        "rank_low": row.rank_low,
        "rank_high": row.rank_high,
        "entries": row.entries,
        "failed_entries": row.failed_entries,
        "bits_low": row.bits_low,
        "bits_high": row.bits_high,
        "forward_ratio": row.forward_ratio,
        "reference": row.reference,
        "status": row.status,
        "note": row.note,
    }


def _flat(name: str, interval: Interval | None) -> dict[str, float | None]:
    if interval is None:
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    return {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}


def _arena_markdown(arena: ArenaBoard) -> str:
    table = tabulate([_cells(row) for row in arena.rows], HEADERS, tablefmt="pipe", disable_numparse=True)
    seeds = f"References: seeds {', '.join(map(str, arena.seeds))}."
    if arena.kendall_tau is None:
        order = "Fewer than two ranked submissions."
    else:
        order = f"Kendall's tau between this order and the order by divergence: {arena.kendall_tau:.2f}."
    return f"## {arena.arena}\n\n{table}\n\n{seeds} {order}\n"


def _cells(row: Row) -> list[str]:
    name = f"[{row.submission}]({row.reference})" if row.reference.startswith("http") else row.submission
    failed = f", {row.failed_entries} of {row.entries} entries failed" if row.failed_entries else ""
    note = f": {row.note}" if row.note else ""
    return [
        rank_text(row),
        f"*{name}*" if row.control else name,
        interval_text(row.score),
        f"{row.id_score.value:.3f}" if row.id_score else "",
        interval_text(row.gap),
        str(row.entries),
        bits_text(row),
        f"{row.forward_ratio:.2f}" if row.forward_ratio is not None else "",
        (row.status + note + failed).replace("|", "\\|").replace("\n", " "),
    ]


def rank_text(row: Row) -> str:
    """`1`, `2-3`, or nothing."""
    if row.rank_low is None:
        return ""
    return str(row.rank_low) if row.rank_low == row.rank_high else f"{row.rank_low}-{row.rank_high}"


def interval_text(interval: Interval | None) -> str:
    """`0.512 [0.498, 0.530]`"""
    return f"{interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}]" if interval else ""


def bits_text(row: Row) -> str:
    """The cheapest and the dearest entry's rate."""
    if row.bits_low is None or row.bits_high is None:
        return ""
    low, high = f"{row.bits_low:.1f}", f"{row.bits_high:.1f}"
    return low if low == high else f"{low} to {high}"
