"""What is simplified: the transformer, its sites, references and their training."""

from benchmark.models.reference import Card, Reference, load_card, load_reference
from benchmark.models.sites import STREAMS, Rows, places, put, read
from benchmark.models.transformer import Cut, Part, Site, Transformer

__all__ = [
    "STREAMS",
    "Card",
    "Cut",
    "Part",
    "Reference",
    "Rows",
    "Site",
    "Transformer",
    "load_card",
    "load_reference",
    "places",
    "put",
    "read",
]
