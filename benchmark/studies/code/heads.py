"""Induction, the cost of ablation, and the gap of a proxy, head by head.

Shapes: B sequences, T positions, H heads, N rows.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import fmean

import numpy as np
import torch

from simplibench.arrays import Bools
from simplibench.guest import HostedCodec, InProcess
from simplibench.harness.codec.context import ReferenceRun, SplitContext
from simplibench.harness.codec.measure import CodecPatch, fit
from simplibench.harness.codec.proxy import CachedBatch, Simplify, run_proxy
from simplibench.models import Network, Rows, Site
from simplibench.models.batches import Batch
from simplibench.registry import find_method
from simplibench.scoring.correlation import spearman_interval
from simplibench.scoring.inference import Interval
from simplibench.tasks.code import Kind
from simplibench.tasks.code_python import FIRST_CHARACTER, START, VOCABULARY

PROXY = "SVD(rank=4)"  # of one head; an eighth of its width
REPEATS, REPEATED_LENGTH = 32, 64  # random sequences, each written twice; no character occurs twice in one
PAIRS = (
    ("induction", "gap"),
    ("induction", "gap_on_repeated"),
    ("induction", "ablation_on_repeated"),
    ("ablation_on_repeated", "gap"),
)


@dataclass(frozen=True)
class HeadRow:
    """The measures of one head of one reference. Effects and gaps are differences of shares."""

    seed: int
    layer: int
    head: int
    induction: float  # attention to the token after the previous occurrence, on repeated random sequences
    ablation_on_repeated: float  # accuracy on repeated identifiers of `id` that is lost when its values are the mean
    ablation_on_new: float  # likewise on identifiers seen first
    id_agreement: float  # of the model whose only change is this head's proxy
    ood_agreement: float  # likewise, mean over OOD splits
    gap: float
    gap_on_repeated: float  # on repeated identifiers


@dataclass(frozen=True)
class CorrelationRow:
    """Spearman's rho between two columns of the heads."""

    first: str
    second: str
    heads: str  # those of one seed, or all
    count: int
    rho: Interval | None  # None if the second column is constant, or a value is unknown


def run_heads(run: ReferenceRun, seed: int) -> Iterator[HeadRow]:
    """Yield the row of every head of the run's layer."""
    model, layer = run.patch.model, run.arena.layer
    scores = induction_scores(model, layer)
    here = InProcess(find_method("svd"), "cpu")
    index, entry = next((i, e) for i, e in enumerate(here.manifest().entries) if e.label == PROXY)
    codec = HostedCodec(here, here, entry, index)  # type: ignore[arg-type]
    states = fit(run, codec, seed, {}).states
    for head in range(model.shape.heads):
        proxy = OneHead(CodecPatch(run.patch, codec, states[head : head + 1]), head)
        shares = {name: _shares(part, _agree(run, part, proxy)) for name, part in run.splits.items()}
        outside = [share for name, share in shares.items() if run.task.roles[name] == "ood"]
        id_all, id_repeated = shares["id"]
        ood_all, ood_repeated = (fmean(values) for values in zip(*outside, strict=True))
        lost = _ablated(run, run.splits["id"], head)
        yield HeadRow(
            seed=seed,
            layer=layer,
            head=head,
            induction=scores[head],
            ablation_on_repeated=lost[Kind.REPEATED],
            ablation_on_new=lost[Kind.FIRST],
            id_agreement=id_all,
            ood_agreement=ood_all,
            gap=id_all - ood_all,
            gap_on_repeated=id_repeated - ood_repeated,
        )


class OneHead:
    """A proxy of one head; the other heads stay as they are."""

    def __init__(self, simplify: Simplify, head: int) -> None:
        self.simplify, self.head = simplify, head

    def __call__(self, rows: Rows, batch: Batch) -> Rows:
        """Return rows [H, N, width] of every stream, with those of the head simplified."""
        alone = {name: stream[self.head : self.head + 1] for name, stream in rows.items()}
        changed = {name: stream.clone() for name, stream in rows.items()}
        for name, stream in self.simplify(alone, batch).items():
            changed[name][self.head] = stream[0]
        return changed


def induction_scores(model: Network, layer: int) -> list[float]:
    """Return per head the mean attention from a token's second occurrence to the token after its first, [H]."""
    rng = np.random.default_rng(0)
    alphabet = np.tile(np.arange(FIRST_CHARACTER, VOCABULARY), (REPEATS, 1))
    tokens = rng.permuted(alphabet, axis=1)[:, :REPEATED_LENGTH]
    twice = torch.from_numpy(np.concatenate([np.full((REPEATS, 1), START), tokens, tokens], axis=1))
    pattern = model.prefix(twice, Site(layer, "pattern")).streams["pattern"]  # [B, H, T, T]
    first = torch.arange(
        1, REPEATED_LENGTH
    )  # but the last: what follows its first occurrence is the second copy's start
    scores: list[float] = pattern[:, :, first + REPEATED_LENGTH, first + 1].mean((0, 2)).tolist()
    return scores


def correlation_rows(rows: list[HeadRow]) -> Iterator[CorrelationRow]:
    """Yield correlations over all heads, and over those of each seed."""
    pools = {"all": rows} | {
        f"seed {seed}": [row for row in rows if row.seed == seed] for seed in sorted({r.seed for r in rows})
    }
    for first, second in PAIRS:
        for name, pool in pools.items():
            a, b = (np.array([getattr(row, column) for row in pool]) for column in (first, second))
            known = bool(np.isfinite(a).all() and np.isfinite(b).all()) and np.ptp(b) > 0
            yield CorrelationRow(first, second, name, len(pool), spearman_interval(a, b) if known else None)


def _agree(run: ReferenceRun, part: SplitContext, proxy: "OneHead") -> Bools:
    return run_proxy(run.patch, part.split, part.cached_batches, proxy, run.task.candidates, patterns=False).agree


def _shares(part: SplitContext, agree: Bools) -> tuple[float, float]:
    """Return the share of cases that agree, and that of those on repeated identifiers; NaN if there are none."""
    repeated = agree[part.split.cases.strata["kind"] == Kind.REPEATED]
    return float(agree.mean()), float(repeated.mean()) if len(repeated) else math.nan


def _ablated(run: ReferenceRun, part: SplitContext, head: int) -> dict[Kind, float]:
    """Return the accuracy lost by kind if every value of the head is the mean of all, so that attention has no effect."""
    values = torch.cat([cached.cut.streams["value"][:, head][cached.batch.real] for cached in part.cached_batches])
    cached_batches = [_without(cached, head, values.mean(0)) for cached in part.cached_batches]
    outcome = run_proxy(
        run.patch, part.split, cached_batches, lambda rows, _: rows, run.task.candidates, patterns=False
    )
    kinds = part.split.cases.strata["kind"]
    lost = part.reference_right.astype(float) - outcome.right
    by_kind = {kind: lost[kinds == kind] for kind in (Kind.FIRST, Kind.REPEATED)}
    return {kind: float(losses.mean()) if len(losses) else math.nan for kind, losses in by_kind.items()}


def _without(cached: CachedBatch, head: int, mean: torch.Tensor) -> CachedBatch:
    value = cached.cut.streams["value"].clone()
    value[:, head] = mean
    return replace(cached, cut=cached.cut.replaced({"value": value}))
