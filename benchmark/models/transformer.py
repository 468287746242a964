"""A decoder-only transformer that runs whole, or as a prefix up to a site and a suffix from it.

GPT-2's layer order (Radford et al. 2019): x = x + attention(norm(x)), then x = x + mlp(norm(x)); a last norm; an
unembedding of its own. Shapes: B batch, T tokens, Q queried positions, H heads, C head width, D width, V vocabulary.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmark.tasks import Architecture

Part = Literal["query+key", "pattern", "residual"]


@dataclass(frozen=True)
class Site:
    """A place where activations are read and replaced: a layer's queries and keys, its pattern, or what it puts out."""

    layer: int
    part: Part


@dataclass(frozen=True)
class Cut:
    """What crosses a cut of the network.

    At `query+key`: the residual stream entering the layer, and by head query [B, H, Q, C], key and value [B, H, T, C].
    At `pattern`: the same stream, pattern [B, H, Q, T] and value. At `residual`: the stream leaving the layer, no heads.
    In the last layer only queried positions count, so Q are those asked for; below it, Q = T.
    """

    residual: Tensor  # [B, T, D]
    heads: Mapping[str, Tensor]


class Block(nn.Module):
    """One layer: causal self-attention and an MLP, each added to the residual stream."""

    def __init__(self, shape: Architecture) -> None:
        super().__init__()
        self.heads = shape.heads
        inner = shape.heads * shape.head_width
        self.attention_norm = nn.LayerNorm(shape.width)
        self.query, self.key, self.value = (nn.Linear(shape.width, inner) for _ in range(3))
        self.output = nn.Linear(inner, shape.width)
        self.mlp_norm = nn.LayerNorm(shape.width)
        self.mlp = nn.Sequential(
            nn.Linear(shape.width, shape.mlp_width), nn.GELU("tanh"), nn.Linear(shape.mlp_width, shape.width)
        )

    def project(self, residual: Tensor, at: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """Queries [B, H, Q, C] at the positions `at` [B, Q] (None: all), keys and values [B, H, T, C]."""
        read = self.attention_norm(residual)
        return self._split(self.query(gather(read, at))), self._split(self.key(read)), self._split(self.value(read))

    def _split(self, joined: Tensor) -> Tensor:
        by_head: Tensor = joined.unflatten(-1, (self.heads, -1)).transpose(1, 2)  # [B, T, H * C] -> [B, H, T, C]
        return by_head

    def attention_pattern(self, query: Tensor, key: Tensor, at: Tensor | None) -> Tensor:
        """Softmax over the positions up to the query's own, [B, H, Q, T]."""
        positions = torch.arange(key.shape[2], device=key.device)
        later = positions > (positions if at is None else at)[..., None]  # [B, Q, T], or [T, T]
        scores: Tensor = (query * key.shape[-1] ** -0.5) @ key.transpose(-1, -2)
        return scores.masked_fill_(later if at is None else later[:, None], -torch.inf).softmax(-1)

    def mix(self, query: Tensor, key: Tensor, value: Tensor, at: Tensor | None) -> Tensor:
        """Values averaged by attention, [B, H, Q, C]; fused, without a pattern, where every position is asked for."""
        if at is None:
            return F.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.attention_pattern(query, key, at) @ value

    def finish(self, residual: Tensor, mixed: Tensor) -> Tensor:
        """Add the attention's result, mixed values [B, H, Q, C], and the MLP's to the residual stream [B, Q, D]."""
        residual = residual + self.output(mixed.transpose(1, 2).flatten(2))
        finished: Tensor = residual + self.mlp(self.mlp_norm(residual))
        return finished

    def forward(self, residual: Tensor, at: Tensor | None) -> Tensor:
        """The layer at the positions `at` only, [B, Q, D]."""
        return self.finish(gather(residual, at), self.mix(*self.project(residual, at), at))


class Transformer(nn.Module):
    """The reference. Inputs are right-padded: causality keeps padding from reaching any real position."""

    def __init__(self, shape: Architecture) -> None:
        super().__init__()
        self.shape = shape
        self.token = nn.Embedding(shape.vocabulary, shape.width)
        self.position = nn.Embedding(shape.context, shape.width)
        self.blocks: Sequence[Block] = nn.ModuleList(Block(shape) for _ in range(shape.layers))  # type: ignore[assignment]
        self.norm = nn.LayerNorm(shape.width)
        self.unembed = nn.Linear(shape.width, shape.vocabulary, bias=False)

    def embed(self, tokens: Tensor) -> Tensor:
        """The residual stream entering layer 0, [B, T] -> [B, T, D]."""
        embedded: Tensor = self.token(tokens) + self.position.weight[: tokens.shape[1]]
        return embedded

    def forward(self, tokens: Tensor, at: Tensor | None = None) -> Tensor:
        """Logits of the next token after the positions `at` [B, Q] (None: all), [B, Q, V]."""
        return self.rest(self.embed(tokens), 0, at)

    def rest(self, residual: Tensor, layer: int, at: Tensor | None) -> Tensor:
        """Logits from the residual stream that enters `layer`."""
        for block in self.blocks[layer:-1]:
            residual = block(residual, None)
        last = self.blocks[-1](residual, at) if layer < len(self.blocks) else gather(residual, at)
        logits: Tensor = self.unembed(self.norm(last))
        return logits

    def prefix(self, tokens: Tensor, site: Site, at: Tensor | None = None) -> Cut:
        """Run up to the site; `at` [B, Q] are the positions whose logits will be asked of the suffix."""
        residual = self.embed(tokens)
        for block in self.blocks[: site.layer + (site.part == "residual")]:
            residual = block(residual, None)
        if site.part == "residual":
            return Cut(residual, {})
        block, at = self.blocks[site.layer], self._queried(site, at)
        query, key, value = block.project(residual, at)
        if site.part == "query+key":
            return Cut(residual, {"query": query, "key": key, "value": value})
        return Cut(residual, {"pattern": block.attention_pattern(query, key, at), "value": value})

    def suffix(self, cut: Cut, site: Site, at: Tensor | None = None) -> Tensor:
        """Run from the site to the logits at `at`, [B, Q, V]; `cut` may hold replaced activations."""
        if site.part == "residual":
            return self.rest(cut.residual, site.layer + 1, at)
        block, heads, inside = self.blocks[site.layer], cut.heads, self._queried(site, at)
        if site.part == "pattern":
            mixed = heads["pattern"] @ heads["value"]
        else:
            mixed = block.mix(heads["query"], heads["key"], heads["value"], inside)
        residual = block.finish(gather(cut.residual, inside), mixed)
        return self.rest(residual, site.layer + 1, None if inside is not None else at)

    def _queried(self, site: Site, at: Tensor | None) -> Tensor | None:
        """The positions whose queries matter at the site: below the last layer all do."""
        return at if site.layer == len(self.blocks) - 1 else None


def gather(stream: Tensor, at: Tensor | None) -> Tensor:
    """The rows of `stream` [B, T, D] at the positions `at` [B, Q]; None keeps all."""
    if at is None:
        return stream
    return stream.gather(1, at[..., None].expand(-1, -1, stream.shape[-1]))
