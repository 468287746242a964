"""Control: keep nothing, give back the mean. The floor of every arena: free, and faithful to nothing."""

import torch
from torch import Tensor

from simplibench import Codec, State, Submission


class Constant(Codec):
    def fit(self, x: Tensor, generator: torch.Generator) -> State:
        return {"mean": x.mean(0)}

    def encode(self, state: State, x: Tensor) -> Tensor:
        return torch.empty(len(x), 0, dtype=torch.uint8, device=x.device)

    def decode(self, state: State, code: Tensor) -> Tensor:
        return state["mean"].expand(len(code), -1)


submission = Submission(
    name="constant",
    authors=("simplibench",),
    citation="the design of this benchmark",
    entries=[Constant()],
    control=True,
)
