"""Keep the k largest attention weights of a row, scaled to sum to one. Gupta et al. 2021, arXiv:2106.06899."""

from pydantic import PositiveInt
from torch import Tensor

from simplibench import Codec, State, Submission


class TopKAttention(Codec):
    part = "pattern"
    k: PositiveInt  # positions kept

    def encode(self, state: State, x: Tensor) -> Tensor:
        self.require_at_most("k", x.shape[1], "the number of positions")
        largest = x.topk(self.k)
        return x.new_zeros(x.shape).scatter(1, largest.indices, largest.values)

    def decode(self, state: State, code: Tensor) -> Tensor:
        return code / code.sum(1, keepdim=True)


submission = Submission(
    name="top-k-attention",
    authors=("simplibench",),
    citation="https://arxiv.org/abs/2106.06899",
    entries=[TopKAttention(k=k) for k in (1, 2, 4, 8, 16)],
)
