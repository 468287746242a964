"""What every kind of method has in common: hyperparameters as frozen, validated fields."""

from abc import ABC, abstractmethod
from typing import Any

from pydantic import BaseModel, ConfigDict

from simplibench.methods.entries import EntryManifest
from simplibench.methods.fields import json_fields, text_of


class Method(BaseModel, ABC):
    """A method with its hyperparameters set. Its fields are what is recorded and hashed; it holds nothing else."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    @property
    def label(self) -> str:
        """Return the entry's name in records and tables, like `SVD(rank=4)`; equal for equal fields in every process."""
        return text_of(self)

    def fields(self) -> dict[str, Any]:
        """Return the hyperparameters as strict JSON values, see fields.py. Raises UsageError for what is none."""
        return json_fields(self)

    @abstractmethod
    def manifest(self) -> EntryManifest:
        """Return what the host is told of this entry."""
