"""Control: nothing matters but the last token read."""

import torch
from torch import Tensor

from simplibench import ExplainedModel, Explainer, Submission


class LastToken(Explainer):
    def explain(self, model: ExplainedModel, tokens: Tensor, positions: Tensor) -> Tensor:
        return torch.nn.functional.one_hot(positions, tokens.shape[1]).float()


submission = Submission(
    name="last-token",
    authors=("simplibench",),
    citation="the design of this benchmark",
    entries=[LastToken()],
    control=True,
)
