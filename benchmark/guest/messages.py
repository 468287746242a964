"""The messages between host and guest: each field is written once, here; tensors travel beside the message."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, NonNegativeInt, TypeAdapter
from torch import Tensor

from simplibench.methods.manifest import Manifest
from simplibench.methods.spec import MethodSpec

NonNegativeSeconds = Annotated[FiniteFloat, Field(ge=0)]


class Message(BaseModel):
    """A message over the channel; its tensors travel beside it."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Load(Message):
    """The host's first message: which file to run."""

    file: Path
    spec: MethodSpec | None  # the methods to take from the file; None: its submission


class Call(Message):
    """A request to call a method of an entry."""

    method: str
    entry: NonNegativeInt  # index into the submission's entries
    seed: int = 0  # of the generator that the method receives
    model: dict[str, Any] | None = None  # for `explain`: the model that the weights belong to, see methods/explained.py
    audit: bool = False  # also check whether the input was changed


class Loaded(Message):
    """The answer after the file has run: its entries."""

    kind: Literal["loaded"] = "loaded"
    manifest: Manifest


class Unusable(Message):
    """The answer if the file could not be run, or has no entries."""

    kind: Literal["unusable"] = "unusable"
    problem: str


class Done(Message):
    """The answer to a call that succeeded; its results travel beside it."""

    kind: Literal["done"] = "done"
    seconds: NonNegativeSeconds  # of the call itself, without any transfer
    drew: bool  # the method took numbers from its generator
    changed_input: bool
    peak_memory_bytes: NonNegativeInt = 0  # of the process so far


class Failed(Message):
    """The answer to a call that broke the contract or raised."""

    kind: Literal["failed"] = "failed"
    method: str
    expected: str
    got: str


Answer = Loaded | Unusable | Done | Failed
ANSWERS: TypeAdapter[Answer] = TypeAdapter(Annotated[Answer, Field(discriminator="kind")])


@dataclass(frozen=True)
class Request:
    """A call with its tensors.

    A codec's tensors are `x` or `code`, and its state's as `state.<name>`; an explainer's are `tokens`, `positions` and
    the model's weights as `weight.<name>`.
    """

    call: Call
    tensors: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """The results of a call."""

    tensors: dict[str, Tensor]
    done: Done


class MethodRunner(Protocol):
    """An object that performs requests: a guest process, or this process."""

    seconds_left: float
    peak_memory_bytes: int

    def manifest(self) -> Manifest:
        """Return the submission's entries. Raises: UsageError."""

    def call(self, request: Request) -> Reply:
        """Perform a request. Raises: MethodFailed with the reason."""

    def close(self) -> None:
        """End the process and free its memory."""
