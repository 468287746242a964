"""How well a model predicts at the scored positions of each split."""

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
    """How a model did on a split: shares of its scored positions, and the mean of its surprise."""

    likeliest: float  # the most likely candidate is the right token
    confident: float | None  # P(right) / P(any candidate) exceeds the task's `confidence`
    bits: float  # -log2 P(right), among all tokens
    strata: Mapping[str, Mapping[str, StratumQuality]]  # stratum -> label


def accuracies(task: Task, model: Network) -> dict[str, Accuracy]:
    """The accuracy on every split, by name."""
    return {name: accuracy(task, model, load_split(task, name)) for name in task.roles}


def accuracy(task: Task, model: Network, split: Split) -> Accuracy:
    """The accuracy on one split."""
    cases = len(split.cases)
    right, confident, bits = np.zeros(cases, bool), np.zeros(cases, bool), np.zeros(cases)
    with torch.no_grad():
        for batch in scored_batches(split, model.device):
            own, logits = batch.cases.numpy(), model(batch.tokens, batch.at)[batch.asked].cpu()
            targets = torch.from_numpy(split.cases.target[own]).long()[:, None]
            candidates, wanted = (
                logits[:, task.candidates.start : task.candidates.stop],
                targets - task.candidates.start,
            )
            right[own] = (candidates.argmax(-1, keepdim=True) == wanted)[:, 0]
            confident[own] = (candidates.softmax(-1).gather(1, wanted) > (task.confidence or 0))[:, 0]
            bits[own] = -logits.double().log_softmax(-1).gather(1, targets)[:, 0] / np.log(2)
    return Accuracy(
        likeliest=float(right.mean()),
        confident=float(confident.mean()) if task.confidence else None,
        bits=float(bits.mean()),
        strata={name: _strata(labels, right, bits) for name, labels in split.cases.strata.items()},
    )


def _strata(labels: npt.NDArray[np.integer], right: Bools, bits: Numbers) -> dict[str, StratumQuality]:
    found = {}
    for label in np.unique(labels):
        own = labels == label
        accuracy, surprise = round(float(right[own].mean()), 6), round(float(bits[own].mean()), 6)
        found[str(label)] = StratumQuality(positions=int(own.sum()), accuracy=accuracy, bits=surprise)
    return found


def card_fields(task: Task, found: dict[str, Accuracy]) -> dict[str, Any]:
    """The same as a card has it; bits and strata where the task asks for them."""
    confident = {name: own.confident for name, own in found.items() if own.confident is not None}
    return {
        "accuracy": {name: own.likeliest for name, own in found.items()},
        "confident": confident or None,
        "bits": {name: own.bits for name, own in found.items()} if task.detailed else None,
        "strata": {name: own.strata for name, own in found.items()} if task.detailed else None,
    }


def largest_change(before: dict[str, Accuracy], after: dict[str, Accuracy]) -> tuple[float, str]:
    """By what share the figure moved that moved most between two measurements of the same splits, and which."""
    changes = []
    for name, own in before.items():
        figures = {
            f"{name}: accuracy": (own.likeliest, after[name].likeliest),
            f"{name}: bits": (own.bits, after[name].bits),
        }
        for stratum, labels in own.strata.items():
            for label, quality in labels.items():
                other = after[name].strata[stratum][label]
                figures[f"{name}: accuracy in {stratum} {label}"] = (quality.accuracy, other.accuracy)
                figures[f"{name}: bits in {stratum} {label}"] = (quality.bits, other.bits)
        changes += [(abs(new - old) / old if old else abs(new), what) for what, (old, new) in figures.items()]
    return max(changes)
