"""Control: random numbers, the same for every case and model."""

import torch
from torch import Tensor

from simplibench import ExplainedModel, Explainer, Submission

LONGEST = 1_024  # tokens; a place has the same number in texts of any length


class RandomAttribution(Explainer):
    seed: int

    def explain(self, model: ExplainedModel, tokens: Tensor, positions: Tensor) -> Tensor:
        drawn = torch.rand(LONGEST, generator=torch.Generator().manual_seed(self.seed))[: tokens.shape[1]]
        places = torch.arange(tokens.shape[1], device=tokens.device)
        return drawn.to(tokens.device) * (places <= positions[:, None])


submission = Submission(
    name="random-attribution",
    authors=("simplibench",),
    citation="the design of this benchmark",
    entries=[RandomAttribution(seed=0)],
    control=True,
)
