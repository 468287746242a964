"""Put all attention on the position that has most of it. Friedman et al. 2024, arXiv:2312.03656."""

import torch
from torch import Tensor
from torch.nn import functional as F

from simplibench import Codec, State, Submission


class OneHotAttention(Codec):
    part = "pattern"

    def fit(self, x: Tensor, generator: torch.Generator) -> State:
        return {"positions": torch.tensor(x.shape[1], device=x.device)}

    def encode(self, state: State, x: Tensor) -> Tensor:
        return x.argmax(1, keepdim=True)

    def decode(self, state: State, code: Tensor) -> Tensor:
        return F.one_hot(code[:, 0], int(state["positions"])).float()


submission = Submission(
    name="one-hot-attention",
    authors=("simplibench",),
    citation="https://arxiv.org/abs/2312.03656",
    entries=[OneHotAttention()],
)
