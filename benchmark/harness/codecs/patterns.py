"""Attention patterns of the reference and of a proxy, compared piece by piece.

Shapes: B sequences, H heads, Q asked positions, T positions.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from simplibench.harness.batches import Batch
from simplibench.harness.codecs.stage import Stage
from simplibench.models import Cut
from simplibench.scoring.divergence import jensen_shannon_bits

PIECE = 2**18  # attention weights looked at together: one MiB stays in a processor's cache, a whole batch's do not


def compare_patterns(stage: Stage, reference: Cut, proxy: Cut, batch: Batch) -> tuple[Tensor, Tensor]:
    """Of each case: divergence in bits, mean over heads; share of heads that agree on the most attended position."""
    divergences, agreements = [], []
    for asked in _pieces(batch, stage.model.shape.heads):
        p, q = stage.patterns(reference, batch, asked), stage.patterns(proxy, batch, asked)
        if stage.part == "pattern":
            q = _as_distributions(q)
        divergences.append(jensen_shannon_bits(p, q).mean(1))
        agreements.append((p.argmax(-1) == q.argmax(-1)).float().mean(1))
    return torch.cat(divergences, 1)[batch.asked], torch.cat(agreements, 1)[batch.asked]


def _pieces(batch: Batch, heads: int) -> Iterator[slice]:
    """Consecutive asked positions, so many that a piece's weights are few."""
    step = max(1, PIECE // (heads * batch.tokens.numel()))
    asked = batch.asked.shape[1]
    return (slice(start, min(start + step, asked)) for start in range(0, asked, step))


def _as_distributions(patterns: Tensor) -> Tensor:
    """A codec may return weights that are no distribution; the proxy runs on them, the divergence needs one."""
    positive = patterns.clamp(min=0)
    return positive / positive.sum(-1, keepdim=True).clamp(min=torch.finfo(patterns.dtype).tiny)
