"""`validate`: the contract, tried on tiny real activations and questions."""

from dataclasses import dataclass
from typing import Self, get_args

import torch
from torch import Tensor

from simplibench.errors import SimplibenchError
from simplibench.guest import ForkServer, Guest, Problem, Question, check_codec, check_explainer
from simplibench.harness.batches import limited, whole_batches
from simplibench.harness.codec.context import fit_rows
from simplibench.harness.codec.patch import SitePatch
from simplibench.harness.explainer.bank import load_bank
from simplibench.harness.explainer.questions import questions
from simplibench.harness.run import DEFAULT_EXPLAINED, DEFAULT_TASK
from simplibench.harness.runtime import resolve_device
from simplibench.methods import AnyEntry, CodecPart, ExplainerEntry, Manifest
from simplibench.models import VIEWS, Site, load_reference
from simplibench.registry import find_method, load_task
from simplibench.tasks import Component, Explanations, Task, load_split

SENTENCES, ROWS, CASES = 40, 1_200, 6


class ContractBroken(SimplibenchError):
    """A submission does not keep the contract; the text lists every problem."""


def validate(file: str, device: str, timeout: float) -> None:
    """Examine every entry in guests of their own. Raises ContractBroken with all problems."""
    path, device = find_method(file), resolve_device(device)
    with ForkServer() as server:
        caller, stranger = Guest(server, path, device), Guest(server, path, device)
        manifest = caller.manifest()
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
    """Ask a few cases of the default arena of explainers, about one model of its bank of each architecture."""
    task = load_task(DEFAULT_EXPLAINED)
    arena = next(arena for arena in task.arenas if isinstance(arena, Explanations))
    split = next(load_split(task, name) for name, role in task.roles.items() if role == "id")
    asked = questions(split, CASES, arena.maskings)
    bank = load_bank(task, arena, arena.seeds[0], "cpu")
    models = {type(bank.models[name]): bank.models[name] for name in bank.masked}
    return [Question(model, task.candidates, asked.tokens, asked.positions) for model in models.values()]


def tiny_rows(task: Task) -> dict[CodecPart, dict[str, Tensor]]:
    """A few real rows of one arena of each component, seen in each way that a codec may ask for."""
    family = task.families[0]
    model = load_reference(task, family.seeds[0], family).model
    batches = whole_batches(limited(load_split(task, "fit"), SENTENCES).sequences, "cpu")
    rows: dict[CodecPart, dict[str, Tensor]] = {view: {} for view in get_args(CodecPart)}
    arenas = {arena.component: arena for arena in task.arenas if isinstance(arena, Component)}
    for (component, view), part in VIEWS.items():
        if component in arenas:
            arena = arenas[component]
            patch = SitePatch(model, Site(arena.layer, part))
            head = fit_rows(patch, [(batch, patch.prefix(batch)) for batch in batches])[0]
            rows[view][arena.name] = head[torch.linspace(0, len(head) - 1, ROWS).long()]
    return rows
