"""The figures of an explainer's record, computed from its counts alone: when it is made, and whenever it is checked.

Counts may be those of several records at once, [..., row]: then so are the figures, [..., R].
"""

import numpy as np
import numpy.typing as npt

from simplibench.records.explainers import FORMS, MASKINGS, PAIR_KINDS, BankTable, ExplainerCounts
from simplibench.scoring.explanations import UNIT, auc, grouped_means, mean_over_groups

Floats = npt.NDArray[np.floating]
Bools = npt.NDArray[np.bool_]
HIDDEN, REPLACED = range(len(FORMS))
SAME = PAIR_KINDS.index("same")


def cases_of(bank: BankTable, index: int) -> int:
    """How many cases split number `index` has."""
    return 1 + int(bank.pair_case[bank.pair_split == index].max())


def equivalence(
    bank: BankTable, counts: ExplainerCounts, index: int, weights: Floats, kind: int | None = None
) -> Floats:
    """AUC of split number `index` under weights [R, case], [..., R]; against negatives of one kind, or of all."""
    here = bank.pair_split == index
    different = bank.pair_kind != SAME if kind is None else bank.pair_kind == kind
    apart = [
        grouped_means(counts.distance[..., rows], bank.pair[rows], bank.pair_case[rows], weights)
        for rows in (here & (bank.pair_kind == SAME), here & different)
    ]
    return auc(*apart)


def by_masking(bank: BankTable, counts: ExplainerCounts, index: int, weights: Floats, form: int) -> dict[str, Floats]:
    """Rank correlation by kind of masking, [..., R] each; kinds that change no margin on any model are left out."""
    here = (bank.masked_split == index) & (bank.form == form)
    found = {}
    for kind, name in enumerate(MASKINGS):
        rows = here & (bank.masking == kind)
        if rows.any():
            means = grouped_means(
                counts.correlation[..., rows], bank.masked_model[rows], bank.masked_case[rows], weights
            )
            found[name] = UNIT * mean_over_groups(means)
    return found


def intervention(bank: BankTable, counts: ExplainerCounts, index: int, weights: Floats, form: int = HIDDEN) -> Floats:
    """The mean over the kinds of masking, [..., R]."""
    over_kinds: Floats = np.mean(list(by_masking(bank, counts, index, weights, form).values()), axis=0)
    return over_kinds


def explainer_figures(bank: BankTable, counts: ExplainerCounts, index: int) -> dict[str, object]:
    """Every figure of split number `index`, under its name in the record."""
    cases = cases_of(bank, index)
    whole = np.ones((1, cases))
    kinds = np.unique(bank.pair_kind[bank.pair_split == index]).tolist()
    return {
        "cases": cases,
        "equivalence": float(equivalence(bank, counts, index, whole)[0]),
        "equivalence_by_kind": {
            PAIR_KINDS[kind]: float(equivalence(bank, counts, index, whole, kind)[0]) for kind in kinds if kind != SAME
        },
        "intervention": float(intervention(bank, counts, index, whole)[0]),
        "intervention_by_masking": _first(by_masking(bank, counts, index, whole, HIDDEN)),
        "replaced": float(intervention(bank, counts, index, whole, REPLACED)[0]),
        "replaced_by_masking": _first(by_masking(bank, counts, index, whole, REPLACED)),
    }


def _first(found: dict[str, Floats]) -> dict[str, float]:
    return {name: float(values[0]) for name, values in found.items()}
