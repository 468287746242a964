"""The contract of codecs tried on a few real rows: what `validate` and the pytest plugin do before a run."""

from functools import cached_property
from typing import get_args

import torch
from torch import Tensor

from simplibench.guest import MethodRunner, Problem, check_codec
from simplibench.harness.codec.context import fit_rows
from simplibench.harness.codec.patch import SitePatch
from simplibench.methods import CodecEntry, CodecPart
from simplibench.models import VIEWS, Site, load_reference
from simplibench.models.batches import limited, whole_batches
from simplibench.registry import default_task
from simplibench.tasks import Component, Task, load_split

SENTENCES, ROWS = 40, 1_200


class CodecTrial:
    """Rows of the default task, made when the first codec is tried."""

    @cached_property
    def rows(self) -> dict[CodecPart, dict[str, Tensor]]:
        """Return a few rows [n, d] by arena, for each way in which a codec may see them."""
        return tiny_rows(default_task())

    def problems(self, encoder: MethodRunner, decoder: MethodRunner, entry: CodecEntry, index: int) -> list[Problem]:
        """Try entry number `index`; every broken promise, each told once."""
        return check_codec(encoder, decoder, entry, index, self.rows)


def tiny_rows(task: Task) -> dict[CodecPart, dict[str, Tensor]]:
    """Return a few real rows of one arena of each component, seen in each way that a codec may ask for."""
    family = task.families[0]
    model = load_reference(task, family.seeds[0], family).model
    batches = whole_batches(limited(load_split(task, "fit"), SENTENCES).sequences, "cpu")
    rows: dict[CodecPart, dict[str, Tensor]] = {view: {} for view in get_args(CodecPart)}
    arenas = {arena.component: arena for arena in task.arenas_of(Component)}
    for (component, view), part in VIEWS.items():
        if component in arenas:
            arena = arenas[component]
            patch = SitePatch(model, Site(arena.layer, part))
            head = fit_rows(patch, [(batch, patch.prefix(batch)) for batch in batches])[0]
            rows[view][arena.name] = head[torch.linspace(0, len(head) - 1, ROWS).long()]
    return rows
