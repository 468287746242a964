"""A model as an explainer sees it: its predictions, their margins, its attention and values, and masked tokens.

Shapes: N cases, T tokens, M maskings, H heads, D width.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from simplibench.models import Network, Site, build
from simplibench.tasks import Architecture

MASKED_TOKENS = 16_384  # run at once
FIRST_SCORES = Site(0, "query+key")  # nothing before the first attention depends on the mask


@dataclass(frozen=True)
class ExplainedModel:
    """A network and the tokens among which it predicts; `tokens` [N, T] begin with START and may end in padding.

    Everything is differentiable. `network` is the whole model: run it, read it, take its gradients. It is a copy.
    """

    network: Network
    candidates: range

    def predicted(self, tokens: Tensor, positions: Tensor) -> Tensor:
        """Return the likeliest candidate after position `positions` [N] of each case, [N]."""
        return self._candidates(self._logits(tokens, positions)).argmax(-1) + self.candidates.start

    def margin(
        self, tokens: Tensor, positions: Tensor, embedded: Tensor | None = None, target: Tensor | None = None
    ) -> Tensor:
        """Return the logit of the `target` candidate minus the largest logit of another candidate, [N].

        `target` [N]: None takes the candidate predicted from the tokens. `embedded` [N, T, D] takes the place of the
        tokens' own embedding.
        """
        target = self.predicted(tokens, positions) if target is None else target
        stream = self.network.embed(tokens) if embedded is None else embedded
        return self._margin(self.network.forward_from(stream, 0, self._at(tokens, positions))[:, 0], target)

    def margin_without(self, tokens: Tensor, positions: Tensor, hidden: Tensor) -> Tensor:
        """Return the margin of the candidate predicted from all tokens, when the keys of some are removed at every layer.

        hidden [N, M, T] -> [N, M]: each case under M maskings. Position 0, START, cannot be hidden.
        """
        if bool(hidden[..., 0].any()):
            raise ValueError("position 0, START, cannot be hidden: a query would have nothing left to attend to")
        at, target = self._at(tokens, positions), self.predicted(tokens, positions)
        cut = self.network.prefix(tokens, FIRST_SCORES, at)
        margins = []
        for case, maskings in enumerate(hidden):
            for masked in maskings.split(max(1, MASKED_TOKENS // tokens.shape[1])):
                repeated, asked = cut.repeated(case, len(masked)), at[case : case + 1].expand(len(masked), 1)
                logits = self.network.suffix(repeated, asked, masked)[:, 0]
                margins.append(self._margin(logits, target[case : case + 1].expand(len(masked))))
        return torch.cat(margins).view(hidden.shape[:2])

    def attention(self, tokens: Tensor) -> list[Tensor]:
        """Return the attention pattern of every layer, [N, H, T, T]: row is query, column is key."""
        sites = [Site(layer, "pattern") for layer in range(len(self.network.blocks))]
        return [self.network.prefix(tokens, site).streams["pattern"] for site in sites]

    def values(self, tokens: Tensor) -> list[Tensor]:
        """Return the value vectors of every layer, [N, H, T, C]."""
        sites = [Site(layer, "pattern") for layer in range(len(self.network.blocks))]
        return [self.network.prefix(tokens, site).streams["value"] for site in sites]

    def _logits(self, tokens: Tensor, positions: Tensor) -> Tensor:
        """Return the logits at each case's position, [N, vocabulary]."""
        logits: Tensor = self.network(tokens, self._at(tokens, positions))
        return logits[:, 0]

    def _candidates(self, logits: Tensor) -> Tensor:
        return logits[:, self.candidates.start : self.candidates.stop]

    def _margin(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the target's logit minus the largest logit of another candidate: [N, vocabulary], [N] -> [N]."""
        chosen = (target - self.candidates.start)[:, None]
        candidates = self._candidates(logits)
        best_other = candidates.scatter(1, chosen, -torch.inf).amax(1)
        return candidates.gather(1, chosen)[:, 0] - best_other

    def _at(self, tokens: Tensor, positions: Tensor) -> Tensor:
        """Return positions as the network takes them, [N, 1]. Raises ValueError for positions that do not exist."""
        if tuple(positions.shape) != (len(tokens),):
            raise ValueError(f"positions must be one a case, [{len(tokens)}], got {list(positions.shape)}")
        wrong = (positions < 0) | (positions >= tokens.shape[1])
        if bool(wrong.any()):
            raise ValueError(
                f"positions must lie in 0 to {tokens.shape[1] - 1}, the tokens there are, got {int(positions[wrong][0])}"
            )
        return positions[:, None]


def describe_model(network: Network, candidates: range) -> dict[str, Any]:
    """Return what `open_model` needs beside the weights, as plain JSON values."""
    dtype = str(next(network.parameters()).dtype).removeprefix("torch.")
    return {
        "architecture": asdict(network.shape),
        "candidates": [candidates.start, candidates.stop],
        "dtype": dtype,
    }


def open_model(described: Mapping[str, Any], weights: Mapping[str, Tensor], device: str) -> ExplainedModel:
    """Return the model that `describe_model` described, with these weights."""
    network = build(Architecture(**described["architecture"])).to(getattr(torch, described["dtype"]))
    network.load_state_dict(dict(weights))
    return ExplainedModel(network.to(device).eval().requires_grad_(False), range(*described["candidates"]))
