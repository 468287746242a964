"""Control: every token read so far matters alike."""

import torch
from torch import Tensor

from simplibench import ExplainedModel, Explainer, Submission


class UniformAttribution(Explainer):
    def explain(self, model: ExplainedModel, tokens: Tensor, positions: Tensor) -> Tensor:
        return (torch.arange(tokens.shape[1], device=tokens.device) <= positions[:, None]).float()


submission = Submission(
    name="uniform-attribution",
    authors=("simplibench",),
    citation="the design of this benchmark",
    entries=[UniformAttribution()],
    control=True,
)
