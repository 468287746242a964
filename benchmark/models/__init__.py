"""The networks that methods simplify: architectures, sites, references with their cards, and training."""

from typing import TYPE_CHECKING

from simplibench.lazy import exports
from simplibench.models.card import CHECKPOINTS, Card, Checkpoint, checkpoint_path, load_card, seed_name
from simplibench.models.site import PARTS, VIEWS, Part, Site, ceiling_bits

if TYPE_CHECKING:
    from simplibench.models.architectures import build
    from simplibench.models.network import Cut, Layer, Network
    from simplibench.models.reference import Reference, load_reference
    from simplibench.models.sites import Rows, read_rows, row_indices, write_rows
    from simplibench.models.transformer import Transformer

__getattr__ = exports(
    __name__,
    {
        **dict.fromkeys(("Reference", "load_reference"), "simplibench.models.reference"),
        **dict.fromkeys(("Rows", "read_rows", "row_indices", "write_rows"), "simplibench.models.sites"),
        "build": "simplibench.models.architectures",
        "Transformer": "simplibench.models.transformer",
        **dict.fromkeys(("Cut", "Layer", "Network"), "simplibench.models.network"),
    },
)

__all__ = [
    "CHECKPOINTS",
    "PARTS",
    "VIEWS",
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
    "ceiling_bits",
    "checkpoint_path",
    "load_card",
    "load_reference",
    "read_rows",
    "row_indices",
    "seed_name",
    "write_rows",
]
