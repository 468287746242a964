"""The minimal architecture of Wen et al. 2023 (arXiv:2312.01429): one attention layer over (type, depth) embeddings.

No output projection and no residual connection: LayerNorm and a linear head read the mixed values. Shapes as in
network.py.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from simplibench.models.network import Layer, Network
from simplibench.tasks import Architecture


class AttentionOnly(Layer):
    """A layer of attention alone: it reads the stream as it is, and only the averaged values leave it."""

    parts = frozenset({"query+key", "pattern", "residual"})

    def __init__(self, shape: Architecture) -> None:
        super().__init__()
        self.heads = shape.heads
        inner = shape.heads * shape.head_width
        self.query, self.key, self.value = (nn.Linear(shape.width, inner, bias=False) for _ in range(3))

    def attention_input(self, residual: Tensor) -> Tensor:
        """Return the stream as it is."""
        return residual

    def add_attention(self, residual: Tensor, attended: Tensor) -> Tensor:
        """Return the averaged values, heads side by side; the stream ends here."""
        return attended.transpose(1, 2).flatten(2)

    def mlp_input(self, residual: Tensor) -> Tensor:
        """Return the stream as it is: there is no MLP."""
        return residual

    def mlp_output(self, read: Tensor) -> Tensor:
        """Return zeros: there is no MLP."""
        return torch.zeros_like(read)

    def add_mlp(self, residual: Tensor, written: Tensor) -> Tensor:
        """Return the stream as it is."""
        return residual


class Minimal(Network):
    """A frozen embedding of (type, depth), one attention layer, LayerNorm, a linear head."""

    table: Tensor  # [symbol, D]

    def __init__(self, shape: Architecture) -> None:
        super().__init__()
        self.shape = shape
        self.types = (shape.vocabulary - 1) // 2  # tokens: START, then the opening brackets, then the closing ones
        self.register_buffer("table", embedding_table(shape), persistent=False)
        self.blocks: Sequence[AttentionOnly] = nn.ModuleList(AttentionOnly(shape) for _ in range(shape.layers))  # type: ignore[assignment]
        self.norm = nn.LayerNorm(shape.heads * shape.head_width)
        self.unembed = nn.Linear(shape.heads * shape.head_width, shape.vocabulary, bias=False)

    def symbols(self, tokens: Tensor) -> Tensor:
        """Return each token's row of the table, [B, T] -> [B, T]: START, or a bracket with its pair's depth, from 1."""
        opens, closes = (tokens > 0) & (tokens <= self.types), tokens > self.types
        depth = (opens.long() - closes.long()).cumsum(-1) + closes.long()
        # A text that is no prefix of the language still gets an input.
        return torch.where(tokens > 0, symbol(tokens, depth.clamp(1, self.shape.max_depth), self.shape.max_depth), 0)

    def embed(self, tokens: Tensor) -> Tensor:
        """Return the embedding of each token's (type, depth), [B, T] -> [B, T, D]."""
        return self.table[self.symbols(tokens)]

    def read_out(self, residual: Tensor) -> Tensor:
        """Return the head's logits for the normalised mixture, [B, Q, H * C] -> [B, Q, V]."""
        logits: Tensor = self.unembed(self.norm(residual))
        return logits


def symbol(token: Tensor, depth: Tensor, max_depth: int) -> Tensor:
    """Return the table's row of bracket `token` [...] of a pair at depth `depth` [...]; row 0 is START."""
    return 1 + (token - 1) * max_depth + (depth - 1)


def embedding_table(shape: Architecture) -> Tensor:
    """Return the input of every symbol, [1 + 2 * types * max_depth, D]; dimensions that the variant does not use are 0."""
    brackets, depths = shape.vocabulary - 1, shape.max_depth
    token = torch.cat([torch.zeros(1, dtype=torch.long), torch.arange(1, brackets + 1).repeat_interleave(depths)])
    depth = torch.cat([torch.zeros(1, dtype=torch.long), torch.arange(1, depths + 1).repeat(brackets)])
    kinds = torch.eye(shape.vocabulary)[token]
    if shape.tokens == "pair":
        columns = torch.eye(len(token))
    elif shape.tokens == "type+depth":
        columns = torch.cat([kinds, torch.eye(depths + 1)[depth]], dim=1)
    else:
        angle = torch.atan2(depth.double(), depths + 2.0 - depth)
        columns = torch.cat([kinds, torch.stack([angle.cos(), angle.sin()], dim=1).float()], dim=1)
    return nn.functional.pad(columns, (0, shape.width - columns.shape[1]))
