"""Any scikit-learn transformer with `inverse_transform` as a codec, in three lines.

from simplibench.methods.sklearn import SklearnCodec
class FastICA(SklearnCodec): estimator = sklearn.decomposition.FastICA
submission = Submission(..., entries=[FastICA(parameters={"n_components": 8})])
"""

import pickle
from typing import Any, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from simplibench.methods.codec import Codec, State


class SklearnCodec(Codec):
    """Wraps the estimator class named in `estimator`; `parameters` go to its constructor, and are recorded.

    The fitted estimator travels in the state as its pickled bytes: it is opened by the guest alone, never by the
    scorer. Every `random_state` that is None, also of the steps of a pipeline, is drawn from the generator. The code is
    float32, whatever the estimator computes in. A function that makes the estimator is wrapped: `staticmethod(make)`.
    """

    estimator: ClassVar[Any]
    parameters: dict[str, int | float | str | bool | None] = Field(default_factory=dict)

    def fit(self, x: Tensor, generator: torch.Generator) -> State:
        """Fit the estimator on x [n, d]; the state is its bytes."""
        estimator = self.estimator(**self.parameters)
        estimator.set_params(**_drawn_seeds(estimator, generator))
        fitted = estimator.fit(x.cpu().numpy())
        return {"estimator": torch.frombuffer(bytearray(pickle.dumps(fitted)), dtype=torch.uint8).to(x.device)}

    def encode(self, state: State, x: Tensor) -> Tensor:
        """`transform`, [n, d] -> [n, m]."""
        return _like(self._opened(state).transform(x.cpu().numpy()), x)

    def decode(self, state: State, code: Tensor) -> Tensor:
        """`inverse_transform`, [n, m] -> [n, d]."""
        return _like(self._opened(state).inverse_transform(code.cpu().numpy()), code)

    def _opened(self, state: State) -> Any:
        return pickle.loads(state["estimator"].cpu().numpy().tobytes())


def _drawn_seeds(estimator: Any, generator: torch.Generator) -> dict[str, int]:
    """Return a seed for every `random_state` left open: numpy's global state would give other results each time."""
    open_ = [name for name, value in sorted(estimator.get_params().items()) if value is None and _is_seed(name)]
    return {name: int(torch.randint(2**31, (), generator=generator, device=generator.device)) for name in open_}


def _is_seed(name: str) -> bool:
    """`random_state`, and `pca__random_state` of a step."""
    return name.rpartition("__")[2] == "random_state"


def _like(values: Any, tensor: Tensor) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32)).to(tensor.device)
