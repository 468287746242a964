"""Where activations are read and replaced: a layer's part, its streams, and how wide their rows are.

A component of an arena, seen the way a method wants it, is a part: VIEWS says which. That is the only place that knows.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from simplibench.tasks import Architecture

Part = Literal["query+key", "pattern", "mlp", "residual"]
FLOAT_BITS = 32  # of an activation


@dataclass(frozen=True)
class PartKind:
    """What crosses a network at one part of a layer, and is read and replaced there."""

    streams: tuple[str, ...]  # each read and replaced by itself
    by_head: bool  # every head has rows of its own; else the stream counts as one head
    row_width: Callable[[Architecture], int]
    follows_queries: frozenset[str] = frozenset()  # streams that only queried positions have

    def heads(self, shape: Architecture) -> int:
        """Return how many codecs a stream takes."""
        return shape.heads if self.by_head else 1

    def floats_per_token(self, shape: Architecture) -> int:
        """Return how many numbers cross the site per token: what identity keeps."""
        return len(self.streams) * self.heads(shape) * self.row_width(shape)


PARTS: Mapping[Part, PartKind] = {
    "query+key": PartKind(("query", "key"), True, lambda shape: shape.head_width, frozenset({"query"})),
    "pattern": PartKind(("pattern",), True, lambda shape: shape.context, frozenset({"pattern"})),
    "mlp": PartKind(("mlp",), False, lambda shape: shape.width, frozenset({"mlp"})),
    "residual": PartKind(("residual",), False, lambda shape: shape.width),
}
View = Literal["vectors", "pattern"]  # `part` of a codec
VIEWS: Mapping[tuple[str, View], Part] = {  # (component of an arena, how a codec wants to see it)
    ("attention", "vectors"): "query+key",
    ("attention", "pattern"): "pattern",
    ("residual", "vectors"): "residual",
}


@dataclass(frozen=True)
class Site:
    """A place where activations are read and replaced: one part of one layer."""

    layer: int
    part: Part

    @property
    def kind(self) -> PartKind:
        """What crosses the network there."""
        return PARTS[self.part]


def ceiling_bits(component: str, shape: Architecture) -> int:
    """Return identity's rate in bits per token: all vectors of the component in float32."""
    return FLOAT_BITS * PARTS[VIEWS[component, "vectors"]].floats_per_token(shape)
