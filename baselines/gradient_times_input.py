"""Gradient of the margin times the input, summed over its dimensions, by captum. Shrikumar et al. 2016, arXiv:1605.01713."""

from captum.attr import InputXGradient
from torch import Tensor

from simplibench import ExplainedModel, Explainer, Submission


class GradientTimesInput(Explainer):
    def explain(self, model: ExplainedModel, tokens: Tensor, positions: Tensor) -> Tensor:
        def margin(embedded: Tensor) -> Tensor:
            return model.margin(tokens, positions, embedded)

        embedded = model.network.embed(tokens).detach().requires_grad_()
        attributed: Tensor = InputXGradient(margin).attribute(embedded)
        return attributed.sum(-1).detach()


submission = Submission(
    name="gradient-times-input",
    authors=("simplibench",),
    citation="https://arxiv.org/abs/1605.01713",
    entries=[GradientTimesInput()],
)
