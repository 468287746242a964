"""The balance study: does the balance of a model's attention predict how it generalizes?

After Wen et al. 2023, arXiv:2312.01429.
"""

from pathlib import Path

from simplibench.studies.balance import measure
from simplibench.studies.study import Step, Study
from simplibench.studies.table import Tables


def _tables(step: Step) -> Tables:
    measured = list(measure.model_rows(step))
    rows, models = [row for row, _ in measured], [model for _, model in measured]
    families, related = measure.family_rows(rows, models), measure.correlations(rows)
    return {"models": rows, "families": families, "correlations": related}


def _figure(tables: Tables, path: Path) -> None:
    from simplibench.studies.balance.figure import draw  # needs matplotlib

    draw([row for row in tables["models"] if isinstance(row, measure.ModelRow)], path)


study = Study(
    steps=lambda: measure.models_to_measure(),
    measure=_tables,
    titles={
        "families": "families: means over seeds, 95 % intervals",
        "correlations": "Spearman's rho with accuracy at lengths 400-500",
    },
    figures={"balance": _figure},
)
