"""What is simplified: the transformer, its sites, references, their cards and their training."""

from typing import TYPE_CHECKING

from benchmark.lazy import exports
from benchmark.models.card import CHECKPOINTS, Card, Checkpoint, checkpoint_path, load_card, seed_name

if TYPE_CHECKING:
    from benchmark.models.architectures import build
    from benchmark.models.network import Cut, Layer, Network, Part, Site
    from benchmark.models.reference import Reference, load_reference
    from benchmark.models.sites import STREAMS, Rows, places, put, read
    from benchmark.models.transformer import Transformer

__getattr__ = exports(
    __name__,
    {
        **dict.fromkeys(("Reference", "load_reference"), "benchmark.models.reference"),
        **dict.fromkeys(("STREAMS", "Rows", "places", "put", "read"), "benchmark.models.sites"),
        "build": "benchmark.models.architectures",
        "Transformer": "benchmark.models.transformer",
        **dict.fromkeys(("Cut", "Part", "Site", "Layer", "Network"), "benchmark.models.network"),
    },
)

__all__ = [
    "CHECKPOINTS",
    "STREAMS",
    "Card",
    "Checkpoint",
    "Cut",
    "Layer",
    "Network",
    "Part",
    "Reference",
    "Rows",
    "Site",
    "Transformer",
    "build",
    "checkpoint_path",
    "load_card",
    "load_reference",
    "places",
    "put",
    "read",
    "seed_name",
]
