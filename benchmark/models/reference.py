"""Loading and saving references: the weights, checked against their hash on the card of their family."""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import nn

from simplibench.errors import DamagedFile
from simplibench.files import write_bytes, write_text
from simplibench.models.architectures import build
from simplibench.models.card import CHECKPOINTS, Card, Checkpoint, card_path, checkpoint_path, load_card
from simplibench.models.network import Network
from simplibench.models.training import initial
from simplibench.tasks import Family, Task

UNTRAINED_SEED = 0  # the initialisation that is shipped as the untrained control


@dataclass(frozen=True)
class Reference:
    """A loaded reference model, and its entry on the card."""

    model: Network
    checkpoint: Checkpoint


def load_reference(
    task: Task, seed: int | str, family: Family | None = None, device: str = "cpu", root: Path = CHECKPOINTS
) -> Reference:
    """Return the reference of a seed, in evaluation mode; `family` is the task's first by default.

    Raises: DamagedFile if weights are missing, or are not those of the card (it names both hashes); UsageError if the
    card has no such seed.
    """
    family = family or task.families[0]
    checkpoint = load_card(task, family, root).checkpoint(seed)
    path = checkpoint_path(task, family, seed, root)
    if not path.exists():
        raise DamagedFile(f"{path}: the card is there, the weights are missing; restore them from the repository")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    if sha256 != checkpoint.sha256:
        raise DamagedFile(
            f"{path}: its card expects sha256 {checkpoint.sha256}, got {sha256}; restore it from the repository, "
            "or train it anew"
        )
    model = build(family.architecture)
    try:
        model.load_state_dict(safetensors.torch.load_file(path))
    except (SafetensorError, RuntimeError) as error:
        raise DamagedFile(f"{path}: does not hold a {family.name} model of {task.name}: {error}") from None
    return Reference(model.to(device).eval().requires_grad_(False), checkpoint)


def save_reference(
    model: nn.Module,
    task: Task,
    family: Family,
    seed: int | str,
    measures: dict[str, Any],
    root: Path,
) -> Checkpoint:
    """Write the weights in the family's precision, enter them with `measures` on the family's card, return that entry."""
    weights = {
        name: weight.detach().to("cpu", precision(family)).contiguous() for name, weight in model.state_dict().items()
    }
    content = safetensors.torch.save(weights)
    checkpoint = Checkpoint(
        steps=family.recipe.steps if isinstance(seed, int) else 0,
        **measures,
        torch=torch.__version__,
        threads=torch.get_num_threads(),
        sha256=hashlib.sha256(content).hexdigest(),
    )
    write_bytes(checkpoint_path(task, family, seed, root), content)
    _enter(checkpoint, task, family, seed, root)
    return checkpoint


def _enter(checkpoint: Checkpoint, task: Task, family: Family, seed: int | str, root: Path) -> None:
    path = card_path(task, family, root)
    with _locked(path):
        before = load_card(task, family, root).references if path.exists() else {}
        entered = before | {str(seed): checkpoint}
        card = _card(task, family, {name: entered[name] for name in sorted(entered, key=_seed_order)})
        text = card.model_dump_json(indent=1, exclude_none=True) + "\n"
        write_text(path, text)


def _card(task: Task, family: Family, references: dict[str, Checkpoint]) -> Card:
    return Card(
        task=task.name,
        task_version=task.protocol,
        family=family.name,
        recipe=asdict(family.recipe),
        architecture=asdict(family.architecture),
        training_sha256=task.hashes["training"],
        references=references,
    )


def _seed_order(seed: str) -> tuple[bool, int]:
    """Return the sort key of a seed's name: seeds by number, the control last."""
    return (not seed.isdecimal(), int(seed) if seed.isdecimal() else 0)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock of a card's folder: trainings side by side write to the card in turn."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def precision(family: Family) -> torch.dtype:
    """Return the type that the weights are stored in."""
    return {"float32": torch.float32, "float16": torch.float16}[family.stored]


def as_stored(model: Network, family: Family) -> Network:
    """Return a copy of the model as loading will give it, its weights as precise as they are stored."""
    same = deepcopy(model)
    same.load_state_dict({name: weight.to(precision(family)) for name, weight in model.state_dict().items()})
    return same


def untrained(family: Family) -> Network:
    """Return the control: the architecture at its initialisation."""
    return initial(family, UNTRAINED_SEED)
