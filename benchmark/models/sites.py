"""Activations at a site as plain rows of vectors, and back: what a codec sees, with padding left out.

Shapes: B batch, T tokens, Q queried positions, H heads, C head width, D width, N rows.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from simplibench.models.network import Cut
from simplibench.models.site import Site

Rows = dict[str, Tensor]  # stream of the site -> [H, N, width]


def row_indices(site: Site, real: Tensor, queried: Tensor) -> dict[str, Tensor]:
    """Return where each stream's rows are, counted through the batch [N]: real positions, or the queried ones."""
    return {name: queried if name in site.kind.follows_queries else real for name in site.kind.streams}


def read_rows(cut: Cut, indices: dict[str, Tensor], context: int) -> Rows:
    """Return the rows of every head. Patterns are widened with zeros to `context`, so that all rows are alike."""
    rows = {}
    for name, index in indices.items():
        stream = _by_head(cut, name).flatten(1, 2).index_select(1, index)  # [H, N, width]
        rows[name] = F.pad(stream, (0, context - stream.shape[-1])) if name == "pattern" else stream
    return rows


def write_rows(cut: Cut, indices: dict[str, Tensor], rows: Rows, visible: Tensor | None = None) -> Cut:
    """Return the cut with its rows replaced, zero at padding. Of a pattern the `visible` [N] first positions are taken."""
    streams = {}
    for name, index in indices.items():
        before = _by_head(cut, name)
        new = _causal(rows[name], visible, before.shape[-1]) if name == "pattern" else rows[name]
        flat = before.new_zeros(before.shape).flatten(1, 2)
        by_head = flat.index_copy_(1, index, new).view(before.shape)
        streams[name] = by_head.transpose(0, 1) if cut.site.kind.by_head else by_head[0]
    return cut.replaced(streams)


def _causal(rows: Tensor, visible: Tensor | None, width: int) -> Tensor:
    """No proxy may look ahead: weights on positions after the query's own are dropped."""
    rows = rows[..., :width]
    if visible is None:
        return rows
    return rows.masked_fill(torch.arange(width, device=rows.device) >= visible[:, None], 0.0)


def _by_head(cut: Cut, name: str) -> Tensor:
    """[H, B, positions, width]; a stream that has no heads counts as one."""
    stream = cut.streams[name]
    return stream.transpose(0, 1) if cut.site.kind.by_head else stream[None]
