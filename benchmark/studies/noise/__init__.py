"""The noise study: how much do the leaderboard's figures move if one source of chance alone is drawn anew?

It reads the committed records, and refits methods whose fit is random.
"""

from pathlib import Path

from simplibench import workspace
from simplibench.records import load_all
from simplibench.registry import terms
from simplibench.studies.noise import refits, sources
from simplibench.studies.study import Step, Study
from simplibench.studies.table import Tables


def _tables(step: Step) -> Tables:
    step("references and sentences")
    stored, known = load_all(workspace.committed()), terms()
    return {
        "sources": list(sources.source_rows(stored, known)),
        "arenas": list(sources.arena_rows(stored, known)),
        "refits": list(refits.refit_rows(step)),
    }


def _figure(tables: Tables, path: Path) -> None:
    from simplibench.studies.noise.figure import draw  # needs matplotlib

    draw([row for row in tables["sources"] if isinstance(row, sources.SourceRow)], path)


study = Study(
    steps=lambda: 1 + refits.STEPS,
    measure=_tables,
    titles={
        "arenas": "the smallest difference that is typically detectable, and how alike agreement and divergence rank",
        "sources": "standard error of a submission's score and gap, by what is drawn anew",
        "refits": "standard deviation over seeds of the method, all else the same",
    },
    figures={"noise": _figure},
)
