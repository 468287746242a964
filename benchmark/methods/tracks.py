"""The tracks of methods: what may be asked of a method of each kind, and how it is asked.

Everybody asks `TRACKS[name]`, nobody tests for a track. A third kind of method is a module like codec.py, with its base
class and its entry, and one line in this table.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simplibench.methods.entries import CodecEntry, EntryManifest, ExplainerEntry

if TYPE_CHECKING:  # the commands that only read records load no torch
    from torch import Generator, Tensor

    from simplibench.methods.explained import ExplainedModel

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Given:
    """What a method is called with: tensors on its device, a seeded generator, and the model for who explains one."""

    tensors: "Mapping[str, Tensor]"
    generator: "Generator"
    open_model: "Callable[[], ExplainedModel]"

    @property
    def state(self) -> "dict[str, Tensor]":
        """Return what was sent as `state.<name>`, by name."""
        prefix = "state."
        return {name.removeprefix(prefix): value for name, value in self.tensors.items() if name.startswith(prefix)}


@dataclass(frozen=True)
class MethodTrack:
    """A kind of method, as the process that runs it knows it."""

    entry: type[EntryManifest]  # what the host is told of one
    template: Path  # the file that a new submission begins as
    calls: Mapping[str, Callable[[Any, Given], object]]  # what may be asked, in the order in which it is tried
    states: frozenset[str] = frozenset()  # of these, what gives a flat dict of tensors; the others give one tensor
    gradients: bool = False  # whether gradients are recorded while it is called
    without_files: frozenset[str] = frozenset()  # what may read no file: through times of files processes could talk


TRACKS: dict[str, MethodTrack] = {
    "codec": MethodTrack(
        CodecEntry,
        TEMPLATES / "codec.py.txt",
        {
            "fit": lambda codec, given: codec.fit(given.tensors["x"], given.generator),
            "trim": lambda codec, given: codec.trim(given.state),
            "encode": lambda codec, given: codec.encode(given.state, given.tensors["x"]),
            "decode": lambda codec, given: codec.decode(given.state, given.tensors["code"]),
        },
        states=frozenset({"fit", "trim"}),
        without_files=frozenset({"encode", "decode"}),
    ),
    "explainer": MethodTrack(
        ExplainerEntry,
        TEMPLATES / "explainer.py.txt",
        {
            "explain": lambda explainer, given: explainer.explain(
                given.open_model(), given.tensors["tokens"], given.tensors["positions"]
            )
        },
        gradients=True,
    ),
}
