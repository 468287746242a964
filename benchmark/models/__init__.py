"""What is simplified: the transformer, its sites, references, their cards and their training."""

from typing import TYPE_CHECKING

from simplibench.lazy import exports
from simplibench.models.card import CHECKPOINTS, Card, Checkpoint, checkpoint_path, load_card, seed_name

if TYPE_CHECKING:
    from simplibench.models.architectures import build
    from simplibench.models.network import Cut, Layer, Network, Part, Site
    from simplibench.models.reference import Reference, load_reference
    from simplibench.models.sites import STREAMS, Rows, places, put, read
    from simplibench.models.transformer import Transformer

__getattr__ = exports(
    __name__,
    {
        **dict.fromkeys(("Reference", "load_reference"), "simplibench.models.reference"),
        **dict.fromkeys(("STREAMS", "Rows", "places", "put", "read"), "simplibench.models.sites"),
        "build": "simplibench.models.architectures",
        "Transformer": "simplibench.models.transformer",
        **dict.fromkeys(("Cut", "Part", "Site", "Layer", "Network"), "simplibench.models.network"),
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
