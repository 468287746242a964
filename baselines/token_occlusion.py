"""Hide one token at a time and see how much of the margin is lost. After Zeiler and Fergus 2014, arXiv:1311.2901."""

import torch
from torch import Tensor

from simplibench import ExplainedModel, Explainer, Submission


class TokenOcclusion(Explainer):
    @torch.no_grad()
    def explain(self, model: ExplainedModel, tokens: Tensor, positions: Tensor) -> Tensor:
        length = tokens.shape[1]
        each = torch.eye(length, dtype=torch.bool, device=tokens.device)[1:]  # START stays
        without = model.margin_without(tokens, positions, each.expand(len(tokens), -1, -1))
        lost = model.margin(tokens, positions)[:, None] - without
        read = torch.arange(1, length, device=tokens.device) <= positions[:, None]
        return torch.nn.functional.pad(lost * read, (1, 0))


submission = Submission(
    name="token-occlusion",
    authors=("simplibench",),
    citation="https://arxiv.org/abs/1311.2901",
    entries=[TokenOcclusion()],
)
