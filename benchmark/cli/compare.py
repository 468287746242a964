"""`compare`: what may be concluded about two submissions."""

from pathlib import Path
from typing import Annotated

import typer

from simplibench import workspace
from simplibench.audit.choosing import Chosen, choose
from simplibench.audit.gathering import gather_of, paths
from simplibench.board.comparison import compare as compare_records
from simplibench.board.render import interval_text
from simplibench.cli.app import app
from simplibench.cli.printing import print_table
from simplibench.errors import UsageError
from simplibench.records import RESULTS
from simplibench.registry import terms
from simplibench.text import printable

LEAST_SHOWN = 0.001  # of p-values


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
    """Print the paired differences of two submissions' OOD scores. Raises UsageError."""
    missing = [root for root in roots or [] if not root.is_dir()]
    if missing:
        raise UsageError(f"--records {missing[0]}: no such folder")
    known = terms()
    unknown = [arena for arena in arenas or [] if arena not in known]
    if unknown:
        raise UsageError(f"--arena {unknown[0]}: no such arena; there are: {', '.join(known)}")
    chosen = _records(first, second, roots)
    there = {one.record.arena for one in chosen.stored}
    asked = arenas or [arena for arena in known if arena in there]
    found, why = compare_records(chosen.stored, known, first, second, asked, chosen.faults)
    if not found:
        reasons = "; ".join(f"{arena}: {printable(reason)}" for arena, reason in why.items())
        raise UsageError(f"{first} and {second} have scores together in no arena asked for. {reasons}")
    rows = [
        [own.arena, interval_text(own.difference), _p_text(own.p), _p_text(own.p_holm), own.conclusion(first, second)]
        for own in found
    ]
    headers = ("arena", "difference", "p", "p (Holm)", "what may be concluded")
    print_table(headers, rows, f"OOD score of {first} less that of {second}, paired, 95 % intervals")
    for arena, reason in why.items():
        print(printable(f"not compared in {arena}: {reason}"))


def _p_text(p: float) -> str:
    return f"{p:.3f}" if p >= LEAST_SHOWN else f"< {LEAST_SHOWN}"


def _records(first: str, second: str, roots: list[Path] | None) -> Chosen:
    """The records of both that count: those in `results` before the committed ones, of named folders the last's first.

    Raises UsageError where there are none of one.
    """
    if first == second:
        raise UsageError(f"{first} is to be compared with another submission, not with itself")
    known = terms()
    folders = list(reversed(roots or [workspace.committed(), RESULTS]))
    chosen = choose([gather_of(folder, (first, second), known) for folder in folders], known)
    chosen.remarks.say()
    for name in (first, second):
        if all(one.record.submission != name for one in chosen.stored):
            names = sorted({path.parent.name for folder in folders for path in paths(folder, known)})
            raise UsageError(
                f"no records of {name}; there are of: {', '.join(names)}; `simplibench run {name}` makes them"
            )
    return chosen
