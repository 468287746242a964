"""The references a task ships: weights beside a card, loaded only if their hash is the card's."""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import nn

from benchmark.errors import DamagedFile
from benchmark.files import write_atomically
from benchmark.models.card import CHECKPOINTS, Card, checkpoint_path, load_card
from benchmark.models.training import initial
from benchmark.models.transformer import Transformer
from benchmark.tasks import Family, Task

UNTRAINED_SEED = 0  # the initialisation that is shipped as the untrained control


@dataclass(frozen=True)
class Reference:
    """A loaded reference model and its card."""

    model: Transformer
    card: Card


def load_reference(
    task: Task, seed: int | str, family: Family | None = None, device: str = "cpu", root: Path = CHECKPOINTS
) -> Reference:
    """A reference in evaluation mode. Raises DamagedFile if the weights are not those of the card, naming both hashes."""
    family = family or task.families[0]
    card = load_card(task, family, seed, root)
    path = checkpoint_path(task, family, seed, root)
    if not path.exists():
        raise DamagedFile(f"{path}: the card is there, the weights are missing; restore them from the repository")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != card.sha256:
        raise DamagedFile(
            f"{path}: its card expects sha256 {card.sha256}, got {found}; restore it from the repository, or train it anew"
        )
    model = Transformer(family.architecture)
    try:
        model.load_state_dict(safetensors.torch.load_file(path))
    except (SafetensorError, RuntimeError) as error:
        raise DamagedFile(f"{path}: does not hold a {family.name} model of {task.name}: {error}") from None
    return Reference(model.to(device).eval().requires_grad_(False), card)


def save_reference(model: nn.Module, card: dict[str, Any], path: Path) -> Card:
    """Write weights, then the card with their hash."""
    weights = {name: weight.detach().contiguous() for name, weight in model.state_dict().items()}
    content = safetensors.torch.save(weights)
    complete = Card(**card, sha256=hashlib.sha256(content).hexdigest())
    write_atomically(path, lambda temporary: temporary.write_bytes(content))
    text = complete.model_dump_json(indent=1) + "\n"
    write_atomically(path.with_suffix(".json"), lambda temporary: temporary.write_text(text))
    return complete


def untrained(family: Family) -> Transformer:
    """The control: the architecture at its initialisation."""
    return initial(family, UNTRAINED_SEED)


def describe(task: Task, family: Family, seed: int | str, steps: int) -> dict[str, Any]:
    """The part of a card that is known before the accuracies and the hash."""
    return {
        "task": task.name,
        "task_version": task.protocol,
        "family": family.name,
        "seed": seed,
        "steps": steps,
        "recipe": asdict(family.recipe),
        "architecture": asdict(family.architecture),
        "training_sha256": task.hashes["training"],
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
    }
