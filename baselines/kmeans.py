"""Replace every vector by the nearest of k cluster centres. Friedman et al. 2024, arXiv:2312.03656."""

import torch
from pydantic import PositiveInt
from sklearn.cluster import KMeans as SklearnKMeans
from torch import Tensor

from simplibench import Codec, State, Submission


class KMeans(Codec):
    clusters: PositiveInt
    iterations: PositiveInt = 30  # of Lloyd's algorithm, at most

    def fit(self, x: Tensor, generator: torch.Generator) -> State:
        self.require_at_most("clusters", len(x), "the number of vectors")
        seed = int(torch.randint(2**31, (), generator=generator, device=x.device))
        model = SklearnKMeans(self.clusters, n_init=1, max_iter=self.iterations, random_state=seed)
        return {"centres": torch.from_numpy(model.fit(x.cpu().numpy()).cluster_centers_).to(x)}

    def encode(self, state: State, x: Tensor) -> Tensor:
        centres = state["centres"]
        # |x - c|^2 without |x|^2, which is the same for every centre.
        return (centres.square().sum(1) - 2 * x @ centres.T).argmin(1, keepdim=True)

    def decode(self, state: State, code: Tensor) -> Tensor:
        return state["centres"][code[:, 0]]


submission = Submission(
    name="kmeans",
    authors=("simplibench",),
    citation="https://arxiv.org/abs/2312.03656",
    entries=[KMeans(clusters=clusters) for clusters in (16, 32, 64, 128, 256, 512, 1024)],
)
