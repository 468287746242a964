"""What every kind of method has in common: hyperparameters as frozen, validated fields."""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict


class Method(BaseModel):
    """A method with its hyperparameters set. Its fields are what is recorded and hashed; it holds nothing else."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    track: ClassVar[str]  # the kind of method: "codec"

    @property
    def label(self) -> str:
        """The entry's name in records and tables, like `SVD(rank=4)`."""
        return repr(self)

    def fields(self) -> dict[str, Any]:
        """The hyperparameters as plain JSON values."""
        return self.model_dump(mode="json")
