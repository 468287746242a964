"""Reading activations at a site as plain rows of vectors, without padding, and writing them back.

Shapes: B batch, T tokens, Q queried positions, H heads, C head width, D width, N rows.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from simplibench.models.network import Cut
from simplibench.models.site import Site

Rows = dict[str, Tensor]  # stream of the site -> [H, N, width]


def row_indices(site: Site, real: Tensor, queried: Tensor) -> dict[str, Tensor]:
    """Return the index of each stream's rows in the flattened batch, [N]: its real positions, or its queried ones."""
    return {name: queried if name in site.kind.follows_queries else real for name in site.kind.streams}


def read_rows(cut: Cut, indices: dict[str, Tensor], context: int) -> Rows:
    """Return each stream's rows at `indices`, [H, N, width]; patterns are padded with zeros to width `context`."""
    rows = {}
    for name, index in indices.items():
        stream = _by_head(cut, name).flatten(1, 2).index_select(1, index)  # [H, N, width]
        rows[name] = F.pad(stream, (0, context - stream.shape[-1])) if name == "pattern" else stream
    return rows


def write_rows(cut: Cut, indices: dict[str, Tensor], rows: Rows, visible: Tensor | None = None) -> Cut:
    """Return the cut with its rows replaced, zero at padding; rows of a pattern keep their first `visible` [N] weights."""
    streams = {}
    for name, index in indices.items():
        before = _by_head(cut, name)
        new = _causal(rows[name], visible, before.shape[-1]) if name == "pattern" else rows[name]
        flat = before.new_zeros(before.shape).flatten(1, 2)
        by_head = flat.index_copy_(1, index, new).view(before.shape)
        streams[name] = by_head.transpose(0, 1) if cut.site.kind.by_head else by_head[0]
    return cut.replaced(streams)


def _causal(rows: Tensor, visible: Tensor | None, width: int) -> Tensor:
    """Return the rows without weights on positions after the query's own: no proxy may look ahead."""
    rows = rows[..., :width]
    if visible is None:
        return rows
    return rows.masked_fill(torch.arange(width, device=rows.device) >= visible[:, None], 0.0)


def _by_head(cut: Cut, name: str) -> Tensor:
    """Return a stream as [H, B, positions, width]; one without heads counts as one head."""
    stream = cut.streams[name]
    return stream.transpose(0, 1) if cut.site.kind.by_head else stream[None]
