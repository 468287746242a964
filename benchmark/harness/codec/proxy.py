"""Runs of proxies on a split's batches, compared with the reference case by case.

Shapes: B sequences, H heads, Q asked positions, T positions, N rows, V vocabulary.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from simplibench.arrays import Bools, Floats
from simplibench.harness.codec.patch import SitePatch
from simplibench.models import Cut, Rows
from simplibench.models.batches import Batch, likeliest
from simplibench.scoring.divergence import entropy, jensen_shannon_bits
from simplibench.tasks import Split

Simplify = Callable[[Rows, Batch], Rows]  # a batch's rows -> the rows put in their place
ATTENTION = ("query+key", "pattern")  # parts whose patterns are compared
PIECE = 2**18  # attention weights compared together: one MiB stays in a processor's cache, a whole batch's do not


@dataclass(frozen=True)
class CachedBatch:
    """One batch, run up to the site, with the reference's predictions for its cases."""

    batch: Batch
    cut: Cut  # at queries and keys, or at the residual stream
    probabilities: Tensor  # [case, V]
    predicted: Tensor  # [case] the most likely candidate
    entropy: Tensor  # [case] of the probabilities


@dataclass(frozen=True)
class ProxyOutcome:
    """A proxy's results on a split's cases, each [case] in the split's order."""

    agree: Bools
    right: Bools
    divergence_bits: Floats
    pattern_divergence_bits: Floats | None  # mean over heads
    pattern_agree: Floats | None  # share of heads whose most attended position is the reference's


def run_reference(patch: SitePatch, batch: Batch, candidates: range) -> CachedBatch:
    """Run the reference on a batch through the path that proxies take, so that identity agrees to the last bit."""
    cut = patch.prefix(batch)
    attended = patch.attended(cut, batch)
    logits = patch.logits(attended, batch)
    probabilities = logits.softmax(-1)
    return CachedBatch(batch, cut, probabilities, likeliest(logits, candidates), entropy(probabilities))


def run_proxy(
    patch: SitePatch,
    split: Split,
    cached_batches: list[CachedBatch],
    simplify: Simplify,
    candidates: range,
    patterns: bool = True,
) -> ProxyOutcome:
    """Return the outcome of a split whose rows are simplified; without `patterns` only its predictions are compared."""
    outcomes = [_run_batch(patch, split, cached, simplify, candidates, patterns) for cached in cached_batches]
    order = np.argsort(np.concatenate([cached.batch.cases.numpy() for cached in cached_batches]))

    def joined(name: str) -> npt.NDArray[np.generic] | None:
        columns = [getattr(outcome, name) for outcome in outcomes]
        return None if columns[0] is None else np.concatenate(columns)[order]

    return ProxyOutcome(**{name: joined(name) for name in ProxyOutcome.__dataclass_fields__})  # type: ignore[arg-type]


def _run_batch(
    patch: SitePatch, split: Split, cached: CachedBatch, simplify: Simplify, candidates: range, patterns: bool
) -> ProxyOutcome:
    batch = cached.batch
    cut = patch.opened(cached.cut, batch)
    changed = patch.attended(patch.patched(cut, batch, simplify(patch.rows(cut, batch), batch)), batch)
    logits = patch.logits(changed, batch)
    predicted = likeliest(logits, candidates)
    compared = None
    if patterns and patch.site.part in ATTENTION:
        compared = compare_patterns(patch, patch.attended(cut, batch), changed, batch)
    return ProxyOutcome(
        agree=(predicted == cached.predicted).cpu().numpy(),
        right=predicted.cpu().numpy() == split.cases.target[batch.cases],
        divergence_bits=_numbers(jensen_shannon_bits(cached.probabilities, logits.softmax(-1), cached.entropy)),
        pattern_divergence_bits=None if compared is None else _numbers(compared[0]),
        pattern_agree=None if compared is None else _numbers(compared[1]),
    )


def _numbers(values: Tensor) -> Floats:
    return values.double().cpu().numpy()


def compare_patterns(patch: SitePatch, reference: Cut, proxy: Cut, batch: Batch) -> tuple[Tensor, Tensor]:
    """Return per case [case] the divergence of patterns in bits, mean over heads, and the share of heads that agree.

    A head agrees if its most attended position is the reference's.
    """
    divergences, agreements = [], []
    for asked in _pieces(batch, patch.model.shape.heads):
        p, q = patch.patterns(reference, batch, asked), patch.patterns(proxy, batch, asked)
        if patch.site.part == "pattern":
            q = _as_distributions(q)
        divergences.append(jensen_shannon_bits(p, q).mean(1))
        agreements.append((p.argmax(-1) == q.argmax(-1)).float().mean(1))
    return torch.cat(divergences, 1)[batch.asked], torch.cat(agreements, 1)[batch.asked]


def _pieces(batch: Batch, heads: int) -> Iterator[slice]:
    """Yield slices of the asked positions, each with about PIECE attention weights."""
    step = max(1, PIECE // (heads * batch.tokens.numel()))
    asked = batch.asked.shape[1]
    return (slice(start, min(start + step, asked)) for start in range(0, asked, step))


def _as_distributions(patterns: Tensor) -> Tensor:
    """Return patterns normalised to distributions, which the divergence needs; a codec may decode any weights."""
    positive = patterns.clamp(min=0)
    return positive / positive.sum(-1, keepdim=True).clamp(min=torch.finfo(patterns.dtype).tiny)
