"""Read the attention itself: how much the last layer attends to each token, mean over heads."""

from torch import Tensor

from simplibench import ExplainedModel, Explainer, Submission


class AttentionRow(Explainer):
    def explain(self, model: ExplainedModel, tokens: Tensor, positions: Tensor) -> Tensor:
        pattern = model.attention(tokens)[-1].mean(1)  # [case, query, key]
        return pattern[range(len(tokens)), positions]


submission = Submission(
    name="attention-row",
    authors=("simplibench",),
    citation="https://arxiv.org/abs/1409.0473",
    entries=[AttentionRow()],
)
