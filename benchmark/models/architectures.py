"""From the shape of a reference to the network of its kind."""

from benchmark.models.minimal import Minimal
from benchmark.models.network import Network
from benchmark.models.transformer import Transformer
from benchmark.tasks import Architecture


def build(shape: Architecture) -> Network:
    """An untrained network; `initial` in training.py gives its weights their first values."""
    return Minimal(shape) if shape.kind == "minimal" else Transformer(shape)
