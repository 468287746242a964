"""Networks of known function, and the quantities that the theory of bounded Dyck predicts from (Wen et al. 2023)."""

from simplibench.models.theory.balance import (
    attention_variation,
    balance_violation,
    pair_sum,
    score_form_violation,
    stack_attention,
)
from simplibench.models.theory.constructions import (
    balanced,
    broken_twin,
    from_tables,
    random_balanced,
    same_values,
    symmetric_twin,
    types_swapped,
    uniform,
)
from simplibench.models.theory.exact import exact, language, stack_positions

__all__ = [
    "attention_variation",
    "balance_violation",
    "balanced",
    "broken_twin",
    "exact",
    "from_tables",
    "language",
    "pair_sum",
    "random_balanced",
    "same_values",
    "score_form_violation",
    "stack_attention",
    "stack_positions",
    "symmetric_twin",
    "types_swapped",
    "uniform",
]
