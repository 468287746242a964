"""How often a model predicts right at the scored positions of each split."""

from dataclasses import dataclass

import torch

from benchmark.harness.batches import scored_batches
from benchmark.models import Network
from benchmark.tasks import Split, Task, load_split


@dataclass(frozen=True)
class Accuracy:
    """Shares of the scored positions of a split."""

    likeliest: float  # the most likely candidate is the right token
    confident: float | None  # P(right) / P(any candidate) exceeds the task's `confidence`


def accuracies(task: Task, model: Network) -> dict[str, Accuracy]:
    """The accuracy on every split, by name."""
    return {name: accuracy(task, model, load_split(task, name)) for name in task.roles}


def accuracy(task: Task, model: Network, split: Split) -> Accuracy:
    """The accuracy on one split."""
    right = confident = 0
    with torch.no_grad():
        for batch in scored_batches(split, "cpu"):
            candidates = model(batch.tokens, batch.at)[batch.asked][:, task.candidates.start : task.candidates.stop]
            targets = torch.from_numpy(split.cases.target[batch.cases]).long() - task.candidates.start
            right += int((candidates.argmax(-1) == targets).sum())
            shares = candidates.softmax(-1).gather(1, targets[:, None])
            confident += int((shares > (task.confidence or 0)).sum())
    cases = len(split.cases)
    return Accuracy(right / cases, confident / cases if task.confidence else None)


def measures(found: dict[str, Accuracy]) -> dict[str, dict[str, float] | None]:
    """The same as a card has it."""
    confident = {name: own.confident for name, own in found.items() if own.confident is not None}
    return {"accuracy": {name: own.likeliest for name, own in found.items()}, "confident": confident or None}
