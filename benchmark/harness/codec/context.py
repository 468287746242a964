"""The run of a reference that all entries share: its prefix, its predictions, and the arena's floor."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from simplibench.arrays import Bools
from simplibench.harness.codec.patch import SitePatch
from simplibench.harness.codec.proxy import CachedBatch, ProxyOutcome, run_proxy, run_reference
from simplibench.harness.unit import present
from simplibench.models import VIEWS, Cut, Reference, Rows, Site, ceiling_bits
from simplibench.models.batches import Batch, limited, scored_batches, whole_batches
from simplibench.tasks import Component, Split, Task, load_split


@dataclass(frozen=True)
class SplitContext:
    """One split, run up to the site, with the outcomes that every entry is compared with."""

    split: Split
    cached_batches: list[CachedBatch]
    reference_right: Bools  # [case]
    floor: ProxyOutcome
    whole: Split  # what rates and times are measured on; `split` may hold fewer sentences
    run_whole: Callable[[], list[tuple[Batch, Cut]]]

    @cached_property
    def metered(self) -> list[tuple[Batch, Cut]]:
        """Return all of `whole`, run up to the site; it is run when a rate first needs it."""
        return self.run_whole()


@dataclass(frozen=True)
class ReferenceRun:
    """All that the entries of an arena share on one reference."""

    task: Task
    arena: Component
    patch: SitePatch  # at the component's vectors
    fit_batches: list[tuple[Batch, Cut]]
    splits: dict[str, SplitContext]
    ceiling_bits: float


def prepare(
    task: Task, reference: Reference, arena: Component, device: str, limit: int | None, compared: int | None = None
) -> ReferenceRun:
    """Run the reference once over every split that is there, on at most `limit` sentences per split.

    Proxies run on the first `compared` of these. Fits, rates and times do not depend on `compared`.
    """
    patch = SitePatch(reference.model, Site(arena.layer, VIEWS[arena.component, "vectors"]))
    fit_split = limited(load_split(task, "fit"), limit)
    fit_batches = [
        (batch, patch.prefix(batch)) for batch in whole_batches(fit_split.sequences, device, task.batch_tokens)
    ]
    # Head by head and on the CPU, as a codec would compute it: then the constant baseline is the floor exactly.
    mean = torch.stack([head.mean(0) for head in fit_rows(patch, fit_batches).cpu()]).to(device)  # [H, width]
    splits = {
        name: _split_context(patch, limited(load_split(task, name), limit), compared, task, mean, device)
        for name in present(task)
    }
    return ReferenceRun(task, arena, patch, fit_batches, splits, ceiling_bits(arena.component, reference.model.shape))


def fit_rows(patch: SitePatch, batches: list[tuple[Batch, Cut]]) -> Tensor:
    """Return the rows that codecs are fitted on, [H, N, width]: those of the site's streams, one stream after the other."""
    streams: list[Rows] = [patch.rows(patch.opened(cut, batch), batch) for batch, cut in batches]
    return torch.cat([rows[name] for name in streams[0] for rows in streams], dim=1)


def _split_context(
    patch: SitePatch, whole: Split, compared: int | None, task: Task, mean: Tensor, device: str
) -> SplitContext:
    split = limited(whole, compared)
    batches = scored_batches(split, device, task.batch_tokens)
    cached_batches = [run_reference(patch, batch, task.candidates) for batch in batches]
    right = np.zeros(len(split.cases), dtype=bool)
    for cached in cached_batches:
        right[cached.batch.cases] = cached.predicted.cpu().numpy() == split.cases.target[cached.batch.cases]

    def constant(rows: Rows, batch: Batch) -> Rows:
        return {name: mean[:, None].expand_as(stream) for name, stream in rows.items()}

    floor = run_proxy(patch, split, cached_batches, constant, task.candidates, patterns=False)

    def run_whole() -> list[tuple[Batch, Cut]]:
        return [(batch, patch.prefix(batch)) for batch in scored_batches(whole, device, task.batch_tokens)]

    return SplitContext(split, cached_batches, right, floor, whole, run_whole)
