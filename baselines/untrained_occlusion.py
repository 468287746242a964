"""Control: token occlusion, of a model whose weights were drawn anew. After Adebayo et al. 2018, arXiv:1810.03292."""

import copy
from dataclasses import replace

import torch
from torch import Tensor

from simplibench import ExplainedModel, Submission
from simplibench.baselines.token_occlusion import TokenOcclusion


class UntrainedOcclusion(TokenOcclusion):
    seed: int

    @torch.no_grad()
    def explain(self, model: ExplainedModel, tokens: Tensor, positions: Tensor) -> Tensor:
        network, generator = copy.deepcopy(model.network), torch.Generator().manual_seed(self.seed)
        for weight in network.parameters():
            drawn = torch.randn(weight.shape, generator=generator) * weight.shape[-1] ** -0.5
            weight.copy_(drawn)
        return super().explain(replace(model, network=network), tokens, positions)


submission = Submission(
    name="untrained-occlusion",
    authors=("simplibench",),
    citation="https://arxiv.org/abs/1810.03292",
    entries=[UntrainedOcclusion(seed=0)],
    control=True,
)
