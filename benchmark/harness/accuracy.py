"""How often a model predicts right at the scored positions of each split."""

import torch

from benchmark.harness.batches import scored_batches
from benchmark.harness.play import likeliest
from benchmark.models import Transformer
from benchmark.tasks import Task, load_split


def accuracies(task: Task, model: Transformer) -> dict[str, float]:
    """Split -> share of scored positions where the most likely candidate is the right token."""
    found = {}
    with torch.no_grad():
        for name in task.roles:
            split = load_split(task, name)
            right = 0
            for batch in scored_batches(split, "cpu"):
                predicted = likeliest(model(batch.tokens, batch.at)[batch.asked], task.candidates)
                right += int((predicted.numpy() == split.cases.target[batch.cases]).sum())
            found[name] = right / len(split.cases)
    return found
