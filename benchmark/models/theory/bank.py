"""The bank of dyck-2-4: constructions, references, and twins of both of equal and of other function.

After Wen et al. 2023 (arXiv:2312.01429). C1, C2 and C3 are kinds of constructions: see constructions.py.
"""

from itertools import combinations

from simplibench.models.bank import Bank, Pair
from simplibench.models.minimal import Minimal
from simplibench.models.network import Network
from simplibench.models.reference import load_reference
from simplibench.models.theory.constructions import (
    broken_twin,
    random_balanced,
    same_values,
    symmetric_twin,
    types_swapped,
    uniform,
)
from simplibench.tasks import Explanations, Task

RANDOM_BOUND = 1.0  # of the scores of the random balanced attention (C2)
DELTA = 0.3  # of a broken twin's values: large enough to be wrong at the trained length too
MASKED_CONSTRUCTIONS = 2  # of the models with the same values, beside uniform attention, whose inputs are masked
PLAIN, CONTRASTIVE, OTHER_SEED = "minimal", "minimal-contrastive", 5  # seed n is held against seed n + 5


def build_bank(task: Task, arena: Explanations, seed: int, device: str) -> Bank:
    """Draw constructions with `seed`, and load the reference of that seed of every family the arena needs.

    Raises UsageError for a seed of which a family has no reference, or PLAIN none OTHER_SEED further on.
    """
    constructed, alike = _constructions(seed)
    trained = {name: _load(task, name, seed, device) for name in arena.needs}
    twins = {f"{name} twin": symmetric_twin(model, seed) for name, model in trained.items()}
    alike += [Pair(name, f"{name} twin", "same") for name in trained]
    broken: dict[str, Network] = {
        f"{name} broken": broken_twin(model, DELTA, seed) for name, model in constructed.items()
    }
    swappable = [(name, model) for name, model in (constructed | trained).items() if isinstance(model, Minimal)]
    swapped: dict[str, Network] = {
        f"{name} swapped": types_swapped(model) for name, model in swappable if model.shape.tokens == "pair"
    }
    other = f"{PLAIN} {OTHER_SEED} on"
    models = {**constructed, **trained, **twins, **broken, **swapped}
    models[other] = _load(task, PLAIN, seed + OTHER_SEED, device)
    different = [Pair(name.removesuffix(" broken"), name, "broken") for name in broken]
    different += [Pair(name.removesuffix(" swapped"), name, "swapped") for name in swapped]
    different += [Pair(PLAIN, CONTRASTIVE, "retrained"), Pair(PLAIN, other, "retrained")]
    different += [Pair(other, CONTRASTIVE, "retrained")]
    masked = [*list(constructed)[: 1 + MASKED_CONSTRUCTIONS], *trained]
    return Bank(models, alike + different, masked, (PLAIN, CONTRASTIVE))


def _constructions(seed: int) -> tuple[dict[str, Minimal], list[Pair]]:
    """Return C1, C2 and the seven C3 models, and their pairs: all compute the same function."""
    same = {f"same values, {name}": model for name, model in same_values(seed).items()}
    models = {"uniform": uniform(), **same, "random balanced": random_balanced(RANDOM_BOUND, seed)}
    return models, [Pair(first, second, "same") for first, second in combinations(models, 2)]


def _load(task: Task, family: str, seed: int, device: str) -> Network:
    return load_reference(task, seed, task.family(family), device).model
