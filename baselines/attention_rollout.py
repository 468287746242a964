"""Multiply attention through the layers, half of it staying in place. Abnar and Zuidema 2020, arXiv:2005.00928.

In a network of one layer without a residual connection nothing stays in place: there it is the attention row.
"""

import torch
from torch import Tensor

from simplibench import ExplainedModel, Explainer, Submission


class AttentionRollout(Explainer):
    def explain(self, model: ExplainedModel, tokens: Tensor, positions: Tensor) -> Tensor:
        patterns = [pattern.mean(1) for pattern in model.attention(tokens)]  # [case, query, key]
        stays = 0.5 if len(patterns) > 1 else 0.0
        rolled = torch.eye(tokens.shape[1], dtype=patterns[0].dtype, device=tokens.device)
        for pattern in patterns:
            rolled = (1 - stays) * pattern @ rolled + stays * rolled
        return rolled[range(len(tokens)), positions]


submission = Submission(
    name="attention-rollout",
    authors=("simplibench",),
    citation="https://arxiv.org/abs/2005.00928",
    entries=[AttentionRollout()],
)
