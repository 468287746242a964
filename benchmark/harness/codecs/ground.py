"""What does not depend on the entry: the reference's prefix, its predictions, and the arena's floor."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from simplibench.harness.batches import Batch, limited, scored_batches, whole_batches
from simplibench.harness.codecs.play import Bools, Outcome, Scene, play, set_scene
from simplibench.harness.codecs.stage import Stage, ceiling_bits
from simplibench.harness.unit import present
from simplibench.models import Cut, Reference, Rows
from simplibench.tasks import Component, Split, Task, load_split


@dataclass(frozen=True)
class SplitGround:
    """One split, run up to the site, with the outcomes that every entry is held against."""

    split: Split
    scenes: list[Scene]
    reference_right: Bools  # [case]
    floor: Outcome
    whole: Split  # what a rate and a timing are of; more than `split` where fewer sentences are compared
    run_whole: Callable[[], list[tuple[Batch, Cut]]]

    @cached_property
    def metered(self) -> list[tuple[Batch, Cut]]:
        """All of `whole`, run up to the site once a rate asks for it."""
        return self.run_whole()


@dataclass(frozen=True)
class Ground:
    """Everything an arena and reference offer to all entries alike."""

    task: Task
    arena: Component
    stage: Stage  # seen as vectors
    fit_scenes: list[tuple[Batch, Cut]]
    splits: dict[str, SplitGround]
    ceiling_bits: float


def lay_ground(
    task: Task, reference: Reference, arena: Component, device: str, limit: int | None, compared: int | None = None
) -> Ground:
    """Run the reference once over every split that is there. `limit`: sentences a split, at most.

    `compared`: of these, how many proxies are run on; what is fitted, metered and timed stays as without.
    """
    stage = Stage(reference.model, arena, "query+key" if arena.component == "attention" else "residual")
    fit_split = limited(load_split(task, "fit"), limit)
    fit_scenes = [
        (batch, stage.prefix(batch)) for batch in whole_batches(fit_split.sequences, device, task.batch_tokens)
    ]
    # Head by head and on the CPU, as a codec would compute it: then the constant baseline is the floor exactly.
    mean = torch.stack([head.mean(0) for head in fit_rows(stage, fit_scenes).cpu()]).to(device)  # [H, width]
    splits = {
        name: _split_ground(stage, limited(load_split(task, name), limit), compared, task, mean, device)
        for name in present(task)
    }
    return Ground(task, arena, stage, fit_scenes, splits, ceiling_bits(arena, reference.model))


def fit_rows(stage: Stage, scenes: list[tuple[Batch, Cut]]) -> Tensor:
    """All that a codec is fitted on, [H, N, width]: queries and keys stacked, or patterns, or the residual stream."""
    streams: list[Rows] = [stage.rows(stage.opened(cut, batch), batch) for batch, cut in scenes]
    return torch.cat([rows[name] for name in streams[0] for rows in streams], dim=1)


def _split_ground(
    stage: Stage, whole: Split, compared: int | None, task: Task, mean: Tensor, device: str
) -> SplitGround:
    split = limited(whole, compared)
    batches = scored_batches(split, device, task.batch_tokens)
    scenes = [set_scene(stage, batch, task.candidates) for batch in batches]
    right = np.zeros(len(split.cases), dtype=bool)
    for scene in scenes:
        right[scene.batch.cases] = scene.predicted.cpu().numpy() == split.cases.target[scene.batch.cases]

    def constant(rows: Rows, batch: Batch) -> Rows:
        return {name: mean[:, None].expand_as(own) for name, own in rows.items()}

    floor = play(stage, split, scenes, constant, task.candidates, patterns=False)

    def run_whole() -> list[tuple[Batch, Cut]]:
        return [(batch, stage.prefix(batch)) for batch in scored_batches(whole, device, task.batch_tokens)]

    return SplitGround(split, scenes, right, floor, whole, run_whole)
