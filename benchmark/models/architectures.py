"""The network for an architecture's shape."""

from simplibench.models.minimal import Minimal
from simplibench.models.network import Network
from simplibench.models.transformer import Transformer
from simplibench.tasks import Architecture


def build(shape: Architecture) -> Network:
    """Return a network of this shape; `initial` in training.py gives its weights their first values."""
    return Minimal(shape) if shape.kind == "minimal" else Transformer(shape)
