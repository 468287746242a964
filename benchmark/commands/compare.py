"""`compare`: what may be concluded about two submissions."""

from pathlib import Path

from simplibench.board.comparison import compare as compare_records
from simplibench.board.render import interval_text
from simplibench.commands.options import print_table
from simplibench.errors import UsageError
from simplibench.records import COMMITTED, Stored, load_all
from simplibench.registry import terms
from simplibench.text import printable

RESULTS = Path("results")  # where `run` saves
LEAST_SHOWN = 0.001  # of p-values


def compare(first: str, second: str, arenas: list[str] | None, roots: list[Path] | None) -> None:
    """Print the paired differences of two submissions' OOD scores. Raises UsageError."""
    missing = [root for root in roots or [] if not root.is_dir()]
    if missing:
        raise UsageError(f"--records {missing[0]}: no such folder")
    own = [RESULTS] if RESULTS.is_dir() else []
    stored = load_all(*(roots or [COMMITTED, *own]))
    _require(stored, first, second)
    known = terms()
    unknown = [arena for arena in arenas or [] if arena not in known]
    if unknown:
        raise UsageError(f"--arena {unknown[0]}: no such arena; there are: {', '.join(known)}")
    of_either = {one.record.arena for one in stored if one.record.submission in (first, second)}
    chosen = arenas or [arena for arena in known if arena in of_either]
    found, why = compare_records(stored, known, first, second, chosen)
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


def _require(stored: list[Stored], first: str, second: str) -> None:
    names = sorted({one.record.submission for one in stored})
    if first == second:
        raise UsageError(f"{first} is to be compared with another submission, not with itself")
    for name in (first, second):
        if name not in names:
            raise UsageError(
                f"no records of {name}; there are of: {', '.join(names)}; `simplibench run {name}` makes them"
            )
