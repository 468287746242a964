"""The models that explainers explain, and which of them have equal functions. Wen et al. 2023, arXiv:2312.01429."""

from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor

from simplibench.models import Network, load_reference
from simplibench.models.minimal import Minimal
from simplibench.models.theory import broken_twin, random_balanced, same_values, symmetric_twin, types_swapped, uniform
from simplibench.tasks import Explanations, Task

RANDOM_BOUND = 1.0  # of the scores of the random balanced attention (C2)
DELTA = 0.3  # of a broken twin's values: large enough to be wrong at the trained length too
MASKED_CONSTRUCTIONS = 2  # of the models with the same values, beside uniform attention, whose inputs are masked
PLAIN, CONTRASTIVE, OTHER_SEED = "minimal", "minimal-contrastive", 5  # seed n is held against seed n + 5


@dataclass(frozen=True)
class Pair:
    """Two models, by name."""

    first: str
    second: str
    kind: str  # one of PAIR_KINDS


@dataclass(frozen=True)
class Bank:
    """Models by name, the pairs whose explanations are compared, and the models whose inputs are masked."""

    models: dict[str, Network]
    pairs: list[Pair]
    masked: list[str]


def build_bank(task: Task, arena: Explanations, seed: int, device: str) -> Bank:
    """Constructions drawn from `seed`, and the reference of that seed of every family the arena needs."""
    constructed, alike = _constructions(seed)
    trained = {name: _load(task, name, seed, device) for name in arena.needs}
    twins = {f"{name} twin": symmetric_twin(model, seed) for name, model in trained.items()}
    alike += [Pair(name, f"{name} twin", "same") for name in trained]
    broken: dict[str, Network] = {f"{name} broken": broken_twin(own, DELTA, seed) for name, own in constructed.items()}
    swappable = [(name, own) for name, own in (constructed | trained).items() if isinstance(own, Minimal)]
    swapped: dict[str, Network] = {
        f"{name} swapped": types_swapped(own) for name, own in swappable if own.shape.tokens == "pair"
    }
    other = f"{PLAIN} {OTHER_SEED} on"
    models = {**constructed, **trained, **twins, **broken, **swapped}
    models[other] = _load(task, PLAIN, seed + OTHER_SEED, device)
    different = [Pair(name.removesuffix(" broken"), name, "broken") for name in broken]
    different += [Pair(name.removesuffix(" swapped"), name, "swapped") for name in swapped]
    different += [Pair(PLAIN, CONTRASTIVE, "retrained"), Pair(PLAIN, other, "retrained")]
    different += [Pair(other, CONTRASTIVE, "retrained")]
    masked = [*list(constructed)[: 1 + MASKED_CONSTRUCTIONS], *trained]
    return Bank({name: own.to(device).eval() for name, own in models.items()}, alike + different, masked)


def _constructions(seed: int) -> tuple[dict[str, Minimal], list[Pair]]:
    """C1, C2 and the seven C3 models, and their pairs: all compute the same function."""
    same = {f"same values, {name}": own for name, own in same_values(seed).items()}
    models = {"uniform": uniform(), **same, "random balanced": random_balanced(RANDOM_BOUND, seed)}
    return models, [Pair(first, second, "same") for first, second in combinations(models, 2)]


def _load(task: Task, family: str, seed: int, device: str) -> Network:
    return load_reference(task, seed, task.family(family), device).model


def disagreement(first: Tensor, second: Tensor) -> float:
    """The share of cases whose predictions differ."""
    return float((first != second).to(torch.float64).mean())
