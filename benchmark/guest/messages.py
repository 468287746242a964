"""What host and guest say to each other. Each field is written once, here; tensors travel beside the message."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, NonNegativeInt, TypeAdapter
from torch import Tensor

from simplibench.methods.manifest import Manifest
from simplibench.methods.selection import Selection

NonNegativeSeconds = Annotated[FiniteFloat, Field(ge=0)]


class Message(BaseModel):
    """Something said over the channel, beside the tensors it is about."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Load(Message):
    """The host's first word: which file to run."""

    file: Path
    selection: Selection | None  # what to take of the file, where that is not its own submission


class Call(Message):
    """A method of an entry that the guest is to call."""

    method: str
    entry: NonNegativeInt  # index into the submission's entries
    seed: int = 0  # of the generator that the method receives
    model: dict[str, Any] | None = None  # what the weights are of, for `explain`; see methods/explained.py
    audit: bool = False  # also look whether the input was changed


class Loaded(Message):
    """The guest ran the file: what it puts forward."""

    kind: Literal["loaded"] = "loaded"
    manifest: Manifest


class Unusable(Message):
    """The guest could not run the file, or the file puts nothing forward."""

    kind: Literal["unusable"] = "unusable"
    problem: str


class Done(Message):
    """The call gave the tensors beside this message."""

    kind: Literal["done"] = "done"
    seconds: NonNegativeSeconds  # of the call itself, without any transfer
    drew: bool  # the method took numbers from its generator
    changed_input: bool
    peak_memory_bytes: NonNegativeInt = 0  # of the process so far


class Failed(Message):
    """The call broke the contract or raised."""

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
    """What a call gave back."""

    tensors: dict[str, Tensor]
    done: Done


class MethodRunner(Protocol):
    """Whoever can have a call performed: a guest process, or this one."""

    seconds_left: float
    peak_memory_bytes: int

    def manifest(self) -> Manifest:
        """Return what the submission puts forward. Raises UsageError."""

    def call(self, request: Request) -> Reply:
        """Have a request performed. Raises MethodFailed with the reason."""

    def close(self) -> None:
        """End it and free its memory."""
