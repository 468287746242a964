"""Where do simplified models of code stop being faithful? After Friedman et al. 2024, arXiv:2312.03656.

Needs the data of code-python. All heads of a layer, and every head alone, are simplified in the shipped models.
"""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from benchmark.harness.codecs.ground import lay_ground
from benchmark.harness.data import require_all_data
from benchmark.models import load_reference
from benchmark.studies.code.agreement import CODECS, Tallies, agreement_rows, gap_rows, play_codecs
from benchmark.studies.code.heads import HeadRow, correlation_rows, play_heads
from benchmark.studies.study import Step, Study
from benchmark.studies.table import Tables
from benchmark.tasks import Component
from benchmark.tasks.code import SMALL, code_python

WINDOWS = 30  # of each split
ARENAS = [arena for arena in code_python.arenas if isinstance(arena, Component) and arena.component == "attention"]


def _steps() -> int:
    return len(SMALL.seeds) * len(ARENAS) * (sum(map(len, CODECS.values())) + SMALL.architecture.heads)


def _tables(step: Step) -> Tables:
    require_all_data(code_python)
    tallies, heads = Tallies(), list[HeadRow]()
    for seed in SMALL.seeds:
        reference = load_reference(code_python, seed, SMALL)
        for arena in ARENAS:
            ground = lay_ground(code_python, reference, arena, "cpu", WINDOWS)
            play_codecs(ground, seed, tallies, step)
            heads += play_heads(ground, seed, step)
    layers = [arena.layer for arena in ARENAS]
    return {
        "agreement": list(agreement_rows(tallies, layers)),
        "gaps": list(gap_rows(tallies, layers)),
        "heads": heads,
        "correlations": list(correlation_rows(heads)),
    }


def _figure(name: str) -> Callable[[Tables, Path], None]:
    def draw(tables: Tables, path: Path) -> None:
        figures = import_module("benchmark.studies.code.figures")  # needs matplotlib
        getattr(figures, f"draw_{name}")(tables[name], path)

    return draw


study = Study(
    steps=_steps,
    measure=_tables,
    titles={
        "gaps": "agreement in distribution less agreement out of it, mean over layers and seeds, 95 % intervals",
        "correlations": "Spearman's rho over heads",
    },
    figures={name: _figure(name) for name in ("agreement", "gaps", "heads")},
)
