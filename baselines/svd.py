"""Project vectors on their top singular vectors, uncentred. Friedman et al. 2024, arXiv:2312.03656."""

import torch
from pydantic import PositiveInt
from torch import Tensor

from simplibench import Codec, State, Submission


class SVD(Codec):
    rank: PositiveInt  # singular vectors kept
    fit_ignores = frozenset({"rank"})

    def fit(self, x: Tensor, generator: torch.Generator) -> State:
        return {"basis": torch.linalg.svd(x, full_matrices=False).Vh}

    def trim(self, state: State) -> State:
        self.require_at_most("rank", len(state["basis"]), "the width of the vectors")
        return {"basis": state["basis"][: self.rank]}

    def encode(self, state: State, x: Tensor) -> Tensor:
        return x @ state["basis"].T

    def decode(self, state: State, code: Tensor) -> Tensor:
        return code @ state["basis"]


submission = Submission(
    name="svd",
    authors=("simplibench",),
    citation="https://arxiv.org/abs/2312.03656",
    entries=[SVD(rank=rank) for rank in (1, 2, 4, 8, 16)],
)
