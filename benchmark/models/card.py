"""The card of a family of references: recipe, quality and hash of each. Needs no torch."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from simplibench.errors import DamagedFile, UsageError
from simplibench.tasks import Family, Task

CHECKPOINTS = Path(__file__).parent / "checkpoints"
UNTRAINED = "untrained"


class StratumQuality(BaseModel):
    """A reference's quality in one stratum of a split."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    positions: int
    accuracy: float
    bits: float  # mean of -log2 P(right token)


class Checkpoint(BaseModel):
    """One reference of a family."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int
    accuracy: dict[str, float]  # split -> share of right predictions at scored positions
    confident: dict[str, float] | None = None  # likewise by the task's stricter measure, where it has one
    bits: dict[str, float] | None = None  # mean of -log2 P(right token), where the task asks for details
    strata: dict[str, dict[str, dict[str, StratumQuality]]] | None = None  # split -> stratum -> label, likewise
    torch: str  # the version it was trained with
    threads: int
    sha256: str  # of the safetensors file


class Card(BaseModel):
    """A family of references: what they have in common, and each by its seed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str
    task_version: int
    family: str
    recipe: dict[str, Any]
    architecture: dict[str, Any]
    training_sha256: str  # content hash of the training sequences
    references: dict[str, Checkpoint]  # by seed; the control is called "untrained"

    def checkpoint(self, seed: int | str) -> Checkpoint:
        """Return the checkpoint of a seed.

        Raises: UsageError that lists the seeds there are, if `seed` is not among them.
        """
        if str(seed) not in self.references:
            names = ", ".join(self.references) or "none"
            raise UsageError(f"{self.task} has no reference {seed} in family {self.family}; there are: {names}")
        return self.references[str(seed)]


def seed_name(seed: int | str) -> str:
    """Return `seed-0`, ..., or `untrained`."""
    return seed if isinstance(seed, str) else f"seed-{seed}"


def checkpoint_path(task: Task, family: Family, seed: int | str, root: Path = CHECKPOINTS) -> Path:
    """Return the file of the weights; the family's card is beside it."""
    return root / task.name / family.name / f"{seed_name(seed)}.safetensors"


def card_path(task: Task, family: Family, root: Path = CHECKPOINTS) -> Path:
    """Return the file of the family's card."""
    return root / task.name / family.name / "card.json"


def load_card(task: Task, family: Family, root: Path = CHECKPOINTS) -> Card:
    """Return the card of a family. Raises: UsageError if there is none, DamagedFile if it is not valid."""
    path = card_path(task, family, root)
    if not path.exists():
        raise UsageError(
            f"{path}: no such card; `simplibench train {task.name} --family {family.name} --output {root}` makes it"
        )
    try:
        return Card.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        raise DamagedFile(
            f"{path}: not a valid card: {'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}; "
            "restore it from the repository"
        ) from None
