"""What every kind of method has in common: hyperparameters as frozen, validated fields."""

from abc import ABC, abstractmethod
from typing import Any

from pydantic import BaseModel, ConfigDict

from simplibench.methods.manifest import EntryManifest


class Method(BaseModel, ABC):
    """A method with its hyperparameters set. Its fields are what is recorded and hashed; it holds nothing else."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @property
    def label(self) -> str:
        """The entry's name in records and tables, like `SVD(rank=4)`."""
        return repr(self)

    def fields(self) -> dict[str, Any]:
        """The hyperparameters as plain JSON values."""
        return self.model_dump(mode="json")

    @abstractmethod
    def manifest(self) -> EntryManifest:
        """What the host is told of this entry."""
