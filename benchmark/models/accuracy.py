"""Measure how well a model predicts at the scored positions of each split."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from simplibench.models import Network
from simplibench.models.batches import scored_batches
from simplibench.models.card import StratumQuality
from simplibench.tasks import Split, Task, load_split

Bools = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Accuracy:
    """A model's accuracy on a split: shares of its scored positions, and the mean of its surprise."""

    likeliest: float  # the most likely candidate is the right token
    confident: float | None  # P(right) / P(any candidate) exceeds the task's `confidence`
    bits: float  # -log2 P(right), among all tokens
    strata: Mapping[str, Mapping[str, StratumQuality]]  # stratum -> label


def accuracies(task: Task, model: Network) -> dict[str, Accuracy]:
    """Return a model's accuracy on every split of a task, by the split's name."""
    return {name: accuracy(task, model, load_split(task, name)) for name in task.roles}


def accuracy(task: Task, model: Network, split: Split) -> Accuracy:
    """Return a model's accuracy on one split."""
    cases = len(split.cases)
    right, confident, bits = np.zeros(cases, bool), np.zeros(cases, bool), np.zeros(cases)  # [case]
    with torch.no_grad():
        for batch in scored_batches(split, model.device):
            in_batch = batch.cases.numpy()  # [case in batch]
            logits = model(batch.tokens, batch.at)[batch.asked].cpu()  # [case in batch, vocabulary]
            candidates = logits[:, task.candidates.start : task.candidates.stop]
            targets = torch.from_numpy(split.cases.target[in_batch]).long()[:, None]
            target_candidates = targets - task.candidates.start
            right[in_batch] = (candidates.argmax(-1, keepdim=True) == target_candidates)[:, 0]
            probabilities = candidates.softmax(-1).gather(1, target_candidates)[:, 0]
            confident[in_batch] = probabilities > (task.confidence or 0)
            bits[in_batch] = -logits.double().log_softmax(-1).gather(1, targets)[:, 0] / np.log(2)
    return Accuracy(
        likeliest=float(right.mean()),
        confident=float(confident.mean()) if task.confidence else None,
        bits=float(bits.mean()),
        strata={name: _strata(labels, right, bits) for name, labels in split.cases.strata.items()},
    )


def _strata(labels: npt.NDArray[np.integer], right: Bools, bits: Numbers) -> dict[str, StratumQuality]:
    """Return accuracy and bits by label of a stratum; all arguments are [case]."""
    qualities = {}
    for label in np.unique(labels):
        labelled = labels == label
        accuracy, surprise = round(float(right[labelled].mean()), 6), round(float(bits[labelled].mean()), 6)
        qualities[str(label)] = StratumQuality(positions=int(labelled.sum()), accuracy=accuracy, bits=surprise)
    return qualities


def card_fields(task: Task, by_split: dict[str, Accuracy]) -> dict[str, Any]:
    """Return accuracies as the fields of a reference on a card; bits and strata are None unless the task is detailed."""
    confident = {name: measured.confident for name, measured in by_split.items() if measured.confident is not None}
    return {
        "accuracy": {name: measured.likeliest for name, measured in by_split.items()},
        "confident": confident or None,
        "bits": {name: measured.bits for name, measured in by_split.items()} if task.detailed else None,
        "strata": {name: measured.strata for name, measured in by_split.items()} if task.detailed else None,
    }


def largest_change(before: dict[str, Accuracy], after: dict[str, Accuracy]) -> tuple[float, str]:
    """Return the largest relative change of a value between two measurements of the same splits, and the value's name."""
    changes = []
    for name, old in before.items():
        new = after[name]
        values = {
            f"{name}: accuracy": (old.likeliest, new.likeliest),
            f"{name}: bits": (old.bits, new.bits),
        }
        for stratum, labels in old.strata.items():
            for label, quality in labels.items():
                other = new.strata[stratum][label]
                values[f"{name}: accuracy in {stratum} {label}"] = (quality.accuracy, other.accuracy)
                values[f"{name}: bits in {stratum} {label}"] = (quality.bits, other.bits)
        for what, (value, changed) in values.items():
            changes.append((abs(changed - value) / value if value else abs(changed), what))
    return max(changes)
