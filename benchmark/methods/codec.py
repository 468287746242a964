"""The main track's interface: a simplification is a code, something to keep of a vector and the way back."""

from abc import abstractmethod
from typing import ClassVar, Literal

import torch
from torch import Tensor

from simplibench.methods.entries import CodecEntry
from simplibench.methods.method import Method

State = dict[str, Tensor]
CodecPart = Literal["vectors", "pattern"]


class Codec(Method):
    """Simplifies vectors at a site: `fit` once, then `encode` to a code and `decode` from the code alone.

    With `part = "vectors"` rows are activations: the queries and keys of one head, or the residual stream. With
    `part = "pattern"` rows are attention weights of one head, one row a query, zero beyond the query's own position
    and as wide as the model's context; `decode` returns such rows again.

    Codecs are pure: no globals, nothing kept between calls, each row treated independently of its neighbours.
    `encode` and `decode` run in different processes.
    """

    part: ClassVar[CodecPart] = "vectors"
    fit_ignores: ClassVar[frozenset[str]] = frozenset()
    """Fields that `fit` does not read: entries that differ only in these share one fit, and `trim` cuts it to size."""

    def fit(self, x: Tensor, generator: torch.Generator) -> State:
        """Learn from x [n, d], activations of the fit split; all randomness from `generator`, on x's device."""
        return {}

    def trim(self, state: State) -> State:
        """Return the part of a shared fit that this entry needs; it is what `state_bytes` counts."""
        return state

    @abstractmethod
    def encode(self, state: State, x: Tensor) -> Tensor:
        """Encode x [n, d] as the code [n, m], float or integer: everything the simplified view keeps of each row."""

    @abstractmethod
    def decode(self, state: State, code: Tensor) -> Tensor:
        """Decode the code [n, m] alone to [n, d], float32: what the model is given back."""

    def manifest(self) -> CodecEntry:
        """Return what the host is told of this entry; entries that `fit` cannot tell apart are of one group."""
        read = {name: value for name, value in self.fields().items() if name not in self.fit_ignores}
        group = f"{type(self).__qualname__}{sorted(read.items())}"
        return CodecEntry(label=self.label, part=self.part, fields=self.fields(), fit_group=group)

    def require_at_most(self, field: str, limit: int, meaning: str) -> None:
        """Refuse a hyperparameter that is too large for these vectors. Raises ValueError."""
        value = getattr(self, field)
        if value > limit:
            raise ValueError(f"{field} must be at most {limit}, {meaning}, got {value}")
