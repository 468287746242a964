"""Control: project vectors on a random subspace. Johnson and Lindenstrauss 1984, doi:10.1090/conm/026/737400."""

import torch
from pydantic import PositiveInt
from torch import Tensor

from simplibench import Codec, State, Submission


class RandomProjection(Codec):
    rank: PositiveInt  # dimensions of the subspace
    fit_ignores = frozenset({"rank"})

    def fit(self, x: Tensor, generator: torch.Generator) -> State:
        gaussian = torch.randn(x.shape[1], x.shape[1], generator=generator, device=x.device)
        return {"basis": torch.linalg.qr(gaussian).Q.T.contiguous()}

    def trim(self, state: State) -> State:
        self.require_at_most("rank", len(state["basis"]), "the width of the vectors")
        return {"basis": state["basis"][: self.rank]}

    def encode(self, state: State, x: Tensor) -> Tensor:
        return x @ state["basis"].T

    def decode(self, state: State, code: Tensor) -> Tensor:
        return code @ state["basis"]


submission = Submission(
    name="random-projection",
    authors=("simplibench",),
    citation="https://doi.org/10.1090/conm/026/737400",
    entries=[RandomProjection(rank=rank) for rank in (1, 2, 4, 8, 16)],
    control=True,
)
