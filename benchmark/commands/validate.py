"""`validate`: the contract, tried on tiny real activations and questions."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from simplibench.errors import SimplibenchError
from simplibench.harness.batches import limited, whole_batches
from simplibench.harness.codecs.ground import fit_rows
from simplibench.harness.codecs.stage import Stage
from simplibench.harness.explainers.maskings import questions
from simplibench.harness.guest import Guest, Nursery
from simplibench.harness.run import DEFAULT_TASK
from simplibench.harness.runtime import resolve_device
from simplibench.methods import (
    AnyEntry,
    CodecPart,
    ExplainerEntry,
    Manifest,
    Problem,
    Question,
    check_codec,
    check_explainer,
)
from simplibench.models import Part, load_reference
from simplibench.registry import all_tasks, find_method, load_task, require_own_name
from simplibench.tasks import Component, Explanations, Task, load_split

SENTENCES, ROWS, CASES = 40, 1_200, 6


class ContractBroken(SimplibenchError):
    """A submission does not keep the contract; the text lists every problem."""


def validate(file: str, device: str, timeout: float) -> None:
    """Examine every entry in guests of their own. Raises ContractBroken with all problems."""
    path, device = find_method(file), resolve_device(device)
    with Nursery() as nursery:
        caller, stranger = Guest(nursery, path, device), Guest(nursery, path, device)
        manifest = caller.manifest()
        require_own_name(manifest.name, path)
        trial = Trial.of(manifest, timeout)
        problems = [
            problem
            for index, entry in enumerate(manifest.entries)
            for problem in trial.problems(caller, stranger, entry, index)
        ]
        caller.close()
        stranger.close()
    if problems:
        listed = "\n".join(f"  {number}. {problem}" for number, problem in enumerate(problems, start=1))
        raise ContractBroken(f"{path}: {len(problems)} problems:\n{listed}")
    print(f"{path}: {manifest.name} keeps the contract, {len(manifest.entries)} entries\nnext: simplibench run {file}")


@dataclass(frozen=True)
class Trial:
    """What entries are tried on: rows for codecs, questions for explainers."""

    rows: dict[CodecPart, dict[str, Tensor]]
    asked: list[Question]
    timeout: float  # seconds of its own code that an entry gets

    @classmethod
    def of(cls, manifest: Manifest, timeout: float) -> Self:
        """What the entries of a submission need."""
        tracks = {entry.track for entry in manifest.entries}
        rows = tiny_rows(load_task(DEFAULT_TASK)) if "codec" in tracks else {}
        return cls(rows, tiny_questions() if "explainer" in tracks else [], timeout)

    def problems(self, caller: Guest, stranger: Guest, entry: AnyEntry, index: int) -> list[Problem]:
        """Entry number `index` under the contract of its track."""
        caller.seconds_left = stranger.seconds_left = self.timeout
        if isinstance(entry, ExplainerEntry):
            return check_explainer(caller, entry, index, self.asked)
        return check_codec(caller, stranger, entry, index, self.rows)


def tiny_questions() -> list[Question]:
    """A few cases of the first explanations arena, about one reference of each architecture."""
    task, arena = next(
        (task, arena) for task in all_tasks().values() for arena in task.arenas if isinstance(arena, Explanations)
    )
    split = next(load_split(task, name) for name, role in task.roles.items() if role == "id")
    asked = questions(split, CASES)
    by_shape = {task.family(name).architecture.kind: task.family(name) for name in arena.needs}
    models = [load_reference(task, arena.seeds[0], family).model for family in by_shape.values()]
    return [Question(model, task.candidates, asked.tokens, asked.positions) for model in models]


def tiny_rows(task: Task) -> dict[CodecPart, dict[str, Tensor]]:
    """A few real rows of one arena of each component: vectors, and in attention patterns."""
    family = task.families[0]
    model = load_reference(task, family.seeds[0], family).model
    sequences = limited(load_split(task, "fit"), SENTENCES).sequences
    rows: dict[CodecPart, dict[str, Tensor]] = {"vectors": {}, "pattern": {}}
    components = [arena for arena in task.arenas if isinstance(arena, Component)]
    for arena in {arena.component: arena for arena in components}.values():
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
