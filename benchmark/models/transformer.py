"""The standard transformer: layers of attention and MLP around a residual stream.

By default GPT-2's order (Radford et al. 2019): x = x + attention(norm(x)), then x = x + mlp(norm(x)); a last norm; an
unembedding that is not tied to the embedding. The two-layer models of Wen et al. 2023 do without the first and the last
norm, read frozen one-hot tokens, and have no positions or linear ones. Shapes as in network.py.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from simplibench.models.network import Layer, Network
from simplibench.models.site import PARTS
from simplibench.tasks import Architecture

LINEAR_POSITION_SCALE = 6_000.0  # Wen et al.: position i is i / 6000 in the last dimension


class Block(Layer):
    """One layer: causal self-attention and an MLP, each added to the residual stream."""

    parts = frozenset(PARTS)

    def __init__(self, shape: Architecture) -> None:
        super().__init__()
        self.heads = shape.heads
        inner = shape.heads * shape.head_width
        self.attention_norm = nn.LayerNorm(shape.width) if shape.attention_norm else nn.Identity()
        self.query, self.key, self.value = (nn.Linear(shape.width, inner) for _ in range(3))
        self.output = nn.Linear(inner, shape.width)
        self.mlp_norm = nn.LayerNorm(shape.width)
        activation = nn.GELU("tanh") if shape.activation == "gelu" else nn.ReLU()
        self.mlp = nn.Sequential(
            nn.Linear(shape.width, shape.mlp_width), activation, nn.Linear(shape.mlp_width, shape.width)
        )

    def attention_input(self, residual: Tensor) -> Tensor:
        """Return the normalised stream, [B, T, D]."""
        normed: Tensor = self.attention_norm(residual)
        return normed

    def add_attention(self, residual: Tensor, attended: Tensor) -> Tensor:
        """Add the output projection of the averaged values [B, H, Q, C] to the stream [B, Q, D]."""
        added: Tensor = residual + self.output(attended.transpose(1, 2).flatten(2))
        return added

    def mlp_input(self, residual: Tensor) -> Tensor:
        """Return the normalised stream, [B, Q, D]."""
        normed: Tensor = self.mlp_norm(residual)
        return normed

    def mlp_output(self, read: Tensor) -> Tensor:
        """Run the MLP on its input [B, Q, D]."""
        written: Tensor = self.mlp(read)
        return written

    def add_mlp(self, residual: Tensor, written: Tensor) -> Tensor:
        """Add the MLP's output to the stream; both [B, Q, D]."""
        return residual + written


class Transformer(Network):
    """A transformer: token and position embeddings, blocks, a read-out."""

    def __init__(self, shape: Architecture) -> None:
        super().__init__()
        self.shape = shape
        self.token = nn.Embedding(shape.vocabulary, shape.width)
        if shape.tokens == "one-hot":
            self.token = nn.Embedding.from_pretrained(torch.eye(shape.vocabulary, shape.width))  # frozen
        if shape.positions == "learned":
            self.position = nn.Embedding(shape.context, shape.width)
        self.blocks: Sequence[Block] = nn.ModuleList(Block(shape) for _ in range(shape.layers))  # type: ignore[assignment]
        self.norm = nn.LayerNorm(shape.width) if shape.final_norm else nn.Identity()
        self.unembed = nn.Linear(shape.width, shape.vocabulary, bias=False)

    def embed(self, tokens: Tensor) -> Tensor:
        """Return the sum of token and position embeddings, [B, T] -> [B, T, D]."""
        embedded: Tensor = self.token(tokens)
        length = tokens.shape[1]
        if self.shape.positions == "learned":
            embedded = embedded + self.position.weight[:length]
        if self.shape.positions == "linear":
            line = torch.zeros(length, self.shape.width, dtype=embedded.dtype, device=embedded.device)
            line[:, -1] = torch.arange(length, device=embedded.device) / LINEAR_POSITION_SCALE
            embedded = embedded + line
        return embedded

    def read_out(self, residual: Tensor) -> Tensor:
        """Return the unembedding of the normalised stream, [B, Q, D] -> [B, Q, V]."""
        logits: Tensor = self.unembed(self.norm(residual))
        return logits
