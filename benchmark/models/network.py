"""A decoder-only network that runs whole, or as a prefix up to a site and a suffix from it.

Architectures add their layers, embedding and read-out (transformer.py, minimal.py). Shapes: B batch,
T tokens, Q queried positions, H heads, C head width, D width, V vocabulary.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from simplibench.models.site import Part, Site
from simplibench.tasks import Architecture

OUT_OF_REACH = 1e9  # what the scores of a masked key are lowered by, before scaling: exp of it is 0 exactly


@dataclass(frozen=True)
class Cut:
    """The activations that cross the network at `site`; the suffix runs from them.

    `residual` passes beside the site. At `query+key` and `pattern` it is the stream that enters the layer [B, T, D]; at
    `mlp`, the stream that the MLP's output is added to [B, Q, D]; at `residual`, the site itself: the stream that leaves
    the layer [B, T, D].
    `streams` are read and replaced, or needed to go on. At `query+key`: query [B, H, Q, C], key and value [B, H, T, C]; at
    `pattern`: pattern [B, H, Q, T] and value; at `mlp`: mlp_input and mlp [B, Q, D]; at `residual`: residual [B, T, D].
    In the last layer only queried positions count, so Q are those asked for; below it, Q = T.
    """

    site: Site
    residual: Tensor
    streams: Mapping[str, Tensor]

    def repeated(self, case: int, times: int) -> "Cut":
        """Return a cut that holds one case of the batch `times` times, without a copy."""
        streams = {
            name: stream[case : case + 1].expand(times, *stream.shape[1:]) for name, stream in self.streams.items()
        }
        return Cut(self.site, self.residual[case : case + 1].expand(times, *self.residual.shape[1:]), streams)

    def replaced(self, streams: Mapping[str, Tensor]) -> "Cut":
        """Return the cut with some streams replaced."""
        return Cut(self.site, self.residual, {**self.streams, **streams})


class Layer(nn.Module, ABC):
    """A layer: causal self-attention, then an MLP if the architecture has one; both read and write a residual stream."""

    parts: ClassVar[frozenset[Part]]  # where it can be cut
    heads: int
    query: nn.Linear
    key: nn.Linear
    value: nn.Linear

    @abstractmethod
    def attention_input(self, residual: Tensor) -> Tensor:
        """Return what queries, keys and values are computed from, [B, T, D]."""

    @abstractmethod
    def add_attention(self, residual: Tensor, attended: Tensor) -> Tensor:
        """Return the stream after attention, from the stream that entered [B, Q, D] and averaged values [B, H, Q, C]."""

    @abstractmethod
    def mlp_input(self, residual: Tensor) -> Tensor:
        """Return the MLP's input, from the stream between attention and MLP; both [B, Q, D]."""

    @abstractmethod
    def mlp_output(self, read: Tensor) -> Tensor:
        """Return the MLP's output for its input `read`; both [B, Q, D]."""

    @abstractmethod
    def add_mlp(self, residual: Tensor, written: Tensor) -> Tensor:
        """Return the stream that leaves the layer, from the one before the MLP and the MLP's output; all [B, Q, D]."""

    def after_attention(self, residual: Tensor, attended: Tensor) -> Tensor:
        """Return the stream that leaves the layer, from the one that entered [B, Q, D] and averaged values [B, H, Q, C]."""
        between = self.add_attention(residual, attended)
        return self.add_mlp(between, self.mlp_output(self.mlp_input(between)))

    def qkv(self, residual: Tensor, at: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """Return queries [B, H, Q, C] at the positions `at` [B, Q] (None: all), keys and values [B, H, T, C]."""
        read = self.attention_input(residual)
        return self._split(self.query(gather(read, at))), self._split(self.key(read)), self._split(self.value(read))

    def _split(self, joined: Tensor) -> Tensor:
        by_head: Tensor = joined.unflatten(-1, (self.heads, -1)).transpose(1, 2)  # [B, T, H * C] -> [B, H, T, C]
        return by_head

    def attention_pattern(self, query: Tensor, key: Tensor, at: Tensor | None, masked: Tensor | None = None) -> Tensor:
        """Return the softmax over positions up to the query's own that are not `masked` [B, T], [B, H, Q, T]."""
        scores: Tensor = (query * key.shape[-1] ** -0.5) @ key.transpose(-1, -2)
        return scores.masked_fill_(_unseen(key, at, masked), -torch.inf).softmax(-1)

    def attend(
        self, query: Tensor, key: Tensor, value: Tensor, at: Tensor | None, masked: Tensor | None = None
    ) -> Tensor:
        """Return values averaged by attention, [B, H, Q, C]; fused, without a pattern, if `at` is None: all positions."""
        if at is not None:
            return self.attention_pattern(query, key, at, masked) @ value
        scale = key.shape[-1] ** -0.5
        if masked is not None:  # twice as fast as a mask: one more dimension, in which a masked key is out of reach
            reach = masked.to(key.dtype)[:, None, :, None] * -OUT_OF_REACH
            query, key = F.pad(query, (0, 1), value=1.0), torch.cat([key, reach.expand(*key.shape[:-1], 1)], dim=-1)
        if query.dtype == torch.bfloat16 and query.device.type == "cpu":  # its gradient is faster in float32 there
            query, key, value = query.float(), key.float(), value.float()
        with torch.autocast("cpu", enabled=False):
            return F.scaled_dot_product_attention(query, key, value, is_causal=True, scale=scale)

    def forward(self, residual: Tensor, at: Tensor | None, masked: Tensor | None = None) -> Tensor:
        """Run the layer on the stream [B, T, D], at the positions `at` only: [B, Q, D]."""
        return self.after_attention(gather(residual, at), self.attend(*self.qkv(residual, at), at, masked))


class Network(nn.Module, ABC):
    """A reference network. Inputs are right-padded: causality keeps padding from reaching any real position.

    `masked` [B, T] hides tokens: their keys are removed from attention at every layer. Position 0 must stay visible, so
    that every query keeps something to attend to.
    """

    shape: Architecture
    blocks: Sequence[Layer]

    @property
    def device(self) -> str:
        """Return the device of the weights, as torch names it."""
        return str(next(self.parameters()).device)

    @abstractmethod
    def embed(self, tokens: Tensor) -> Tensor:
        """Return the residual stream that enters layer 0, [B, T] -> [B, T, D]."""

    @abstractmethod
    def read_out(self, residual: Tensor) -> Tensor:
        """Return logits from the stream that leaves the last layer, [B, Q, D] -> [B, Q, V]."""

    def forward(self, tokens: Tensor, at: Tensor | None = None, masked: Tensor | None = None) -> Tensor:
        """Return logits of the next token after the positions `at` [B, Q] (None: all), [B, T] -> [B, Q, V]."""
        return self.forward_from(self.embed(tokens), 0, at, masked)

    def forward_from(self, residual: Tensor, layer: int, at: Tensor | None, masked: Tensor | None = None) -> Tensor:
        """Return logits [B, Q, V] from the residual stream [B, T, D] that enters `layer`."""
        for block in self.blocks[layer:-1]:
            residual = block(residual, None, masked)
        last = self.blocks[-1](residual, at, masked) if layer < len(self.blocks) else gather(residual, at)
        return self.read_out(last)

    def prefix(self, tokens: Tensor, site: Site, at: Tensor | None = None) -> Cut:
        """Run `tokens` [B, T] up to the site; `at` [B, Q] are the positions whose logits will be asked of the suffix.

        Raises: ValueError for a site that the network does not have.
        """
        self._require(site)
        residual = self.embed(tokens)
        for block in self.blocks[: site.layer + (site.part == "residual")]:
            residual = block(residual, None)
        if site.part == "residual":
            return Cut(site, residual, {"residual": residual})
        block, queried = self.blocks[site.layer], self.queried(site, at)
        query, key, value = block.qkv(residual, queried)
        if site.part == "query+key":
            return Cut(site, residual, {"query": query, "key": key, "value": value})
        if site.part == "pattern":
            return Cut(site, residual, {"pattern": block.attention_pattern(query, key, queried), "value": value})
        between = block.add_attention(gather(residual, queried), block.attend(query, key, value, queried))
        read = block.mlp_input(between)
        return Cut(site, between, {"mlp_input": read, "mlp": block.mlp_output(read)})

    def suffix(self, cut: Cut, at: Tensor | None = None, masked: Tensor | None = None) -> Tensor:
        """Run from the cut's site to the logits at `at`, [B, Q, V]; `cut` may hold replaced activations."""
        site, streams = cut.site, cut.streams
        if site.part == "residual":
            return self.forward_from(streams["residual"], site.layer + 1, at, masked)
        block, queried = self.blocks[site.layer], self.queried(site, at)
        if site.part == "mlp":
            residual = block.add_mlp(cut.residual, streams["mlp"])
        elif site.part == "pattern":
            residual = block.after_attention(gather(cut.residual, queried), streams["pattern"] @ streams["value"])
        else:
            attended = block.attend(streams["query"], streams["key"], streams["value"], queried, masked)
            residual = block.after_attention(gather(cut.residual, queried), attended)
        return self.forward_from(residual, site.layer + 1, None if queried is not None else at, masked)

    def with_pattern(self, cut: Cut, at: Tensor | None = None) -> Cut:
        """Return the cut at the pattern that a cut at queries and keys leads to."""
        site, streams = Site(cut.site.layer, "pattern"), cut.streams
        pattern = self.blocks[site.layer].attention_pattern(streams["query"], streams["key"], self.queried(site, at))
        return Cut(site, cut.residual, {"pattern": pattern, "value": streams["value"]})

    def queried(self, site: Site, at: Tensor | None) -> Tensor | None:
        """Return the positions whose queries matter at the site, [B, Q]; None: all, as below the last layer."""
        return at if site.layer == len(self.blocks) - 1 and site.part != "residual" else None

    def _require(self, site: Site) -> None:
        if not 0 <= site.layer < len(self.blocks):
            raise ValueError(f"the network has layers 0 to {len(self.blocks) - 1}, got {site.layer}")
        if site.part not in self.blocks[site.layer].parts:
            raise ValueError(
                f"its layers can be cut at {', '.join(sorted(self.blocks[site.layer].parts))}, not {site.part}"
            )


def gather(stream: Tensor, at: Tensor | None) -> Tensor:
    """Return the rows of `stream` [B, T, D] at the positions `at` [B, Q]; None keeps all."""
    if at is None:
        return stream
    return stream.gather(1, at[..., None].expand(-1, -1, stream.shape[-1]))


def _unseen(key: Tensor, at: Tensor | None, masked: Tensor | None) -> Tensor:
    """Return where a query may not attend: to later keys and to masked ones; [T, T], or [B, 1, Q, T]."""
    positions = torch.arange(key.shape[2], device=key.device)
    query_positions = (positions if at is None else at)[..., None]  # [T, 1], or [B, Q, 1]
    unseen = positions > query_positions
    if masked is not None:
        unseen = unseen | masked[:, None]
    return unseen if unseen.ndim == 2 else unseen[:, None]
