"""What is simplified: the transformer, its sites, references, their cards and their training."""

from typing import TYPE_CHECKING

from benchmark.lazy import exports
from benchmark.models.card import CHECKPOINTS, Card, checkpoint_path, load_card, seed_name

if TYPE_CHECKING:
    from benchmark.models.reference import Reference, load_reference
    from benchmark.models.sites import STREAMS, Rows, places, put, read
    from benchmark.models.transformer import Cut, Part, Site, Transformer

__getattr__ = exports(
    __name__,
    {
        **dict.fromkeys(("Reference", "load_reference"), "benchmark.models.reference"),
        **dict.fromkeys(("STREAMS", "Rows", "places", "put", "read"), "benchmark.models.sites"),
        **dict.fromkeys(("Cut", "Part", "Site", "Transformer"), "benchmark.models.transformer"),
    },
)

__all__ = [
    "CHECKPOINTS",
    "STREAMS",
    "Card",
    "Cut",
    "Part",
    "Reference",
    "Rows",
    "Site",
    "Transformer",
    "checkpoint_path",
    "load_card",
    "load_reference",
    "places",
    "put",
    "read",
    "seed_name",
]
