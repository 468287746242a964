"""Project vectors on their top principal components, around their mean. Pearson 1901, doi:10.1080/14786440109462720."""

import torch
from pydantic import PositiveInt
from torch import Tensor

from simplibench import Codec, State, Submission


class PCA(Codec):
    rank: PositiveInt  # principal components kept
    fit_ignores = frozenset({"rank"})

    def fit(self, x: Tensor, generator: torch.Generator) -> State:
        mean = x.mean(0)
        return {"mean": mean, "basis": torch.linalg.svd(x - mean, full_matrices=False).Vh}

    def trim(self, state: State) -> State:
        self.require_at_most("rank", len(state["basis"]), "the width of the vectors")
        return {"mean": state["mean"], "basis": state["basis"][: self.rank]}

    def encode(self, state: State, x: Tensor) -> Tensor:
        return (x - state["mean"]) @ state["basis"].T

    def decode(self, state: State, code: Tensor) -> Tensor:
        return code @ state["basis"] + state["mean"]


submission = Submission(
    name="pca",
    authors=("simplibench",),
    citation="https://doi.org/10.1080/14786440109462720",
    entries=[PCA(rank=rank) for rank in (1, 2, 4, 8, 16)],
)
