"""The tracks of methods: what may be asked of a method of each kind, and how it is asked.

Everybody asks `TRACKS[name]`, nobody tests for a track. A third kind of method is a module like codec.py, with its base
class and its entry, and one line in this table.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Generator, Tensor

from simplibench.methods.explained import ExplainedModel


@dataclass(frozen=True)
class Given:
    """What a method is called with: tensors on its device, a seeded generator, and the model for who explains one."""

    tensors: Mapping[str, Tensor]
    generator: Generator
    open_model: Callable[[], ExplainedModel]

    @property
    def state(self) -> dict[str, Tensor]:
        """Return what was sent as `state.<name>`, by name."""
        prefix = "state."
        return {name.removeprefix(prefix): value for name, value in self.tensors.items() if name.startswith(prefix)}


@dataclass(frozen=True)
class MethodTrack:
    """A kind of method, as the process that runs it knows it."""

    calls: Mapping[str, Callable[[Any, Given], object]]  # what may be asked, in the order in which it is tried
    states: frozenset[str] = frozenset()  # of these, what gives a flat dict of tensors; the others give one tensor
    gradients: bool = False  # whether gradients are recorded while it is called


TRACKS: dict[str, MethodTrack] = {
    "codec": MethodTrack(
        {
            "fit": lambda codec, given: codec.fit(given.tensors["x"], given.generator),
            "trim": lambda codec, given: codec.trim(given.state),
            "encode": lambda codec, given: codec.encode(given.state, given.tensors["x"]),
            "decode": lambda codec, given: codec.decode(given.state, given.tensors["code"]),
        },
        states=frozenset({"fit", "trim"}),
    ),
    "explainer": MethodTrack(
        {
            "explain": lambda explainer, given: explainer.explain(
                given.open_model(), given.tensors["tokens"], given.tensors["positions"]
            )
        },
        gradients=True,
    ),
}
