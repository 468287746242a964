"""Sites, where activations are read and replaced: a layer's parts, their streams, and the width of their rows.

VIEWS alone says which part a codec gets, from the component of its arena and the way it wants to see it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from simplibench.tasks import Architecture

Part = Literal["query+key", "pattern", "mlp", "residual"]
FLOAT_BITS = 32  # of an activation


@dataclass(frozen=True)
class PartKind:
    """The streams that are read and replaced at one part of a layer."""

    streams: tuple[str, ...]  # each read and replaced by itself
    by_head: bool  # whether every head has its own rows; else the stream counts as one head
    row_width: Callable[[Architecture], int]
    follows_queries: frozenset[str] = frozenset()  # streams that only queried positions have

    def heads(self, shape: Architecture) -> int:
        """Return the number of codecs per stream."""
        return shape.heads if self.by_head else 1

    def floats_per_token(self, shape: Architecture) -> int:
        """Return the number of floats that cross the site per token: what identity keeps."""
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
        """Return the streams of the site's part."""
        return PARTS[self.part]


def ceiling_bits(component: str, shape: Architecture) -> int:
    """Return identity's rate in bits per token: all vectors of the component in float32."""
    return FLOAT_BITS * PARTS[VIEWS[component, "vectors"]].floats_per_token(shape)
