"""Gradients of the margin along the way from an empty input, by captum. Sundararajan et al. 2017, arXiv:1703.01365."""

import torch
from captum.attr import IntegratedGradients
from pydantic import PositiveInt
from torch import Tensor

from simplibench import ExplainedModel, Explainer, Submission


class Integrated(Explainer):
    steps: PositiveInt  # points on the way from zero to the input

    def explain(self, model: ExplainedModel, tokens: Tensor, positions: Tensor) -> Tensor:
        cases = [self._case(model, tokens[case : case + 1], positions[case : case + 1]) for case in range(len(tokens))]
        return torch.stack(cases)

    def _case(self, model: ExplainedModel, tokens: Tensor, positions: Tensor) -> Tensor:
        target = model.predicted(tokens, positions)

        def margin(embedded: Tensor) -> Tensor:
            rows = len(embedded)  # all steps at once
            return model.margin(tokens.expand(rows, -1), positions.expand(rows), embedded, target.expand(rows))

        attributed: Tensor = IntegratedGradients(margin).attribute(model.network.embed(tokens), n_steps=self.steps)
        return attributed.sum(-1)[0].detach()


submission = Submission(
    name="integrated-gradients",
    authors=("simplibench",),
    citation="https://arxiv.org/abs/1703.01365",
    entries=[Integrated(steps=32)],
)
