"""Control: keep everything. The ceiling of every arena: perfectly faithful, at the full rate."""

from torch import Tensor

from simplibench import Codec, State, Submission


class Identity(Codec):
    def encode(self, state: State, x: Tensor) -> Tensor:
        return x

    def decode(self, state: State, code: Tensor) -> Tensor:
        return code


submission = Submission(
    name="identity",
    authors=("simplibench",),
    citation="the design of this benchmark",
    entries=[Identity()],
    control=True,
)
