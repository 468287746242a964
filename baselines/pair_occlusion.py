"""Hide matched brackets together, open ones alone; a pair shares its effect equally. It is told the language."""

import torch
from torch import Tensor

from simplibench import ExplainedModel, Explainer, Submission
from simplibench.tasks.bounded_dyck import partners


class PairOcclusion(Explainer):
    @torch.no_grad()
    def explain(self, model: ExplainedModel, tokens: Tensor, positions: Tensor) -> Tensor:
        attributions = torch.zeros(tokens.shape, dtype=torch.float64, device=tokens.device)
        before = model.margin(tokens, positions)
        for case, position in enumerate(positions.tolist()):
            text = tokens[case : case + 1, : position + 1]
            partner = torch.from_numpy(partners(text[0].cpu().numpy())).to(tokens.device)
            hidden = torch.eye(position + 1, dtype=torch.bool, device=tokens.device)[1:]
            hidden |= torch.nn.functional.one_hot(partner[1:], position + 1).bool() & (partner[1:, None] > 0)
            without = model.margin_without(text, positions[case : case + 1], hidden[None])[0]
            attributions[case, 1 : position + 1] = (before[case] - without) / hidden.sum(-1)
        return attributions


submission = Submission(
    name="pair-occlusion",
    authors=("simplibench",),
    citation="the design of this benchmark",
    entries=[PairOcclusion()],
)
