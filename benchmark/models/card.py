"""The card of a reference: how it was made, how good it is, which bytes it has. Needs no torch."""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from benchmark.errors import DamagedFile, UsageError
from benchmark.tasks import Family, Task

CHECKPOINTS = Path(__file__).parent / "checkpoints"
UNTRAINED = "untrained"


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
