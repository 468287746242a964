"""The references a task ships: weights beside a card, loaded only if their hash is the card's."""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import safetensors.torch
import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError
from torch import nn

from benchmark.errors import DamagedFile, UsageError
from benchmark.files import write_atomically
from benchmark.models.training import initial
from benchmark.models.transformer import Transformer
from benchmark.tasks import Family, Task

CHECKPOINTS = Path(__file__).parent / "checkpoints"
UNTRAINED = "untrained"
UNTRAINED_SEED = 0  # the initialisation that is shipped as the untrained control


class Card(BaseModel):
    """What a checkpoint is: how it was made, how good it is, which bytes it has."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str
    task_version: int
    family: str
    seed: int | Literal["untrained"]
    steps: int
    recipe: dict[str, Any]
    architecture: dict[str, Any]
    training_sha256: str  # content hash of the training sequences
    accuracy: dict[str, float]  # split -> share of right predictions at scored positions
    torch: str  # the version it was trained with
    threads: int
    sha256: str  # of the safetensors file


@dataclass(frozen=True)
class Reference:
    """A loaded reference model and its card."""

    model: Transformer
    card: Card


def seed_name(seed: int | str) -> str:
    """`seed-0`, ..., or `untrained`."""
    return seed if isinstance(seed, str) else f"seed-{seed}"


def checkpoint_path(task: Task, family: Family, seed: int | str, root: Path = CHECKPOINTS) -> Path:
    """Where the weights lie; the card is beside them, ending in .json."""
    return root / task.name / family.name / f"{seed_name(seed)}.safetensors"


def load_card(task: Task, family: Family, seed: int | str, root: Path = CHECKPOINTS) -> Card:
    """The card of a shipped reference. Raises UsageError for one that is not there, DamagedFile for a bad card."""
    path = checkpoint_path(task, family, seed, root).with_suffix(".json")
    if not path.exists():
        there = ", ".join(sorted(card.stem for card in path.parent.glob("*.json"))) or "none"
        raise UsageError(f"{task.name} has no reference {seed_name(seed)} in family {family.name}; there are: {there}")
    try:
        return Card.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        raise DamagedFile(
            f"{path}: not a valid card: {'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}; "
            "restore it from the repository"
        ) from None


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
