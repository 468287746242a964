"""Activations at a site as plain rows of vectors, and back: what a codec sees, with padding left out.

Shapes: B batch, T tokens, Q queried positions, H heads, C head width, D width, N rows.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from simplibench.models.network import Cut, Part

Rows = dict[str, Tensor]  # "query", "key", "pattern" or "residual" -> [H, N, width]
STREAMS: dict[Part, tuple[str, ...]] = {
    "query+key": ("query", "key"),
    "pattern": ("pattern",),
    "residual": ("residual",),
}


def places(part: Part, real: Tensor, queried: Tensor) -> dict[str, Tensor]:
    """Where activations are, counted through the batch [N]: real positions for keys and residuals, else the queried."""
    return {name: real if name in ("key", "residual") else queried for name in STREAMS[part]}


def read(cut: Cut, places: dict[str, Tensor], context: int) -> Rows:
    """The rows of every head. Patterns are widened with zeros to `context`, so that all rows are alike."""
    rows = {}
    for name, index in places.items():
        own = _by_head(cut, name).flatten(1, 2).index_select(1, index)  # [H, N, width]
        rows[name] = F.pad(own, (0, context - own.shape[-1])) if name == "pattern" else own
    return rows


def put(cut: Cut, places: dict[str, Tensor], rows: Rows, visible: Tensor | None = None) -> Cut:
    """The cut with its rows replaced, zero at padding. Of a pattern only the `visible` [N] first positions are taken."""
    changed = {}
    for name, index in places.items():
        before = _by_head(cut, name)
        own = _causal(rows[name], visible, before.shape[-1]) if name == "pattern" else rows[name]
        flat = before.new_zeros(before.shape).flatten(1, 2)
        changed[name] = flat.index_copy_(1, index, own).view(before.shape)
    if "residual" in changed:
        return Cut(changed["residual"][0], cut.heads)
    return Cut(cut.residual, {**cut.heads, **{name: by_head.transpose(0, 1) for name, by_head in changed.items()}})


def _causal(rows: Tensor, visible: Tensor | None, width: int) -> Tensor:
    """No proxy may look ahead: weights on positions after the query's own are dropped."""
    rows = rows[..., :width]
    if visible is None:
        return rows
    return rows.masked_fill(torch.arange(width, device=rows.device) >= visible[:, None], 0.0)


def _by_head(cut: Cut, name: str) -> Tensor:
    """[H, B, positions, width]; the residual stream counts as one head."""
    return cut.residual[None] if name == "residual" else cut.heads[name].transpose(0, 1)
