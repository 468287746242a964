"""The code study: where do simplified models of code stop being faithful?

After Friedman et al. 2024, arXiv:2312.03656. It simplifies all heads of a layer, and every head alone, in the shipped
models. It needs the data of code-python.
"""

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

from simplibench.harness.codec.context import prepare
from simplibench.harness.data import require_all_data
from simplibench.harness.jobs import one_thread
from simplibench.models import load_reference
from simplibench.pool import default_jobs, workers
from simplibench.studies.code.agreement import Tallies, Tally, TallyKey, agreement_rows, gap_rows, run_codecs
from simplibench.studies.code.heads import HeadRow, correlation_rows, run_heads
from simplibench.studies.study import Step, Study
from simplibench.studies.table import Tables
from simplibench.tasks import Component
from simplibench.tasks.code_python import SMALL, code_python

WINDOWS = 30  # per split
Measured = tuple[dict[TallyKey, Tally], list[HeadRow]]
ARENAS = [arena for arena in code_python.arenas_of(Component) if arena.component == "attention"]


def _units() -> list[tuple[int, Component]]:
    """Return (seed, layer) pairs; the costliest first, whose proxies have most layers left to run."""
    return [(seed, arena) for arena in ARENAS for seed in SMALL.seeds]


def _tables(step: Step) -> Tables:
    require_all_data(code_python)
    tallies, heads = Tallies(), list[HeadRow]()
    for counted, rows in _side_by_side(_units(), step):
        for key, tally in counted.items():
            tallies.by_key[key].append(tally)
        heads += rows
    heads.sort(key=lambda row: (row.seed, row.layer, row.head))
    layers = [arena.layer for arena in ARENAS]
    return {
        "agreement": list(agreement_rows(tallies, layers)),
        "gaps": list(gap_rows(tallies, layers)),
        "heads": heads,
        "correlations": list(correlation_rows(heads)),
    }


def _side_by_side(units: list[tuple[int, Component]], step: Step) -> Iterator[Measured]:
    """Yield the measurements of every unit, in order; one process per core, each on one thread."""
    jobs = default_jobs("cpu")
    if jobs == 1:
        for unit in units:
            step(_told(unit))
            yield _measured(unit)
        return
    with workers(jobs) as pool:
        for unit, future in [(unit, pool.submit(_measured, unit)) for unit in units]:
            step(_told(unit))
            yield future.result()


def _told(unit: tuple[int, Component]) -> str:
    return f"seed {unit[0]}, {unit[1].name}"


def _measured(unit: tuple[int, Component]) -> Measured:
    """Measure every codec in all heads of the layer, and every head alone."""
    seed, arena = unit
    with one_thread():
        reference = load_reference(code_python, seed, SMALL)
        run = prepare(code_python, reference, arena, "cpu", WINDOWS)
        return dict(run_codecs(run, seed)), list(run_heads(run, seed))


def _figure(name: str) -> Callable[[Tables, Path], None]:
    def draw(tables: Tables, path: Path) -> None:
        figures = import_module("simplibench.studies.code.figures")  # needs matplotlib
        getattr(figures, f"draw_{name}")(tables[name], path)

    return draw


study = Study(
    steps=lambda: len(_units()),
    measure=_tables,
    titles={
        "gaps": "agreement in distribution less agreement out of it, mean over layers and seeds, 95 % intervals",
        "correlations": "Spearman's rho over heads",
    },
    figures={name: _figure(name) for name in ("agreement", "gaps", "heads")},
)
