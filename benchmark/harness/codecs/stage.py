"""A reference opened at an arena's site: read its rows, put others in, run on to the predictions.

Shapes: H heads, N rows, V vocabulary.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from simplibench.harness.batches import Batch
from simplibench.models import Cut, Layer, Network, Part, Rows, Site, places, put, read
from simplibench.tasks import Component


@dataclass(frozen=True)
class Stage:
    """One component of one reference, seen as vectors or as attention patterns."""

    model: Network
    arena: Component
    part: Part

    @property
    def site(self) -> Site:
        """Where activations are replaced."""
        return Site(self.arena.layer, self.part)

    @property
    def row_width(self) -> int:
        """The length of a row."""
        shape = self.model.shape
        return {"query+key": shape.head_width, "pattern": shape.context, "residual": shape.width}[self.part]

    def prefix(self, batch: Batch) -> Cut:
        """Run up to the site."""
        return self.model.prefix(batch.tokens, self.site, batch.at)

    def rows(self, cut: Cut, batch: Batch) -> Rows:
        """The real activations, [H, N, width] a stream."""
        return read(cut, self._places(batch), self.model.shape.context)

    def replaced(self, cut: Cut, batch: Batch, rows: Rows) -> Cut:
        """The cut with other rows in place of its own."""
        return put(cut, self._places(batch), rows, self.visible(batch))

    def visible(self, batch: Batch) -> Tensor | None:
        """How many positions each pattern row may attend to, [N]; None where rows are no patterns."""
        if self.part != "pattern":
            return None
        queried = self._queried(batch)
        positions = torch.arange(queried.shape[1], device=queried.device).expand_as(queried)
        if batch.at is not None and self._narrow(batch):
            positions = batch.at
        return positions[queried] + 1

    def opened(self, cut: Cut, batch: Batch) -> Cut:
        """A cut made at queries and keys, brought to where this stage reads its rows."""
        return self._with_pattern(cut, batch) if self.part == "pattern" else cut

    def attend(self, cut: Cut, batch: Batch) -> Cut:
        """Make the pattern where only asked rows are needed; where all are, fused attention does without it."""
        return self._with_pattern(cut, batch) if self.part == "query+key" and self._narrow(batch) else cut

    def logits(self, cut: Cut, batch: Batch) -> Tensor:
        """From a cut to the logits of the batch's cases, [case, V]."""
        site = self.site if "pattern" not in cut.heads else Site(self.arena.layer, "pattern")
        return self.model.suffix(cut, site, batch.at)[batch.asked]

    def patterns(self, cut: Cut, batch: Batch, asked: slice) -> Tensor:
        """Attention of some asked positions, [B, H, Q, T]; T ends where none of them sees further."""
        at = batch.at if batch.at is None else batch.at[:, asked]
        reach = asked.stop if at is None else int(at.max()) + 1
        if "pattern" in cut.heads:
            whole = cut.heads["pattern"]
            own = whole[:, :, asked] if at is None or self._narrow(batch) else gather_heads(whole, at)
            return own[..., :reach]
        query, key = cut.heads["query"], cut.heads["key"][:, :, :reach]
        query = query[:, :, asked] if at is None else gather_heads(query, at)
        positions = torch.arange(asked.start, reach, device=key.device)[None] if at is None else at
        return self._block.attention_pattern(query, key, positions)

    def _with_pattern(self, cut: Cut, batch: Batch) -> Cut:
        at = batch.at if self._narrow(batch) else None
        pattern = self._block.attention_pattern(cut.heads["query"], cut.heads["key"], at)
        return Cut(cut.residual, {"pattern": pattern, "value": cut.heads["value"]})

    @property
    def _block(self) -> Layer:
        return self.model.blocks[self.arena.layer]

    def _narrow(self, batch: Batch) -> bool:
        """Whether only asked positions have queries: in the last layer no other is used."""
        return batch.at is not None and self.arena.layer == self.model.shape.layers - 1

    def _queried(self, batch: Batch) -> Tensor:
        return batch.asked if self._narrow(batch) else batch.real

    def _places(self, batch: Batch) -> dict[str, Tensor]:
        queried = batch.asked_index if self._narrow(batch) else batch.real_index
        return places(self.part, batch.real_index, queried)


def gather_heads(rows: Tensor, at: Tensor) -> Tensor:
    """The rows of every head [B, H, T, n] at the positions `at` [B, Q], [B, H, Q, n]."""
    return rows.gather(2, at[:, None, :, None].expand(-1, rows.shape[1], -1, rows.shape[-1]))


def ceiling_bits(arena: Component, model: Network) -> int:
    """Identity's rate, bits a token: all vectors of the component in float32."""
    shape = model.shape
    return 32 * (2 * shape.heads * shape.head_width if arena.component == "attention" else shape.width)
