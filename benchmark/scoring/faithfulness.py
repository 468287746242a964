"""Faithfulness of a proxy to the original, from counts alone, and the score over budgets."""

import numpy as np
import numpy.typing as npt

from simplibench.arrays import Floats
from simplibench.scoring import version

VERSION = version.CODEC
BUDGET_HALVINGS = range(1, 9)  # budgets are the ceiling / 2, / 4, ..., / 256


def faithfulness(disagreement: npt.ArrayLike, floor_disagreement: npt.ArrayLike) -> Floats:
    """Return 1 - `disagreement` of the proxy / `floor_disagreement` of the constant code: 1 the original, 0 the constant.

    Both are counts, or sums over the same positions, [...]. A floor below one position counts as one, so that on a
    handful of sentences nothing is divided by 0.
    """
    result: Floats = 1 - np.asarray(disagreement) / np.maximum(floor_disagreement, 1)
    return result


def budgets(ceiling_bits: float) -> Floats:
    """Return the budgets [8] in bits per token: identity's rate `ceiling_bits` halved once to eight times."""
    return np.array([ceiling_bits / 2**halvings for halvings in BUDGET_HALVINGS])


def score(
    bits: Floats, id_faithfulness: Floats, ood_faithfulness: Floats, ceiling_bits: float
) -> tuple[Floats, Floats]:
    """Return the ID score [...] and the OOD score [...]: mean faithfulness over the budgets.

    `bits` [entry] is in bits per token; faithfulness [..., entry] is averaged over the splits of a role. At each budget
    the affordable entry of best ID faithfulness counts, the cheaper one on a tie: no entry is chosen on OOD splits. A
    budget that no entry can afford counts 0. `ceiling_bits` is identity's rate in bits per token.
    """
    # Cheapest first, so that argmax takes the cheaper of two equally faithful entries.
    order = np.argsort(bits, kind="stable")
    bits = bits[order]
    on_id, on_ood = id_faithfulness[..., order], ood_faithfulness[..., order]
    id_sum, ood_sum = np.zeros(on_id.shape[:-1]), np.zeros(on_id.shape[:-1])
    for budget in budgets(ceiling_bits):
        affordable = np.count_nonzero(bits <= budget)
        if affordable:
            best = on_id[..., :affordable].argmax(-1)[..., None]
            id_sum += np.take_along_axis(on_id, best, -1)[..., 0]
            ood_sum += np.take_along_axis(on_ood, best, -1)[..., 0]
    return id_sum / len(BUDGET_HALVINGS), ood_sum / len(BUDGET_HALVINGS)
