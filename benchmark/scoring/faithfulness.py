"""How much of the original's behaviour a proxy keeps, from counts alone."""

import numpy as np
import numpy.typing as npt

VERSION = 1  # of every formula in this folder; raised when one changes, so that old records are listed, not ranked
BUDGET_HALVINGS = range(1, 9)  # budgets are the ceiling / 2, / 4, ..., / 256

Floats = npt.NDArray[np.floating]


def faithfulness(disagreement: npt.ArrayLike, floor_disagreement: npt.ArrayLike) -> Floats:
    """1 - disagreement of the proxy / disagreement of the constant code; 1 is the original, 0 the constant.

    Both as counts or sums over the same positions. A floor below one position counts as one, so that a proxy on a
    handful of sentences is never divided by nothing.
    """
    result: Floats = 1 - np.asarray(disagreement) / np.maximum(floor_disagreement, 1)
    return result


def budgets(ceiling_bits: float) -> Floats:
    """The rates that entries compete at, bits per token: identity's rate halved once to eight times."""
    return np.array([ceiling_bits / 2**halvings for halvings in BUDGET_HALVINGS])


def score(
    bits: Floats, id_faithfulness: Floats, ood_faithfulness: Floats, ceiling_bits: float
) -> tuple[Floats, Floats]:
    """Mean ID and OOD faithfulness over the budgets.

    bits [entry]; faithfulness [..., entry], averaged over the splits of a role. At each budget the affordable entry of
    best ID faithfulness is taken, never chosen on OOD, the cheaper one on a tie; none affordable: 0.
    Returns (ID score [...], OOD score [...]).
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
