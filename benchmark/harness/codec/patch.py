"""Activation patching of a reference: read the rows at a site, replace them, run on to the predictions.

Shapes: B sequences, H heads, Q asked positions, T positions, N rows, V vocabulary.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from simplibench.models import Cut, Network, Rows, Site, read_rows, row_indices, write_rows
from simplibench.models.batches import Batch


@dataclass(frozen=True)
class SitePatch:
    """One site of one reference, whose rows a proxy replaces."""

    model: Network
    site: Site

    def prefix(self, batch: Batch) -> Cut:
        """Run the batch up to the site."""
        return self.model.prefix(batch.tokens, self.site, batch.at)

    def opened(self, cut: Cut, batch: Batch) -> Cut:
        """Return the cut at this site; if that is the pattern, a cut at queries and keys is brought there."""
        return cut if cut.site == self.site else self.model.with_pattern(cut, batch.at)

    def rows(self, cut: Cut, batch: Batch) -> Rows:
        """Return the activations without padding, [H, N, width] per stream."""
        return read_rows(cut, self._indices(batch), self.model.shape.context)

    def patched(self, cut: Cut, batch: Batch, rows: Rows) -> Cut:
        """Return the cut with its rows replaced by `rows`, [H, N, width] per stream."""
        return write_rows(cut, self._indices(batch), rows, self.visible(batch))

    def visible(self, batch: Batch) -> Tensor | None:
        """Return how many positions each row of a pattern may attend to, [N]; None if the rows are not of patterns."""
        if self.site.part != "pattern":
            return None
        queried = self._queried(batch)
        positions = self.model.queried(self.site, batch.at)
        if positions is None:
            positions = torch.arange(queried.shape[1], device=queried.device).expand_as(queried)
        return positions[queried] + 1

    def attended(self, cut: Cut, batch: Batch) -> Cut:
        """Return the cut with its pattern computed, if only asked rows are needed; else fused attention is faster."""
        wanted = cut.site.part == "query+key" and self.model.queried(cut.site, batch.at) is not None
        return self.model.with_pattern(cut, batch.at) if wanted else cut

    def logits(self, cut: Cut, batch: Batch) -> Tensor:
        """Run from a cut to the logits of the batch's cases, [case, V]."""
        return self.model.suffix(cut, batch.at)[batch.asked]

    def patterns(self, cut: Cut, batch: Batch, asked: slice) -> Tensor:
        """Return the attention at the asked positions of a slice, [B, H, Q, T]; T ends at the last position they can see."""
        at = batch.at if batch.at is None else batch.at[:, asked]
        reach = asked.stop if at is None else int(at.max()) + 1
        if cut.site.part == "pattern":
            whole = cut.streams["pattern"]
            if at is not None and self.model.queried(self.site, at) is None:
                return gather_heads(whole, at)[..., :reach]
            return whole[:, :, asked, :reach]
        query, key = cut.streams["query"], cut.streams["key"][:, :, :reach]
        query = query[:, :, asked] if at is None else gather_heads(query, at)
        positions = torch.arange(asked.start, reach, device=key.device)[None] if at is None else at
        return self.model.blocks[self.site.layer].attention_pattern(query, key, positions)

    def _queried(self, batch: Batch) -> Tensor:
        return batch.real if self.model.queried(self.site, batch.at) is None else batch.asked

    def _indices(self, batch: Batch) -> dict[str, Tensor]:
        narrow = self.model.queried(self.site, batch.at) is not None
        return row_indices(self.site, batch.real_index, batch.asked_index if narrow else batch.real_index)


def gather_heads(rows: Tensor, at: Tensor) -> Tensor:
    """Return the rows [B, H, T, n] at the positions `at` [B, Q], as [B, H, Q, n]."""
    return rows.gather(2, at[:, None, :, None].expand(-1, rows.shape[1], -1, rows.shape[-1]))
