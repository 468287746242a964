"""`compare`: say what may be concluded about two submissions."""

from pathlib import Path
from typing import Annotated

import typer

from simplibench import workspace
from simplibench.audit.choosing import Chosen, choose
from simplibench.audit.gathering import gather_of, paths
from simplibench.board.comparison import Comparison
from simplibench.board.comparison import compare as compare_records
from simplibench.board.render import interval_text
from simplibench.cli.app import app
from simplibench.cli.printing import print_table, require_folders
from simplibench.errors import UsageError
from simplibench.records import RESULTS
from simplibench.registry import terms
from simplibench.text import printable

LEAST_SHOWN = 0.001  # of p-values; smaller ones are shown as such


@app.command()
def compare(
    first: Annotated[str, typer.Argument(help="A submission.")],
    second: Annotated[str, typer.Argument(help="Another.")],
    arena: Annotated[list[str] | None, typer.Option(help="Only this arena; may be repeated.")] = None,
    records: Annotated[
        list[Path] | None, typer.Option(help="Folders of records; if none, results before the committed ones.")
    ] = None,
) -> None:
    """Say what may be concluded about two submissions: paired differences, corrected for the number of arenas."""
    compare_submissions(first, second, arena, records)


def compare_submissions(first: str, second: str, arenas: list[str] | None, roots: list[Path] | None) -> None:
    """Print the paired differences of two submissions' OOD scores.

    Args:
        first: A submission.
        second: The submission whose score is subtracted.
        arenas: Only these, by name with the task; None: all.
        roots: Folders of records, the last preferred; None: `results`, then the committed ones.

    Raises:
        UsageError: A folder, arena or submission does not exist, or the two have no arena in common.

    """
    require_folders(roots)
    known = terms()
    unknown = [arena for arena in arenas or [] if arena not in known]
    if unknown:
        raise UsageError(f"--arena {unknown[0]}: no such arena; there are: {', '.join(known)}")
    chosen = _records(first, second, roots)
    with_records = {stored.record.arena for stored in chosen.stored}
    asked = arenas or [arena for arena in known if arena in with_records]
    comparisons, not_compared = compare_records(chosen.stored, known, first, second, asked, chosen.faults)
    if not comparisons:
        reasons = "; ".join(f"{arena}: {printable(reason)}" for arena, reason in not_compared.items())
        raise UsageError(f"{first} and {second} have scores together in no arena asked for. {reasons}")
    _print(comparisons, first, second)
    for arena, reason in not_compared.items():
        print(printable(f"not compared in {arena}: {reason}"))


def _print(comparisons: list[Comparison], first: str, second: str) -> None:
    """Print one row per arena: difference, p-values, and what may be concluded."""
    rows = [
        [
            comparison.arena,
            interval_text(comparison.difference),
            _p_text(comparison.p),
            _p_text(comparison.p_holm),
            comparison.conclusion(first, second),
        ]
        for comparison in comparisons
    ]
    headers = ("arena", "difference", "p", "p (Holm)", "what may be concluded")
    print_table(headers, rows, f"OOD score of {first} less that of {second}, paired, 95 % intervals")


def _p_text(p: float) -> str:
    """Return a p-value with three digits."""
    return f"{p:.3f}" if p >= LEAST_SHOWN else f"< {LEAST_SHOWN}"


def _records(first: str, second: str, roots: list[Path] | None) -> Chosen:
    """Return the records of both submissions that count; of each folder in `roots`, the last is preferred.

    Raises UsageError where a submission has none.
    """
    if first == second:
        raise UsageError(f"{first} is to be compared with another submission, not with itself")
    known = terms()
    folders = list(reversed(roots or [workspace.committed(), RESULTS]))
    chosen = choose([gather_of(folder, (first, second), known) for folder in folders], known)
    chosen.remarks.say()
    for name in (first, second):
        if all(stored.record.submission != name for stored in chosen.stored):
            names = sorted({path.parent.name for folder in folders for path in paths(folder, known)})
            raise UsageError(
                f"no records of {name}; there are of: {', '.join(names)}; `simplibench run {name}` makes them"
            )
    return chosen
