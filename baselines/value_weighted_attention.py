"""Attention times the norm of the value attended to, last layer. Kobayashi et al. 2020, arXiv:2004.10102."""

from torch import Tensor

from simplibench import ExplainedModel, Explainer, Submission


class ValueWeightedAttention(Explainer):
    def explain(self, model: ExplainedModel, tokens: Tensor, positions: Tensor) -> Tensor:
        rows = model.attention(tokens)[-1][range(len(tokens)), :, positions]  # [case, head, key]
        weighted: Tensor = rows * model.values(tokens)[-1].norm(dim=-1)
        return weighted.mean(1)


submission = Submission(
    name="value-weighted-attention",
    authors=("simplibench",),
    citation="https://arxiv.org/abs/2004.10102",
    entries=[ValueWeightedAttention()],
)
