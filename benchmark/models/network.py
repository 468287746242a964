"""A decoder-only network that runs whole, or as a prefix up to a site and a suffix from it: one mechanism for all.

What an architecture adds are its layers, its embedding and its read-out (transformer.py, minimal.py). Shapes: B batch,
T tokens, Q queried positions, H heads, C head width, D width, V vocabulary.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from simplibench.tasks import Architecture

OUT_OF_REACH = 1e9  # what the scores of a hidden key are lowered by, before scaling: exp of it is 0 exactly
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

    def repeated(self, case: int, times: int) -> "Cut":
        """One case of the batch, so many times over, without a copy."""
        heads = {name: own[case : case + 1].expand(times, *own.shape[1:]) for name, own in self.heads.items()}
        return Cut(self.residual[case : case + 1].expand(times, *self.residual.shape[1:]), heads)


class Layer(nn.Module, ABC):
    """Causal self-attention, and what an architecture does before and after it."""

    heads: int
    query: nn.Linear
    key: nn.Linear
    value: nn.Linear

    @abstractmethod
    def read(self, residual: Tensor) -> Tensor:
        """What queries, keys and values are made of, [B, T, D]."""

    @abstractmethod
    def finish(self, residual: Tensor, mixed: Tensor) -> Tensor:
        """What leaves the layer, from what entered it [B, Q, D] and the mixed values [B, H, Q, C]."""

    def project(self, residual: Tensor, at: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """Queries [B, H, Q, C] at the positions `at` [B, Q] (None: all), keys and values [B, H, T, C]."""
        read = self.read(residual)
        return self._split(self.query(gather(read, at))), self._split(self.key(read)), self._split(self.value(read))

    def _split(self, joined: Tensor) -> Tensor:
        by_head: Tensor = joined.unflatten(-1, (self.heads, -1)).transpose(1, 2)  # [B, T, H * C] -> [B, H, T, C]
        return by_head

    def attention_pattern(self, query: Tensor, key: Tensor, at: Tensor | None, hidden: Tensor | None = None) -> Tensor:
        """Softmax over the positions up to the query's own that are not `hidden` [B, T], [B, H, Q, T]."""
        scores: Tensor = (query * key.shape[-1] ** -0.5) @ key.transpose(-1, -2)
        return scores.masked_fill_(_unseen(key, at, hidden), -torch.inf).softmax(-1)

    def mix(self, query: Tensor, key: Tensor, value: Tensor, at: Tensor | None, hidden: Tensor | None = None) -> Tensor:
        """Values averaged by attention, [B, H, Q, C]; fused, without a pattern, where every position is asked for."""
        if at is not None:
            return self.attention_pattern(query, key, at, hidden) @ value
        scale = key.shape[-1] ** -0.5
        if hidden is not None:  # twice as fast as a mask: one more dimension, in which a hidden key is out of reach
            reach = hidden.to(key.dtype)[:, None, :, None] * -OUT_OF_REACH
            query, key = F.pad(query, (0, 1), value=1.0), torch.cat([key, reach.expand(*key.shape[:-1], 1)], dim=-1)
        if query.dtype == torch.bfloat16 and query.device.type == "cpu":  # its gradient is faster in float32 there
            query, key, value = query.float(), key.float(), value.float()
        with torch.autocast("cpu", enabled=False):
            return F.scaled_dot_product_attention(query, key, value, is_causal=True, scale=scale)

    def forward(self, residual: Tensor, at: Tensor | None, hidden: Tensor | None = None) -> Tensor:
        """The layer at the positions `at` only, [B, Q, D]."""
        return self.finish(gather(residual, at), self.mix(*self.project(residual, at), at, hidden))


class Network(nn.Module, ABC):
    """The reference. Inputs are right-padded: causality keeps padding from reaching any real position.

    `hidden` [B, T] takes tokens out of sight: their keys are removed from attention at every layer. Position 0 must stay
    visible, so that every query keeps something to attend to.
    """

    shape: Architecture
    blocks: Sequence[Layer]

    @property
    def device(self) -> str:
        """Where its weights are."""
        return str(next(self.parameters()).device)

    @abstractmethod
    def embed(self, tokens: Tensor) -> Tensor:
        """The residual stream entering layer 0, [B, T] -> [B, T, D]."""

    @abstractmethod
    def read_out(self, residual: Tensor) -> Tensor:
        """Logits from the stream that leaves the last layer, [B, Q, D] -> [B, Q, V]."""

    def forward(self, tokens: Tensor, at: Tensor | None = None, hidden: Tensor | None = None) -> Tensor:
        """Logits of the next token after the positions `at` [B, Q] (None: all), [B, Q, V]."""
        return self.rest(self.embed(tokens), 0, at, hidden)

    def rest(self, residual: Tensor, layer: int, at: Tensor | None, hidden: Tensor | None = None) -> Tensor:
        """Logits from the residual stream that enters `layer`."""
        for block in self.blocks[layer:-1]:
            residual = block(residual, None, hidden)
        last = self.blocks[-1](residual, at, hidden) if layer < len(self.blocks) else gather(residual, at)
        return self.read_out(last)

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

    def suffix(self, cut: Cut, site: Site, at: Tensor | None = None, hidden: Tensor | None = None) -> Tensor:
        """Run from the site to the logits at `at`, [B, Q, V]; `cut` may hold replaced activations."""
        if site.part == "residual":
            return self.rest(cut.residual, site.layer + 1, at, hidden)
        block, heads, inside = self.blocks[site.layer], cut.heads, self._queried(site, at)
        if site.part == "pattern":
            mixed = heads["pattern"] @ heads["value"]
        else:
            mixed = block.mix(heads["query"], heads["key"], heads["value"], inside, hidden)
        residual = block.finish(gather(cut.residual, inside), mixed)
        return self.rest(residual, site.layer + 1, None if inside is not None else at, hidden)

    def _queried(self, site: Site, at: Tensor | None) -> Tensor | None:
        """The positions whose queries matter at the site: below the last layer all do."""
        return at if site.layer == len(self.blocks) - 1 else None


def gather(stream: Tensor, at: Tensor | None) -> Tensor:
    """The rows of `stream` [B, T, D] at the positions `at` [B, Q]; None keeps all."""
    if at is None:
        return stream
    return stream.gather(1, at[..., None].expand(-1, -1, stream.shape[-1]))


def _unseen(key: Tensor, at: Tensor | None, hidden: Tensor | None) -> Tensor:
    """Which keys no query may attend to: later ones, and hidden ones; [T, T], or [B, 1, Q, T]."""
    positions = torch.arange(key.shape[2], device=key.device)
    own = (positions if at is None else at)[..., None]  # [T, 1], or [B, Q, 1]
    unseen = positions > own
    if hidden is not None:
        unseen = unseen | hidden[:, None]
    return unseen if unseen.ndim == 2 else unseen[:, None]
