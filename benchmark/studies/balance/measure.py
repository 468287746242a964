"""Balance and generalization of each model: one row per model, one per family, and their correlations.

All values are computed from the shipped models and the constructions.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean

import numpy as np
import torch
from torch import Tensor

from simplibench.models import Network, load_reference
from simplibench.models.accuracy import accuracy
from simplibench.models.batches import limited
from simplibench.models.minimal import Minimal
from simplibench.models.theory import (
    attention_variation,
    balance_violation,
    same_values,
    score_form_violation,
    stack_attention,
)
from simplibench.scoring.correlation import spearman_interval
from simplibench.scoring.inference import Interval, mean_interval
from simplibench.tasks import Split, Task, load_split
from simplibench.tasks.bounded_dyck import task as dyck

ON_ID, ON_OOD = "length-28", "length-400-500"
PREFIXES = {ON_ID: 1_000, ON_OOD: 300}  # the first of each split: 13,000 and 67,000 scored positions
STACK_PREFIXES = 25  # of the OOD split, over which the attention to the stack is averaged
CONSTRUCTED = "same values (C3)"
SHARE, VIOLATION = (0.0, 1.0), (0.0, np.inf)  # bounds of accuracies and of violations
MEASURES = ("balance_violation", "score_form_violation", "stack_attention")


@dataclass(frozen=True)
class ModelRow:
    """The measures of one model. Violations exist if the input is an embedding of (type, depth)."""

    family: str
    seed: str
    id_accuracy: float  # share of positions with P(right close) / P(any close) > 0.8, the paper's measure
    ood_accuracy: float
    id_likeliest: float  # share of positions where the likelier closing bracket is the right one
    ood_likeliest: float
    balance_violation: float | None
    score_form_violation: float | None
    stack_attention: float


@dataclass(frozen=True)
class FamilyRow:
    """The means of one family over its models, with intervals over seeds."""

    family: str
    seeds: int
    id_accuracy: Interval
    ood_accuracy: Interval
    ood_likeliest: Interval
    balance_violation: Interval | None
    attention_variation: float  # mean over pairs of its models


@dataclass(frozen=True)
class Correlation:
    """Spearman's rho of a measure with OOD accuracy over the models of some families."""

    measure: str
    models: str  # a family, or "all minimal", ...
    count: int
    rho: Interval


def model_rows(step: Callable[[str], None]) -> Iterator[tuple[ModelRow, Network]]:
    """Yield the row and the network of every trained model, then of the constructions; `step` gets the name of each."""
    splits = {name: limited(load_split(dyck, name), count) for name, count in PREFIXES.items()}
    for family in dyck.families:
        for seed in family.seeds:
            step(f"{family.name} {seed}")
            model = load_reference(dyck, seed, family).model
            yield _measured(dyck, family.name, str(seed), model, splits), model
    for name, model in same_values().items():
        step(f"{CONSTRUCTED} {name}")
        yield _measured(dyck, CONSTRUCTED, name, model, splits), model


def models_to_measure() -> int:
    """Return how often `model_rows` calls `step`."""
    return sum(len(family.seeds) for family in dyck.families) + len(same_values())


def _measured(task: Task, family: str, seed: str, model: Network, splits: dict[str, Split]) -> ModelRow:
    on_id, on_ood = (accuracy(task, model, splits[name]) for name in (ON_ID, ON_OOD))
    return ModelRow(
        family=family,
        seed=seed,
        id_accuracy=on_id.confident or 0.0,
        ood_accuracy=on_ood.confident or 0.0,
        id_likeliest=on_id.likeliest,
        ood_likeliest=on_ood.likeliest,
        balance_violation=balance_violation(model) if isinstance(model, Minimal) else None,
        score_form_violation=score_form_violation(model) if isinstance(model, Minimal) else None,
        stack_attention=stack_attention(model, _prefixes(splits[ON_OOD])),
    )


def _prefixes(split: Split) -> Tensor:
    shortest = int(split.sequences.lengths[:STACK_PREFIXES].min())
    rows = [split.sequences[index][:shortest] for index in range(STACK_PREFIXES)]
    return torch.from_numpy(np.stack(rows).astype(np.int64))


def family_rows(rows: list[ModelRow], models: list[Network]) -> list[FamilyRow]:
    """Return one row per family, in the order of `rows`; `models` are the networks of `rows`."""
    table = []
    for family in dict.fromkeys(row.family for row in rows):
        members = [(row, model) for row, model in zip(rows, models, strict=True) if row.family == family]
        violations = [row.balance_violation for row, _ in members if row.balance_violation is not None]
        table.append(
            FamilyRow(
                family=family,
                seeds=len(members),
                id_accuracy=_over_seeds([row.id_accuracy for row, _ in members], SHARE),
                ood_accuracy=_over_seeds([row.ood_accuracy for row, _ in members], SHARE),
                ood_likeliest=_over_seeds([row.ood_likeliest for row, _ in members], SHARE),
                balance_violation=_over_seeds(violations, VIOLATION) if violations else None,
                attention_variation=fmean(attention_variation(a, b) for (_, a), (_, b) in combinations(members, 2)),
            )
        )
    return table


def _over_seeds(values: list[float], bounds: tuple[float, float]) -> Interval:
    scores = np.repeat(np.array(values)[:, None], 2, axis=1)  # of the seeds alone: no sentence is drawn anew
    return mean_interval(scores, bounds)


def correlations(rows: list[ModelRow]) -> list[Correlation]:
    """Return each measure's correlation with OOD accuracy, over the models of equal depth and within each family.

    Models that do not have the measure are left out.
    """
    table = []
    for measure in MEASURES:
        having = [row for row in rows if getattr(row, measure) is not None]
        for depth, name in ((1, "all one-layer"), (2, "all two-layer")):
            of_depth = {family.name for family in dyck.families if family.architecture.layers == depth}
            table += _correlation(measure, name, [row for row in having if row.family in of_depth])
        for family in dyck.families:
            table += _correlation(measure, family.name, [row for row in having if row.family == family.name])
    return table


def _correlation(measure: str, name: str, rows: list[ModelRow]) -> list[Correlation]:
    if not rows:
        return []
    values = np.array([getattr(row, measure) for row in rows])
    outcome = np.array([row.ood_accuracy for row in rows])
    return [Correlation(measure, name, len(rows), spearman_interval(values, outcome))]
