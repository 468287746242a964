"""`validate`: the contract, tried on tiny real activations."""

import torch
from torch import Tensor

from benchmark.errors import SimplibenchError
from benchmark.harness.batches import limited, whole_batches
from benchmark.harness.ground import fit_rows
from benchmark.harness.guest import Guest, Nursery
from benchmark.harness.runtime import resolve_device
from benchmark.harness.stage import Stage
from benchmark.methods import CodecPart, check
from benchmark.models import Part, load_reference
from benchmark.registry import all_tasks, find_method
from benchmark.tasks import Task, load_split

SENTENCES, ROWS = 40, 1_200


class ContractBroken(SimplibenchError):
    """A submission does not keep the contract; the text lists every problem."""


def validate(file: str, device: str, timeout: float) -> None:
    """Examine every entry in guests of their own. Raises ContractBroken with all problems."""
    path, device = find_method(file), resolve_device(device)
    with Nursery() as nursery:
        caller, stranger = Guest(nursery, path, device), Guest(nursery, path, device)
        manifest = caller.manifest()
        rows = tiny_rows(next(iter(all_tasks().values())))
        problems = []
        for index, _ in enumerate(manifest.entries):
            caller.seconds_left = stranger.seconds_left = timeout
            problems += check(caller, stranger, manifest, rows, index)
        caller.close()
        stranger.close()
    if problems:
        listed = "\n".join(f"  {number}. {problem}" for number, problem in enumerate(problems, start=1))
        raise ContractBroken(f"{path}: {len(problems)} problems:\n{listed}")
    print(f"{path}: {manifest.name} keeps the contract, {len(manifest.entries)} entries\nnext: simplibench run {file}")


def tiny_rows(task: Task) -> dict[CodecPart, dict[str, Tensor]]:
    """A few real rows of one arena of each component: vectors, and in attention patterns."""
    family = task.families[0]
    model = load_reference(task, family.seeds[0], family).model
    sequences = limited(load_split(task, "fit"), SENTENCES).sequences
    rows: dict[CodecPart, dict[str, Tensor]] = {"vectors": {}, "pattern": {}}
    for arena in {arena.component: arena for arena in task.arenas}.values():
        vectors: Part = "query+key" if arena.component == "attention" else "residual"
        parts: dict[CodecPart, Part] = {"vectors": vectors}
        if arena.component == "attention":
            parts["pattern"] = "pattern"
        for name, part in parts.items():
            stage = Stage(model, arena, part)
            scenes = [(batch, Stage(model, arena, vectors).prefix(batch)) for batch in whole_batches(sequences, "cpu")]
            head = fit_rows(stage, scenes)[0]
            rows[name][arena.name] = head[torch.linspace(0, len(head) - 1, ROWS).long()]
    return rows
