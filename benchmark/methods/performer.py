"""Runs a submission's code on request and says plainly what went wrong; the same in a guest and in-process."""

import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import torch
from torch import Tensor

from simplibench.errors import MethodFailed
from simplibench.methods.beside import imports_beside
from simplibench.methods.explained import ExplainedModel, open_model
from simplibench.methods.manifest import Manifest
from simplibench.methods.submission import Submission
from simplibench.scoring.rate import FLOAT_BITS, INTEGERS

Call = Literal["fit", "trim", "encode", "decode", "explain"]


@dataclass(frozen=True)
class Request:
    """One call of an entry's method.

    A codec's tensors are `x` or `code`, and its state's as `state.<name>`; an explainer's are `tokens`, `positions` and
    the model's weights as `weight.<name>`.
    """

    method: Call
    entry: int  # index into the submission's entries
    tensors: Mapping[str, Tensor]
    seed: int = 0  # of the generator that `fit` receives
    model: Mapping[str, Any] | None = None  # what the weights are of, for `explain`; see explained.py
    audit: bool = False  # also look whether the input was changed


@dataclass(frozen=True)
class Reply:
    """What a call gave back."""

    tensors: dict[str, Tensor]
    seconds: float  # of the call itself, without any transfer
    drew: bool  # `fit` took numbers from its generator
    changed_input: bool


class Caller(Protocol):
    """Whoever can have a request performed: a guest process, or this one."""

    peak_memory_bytes: int

    def call(self, request: Request) -> Reply:
        """Raises MethodFailed with the reason."""


def manifest(submission: Submission) -> Manifest:
    """Describe a loaded submission. Raises UsageError that names the entry and the field that cannot be recorded."""
    return submission.manifest()


class Performer:
    """Performs requests in the process it lives in."""

    def __init__(self, submission: Submission, device: str, file: Path) -> None:
        self.submission, self.device, self.file = submission, device, file

    def call(self, request: Request) -> Reply:
        """Call the method with the tensors on the device. Raises MethodFailed."""
        with imports_beside(self.file):
            return self._call(request)

    def _call(self, request: Request) -> Reply:
        entry = self.submission.entries[request.entry]
        tensors = {name: tensor.to(self.device) for name, tensor in request.tensors.items()}
        before = {name: tensor.clone() for name, tensor in tensors.items()} if request.audit else {}
        generator = torch.Generator(self.device).manual_seed(request.seed)
        start_state = generator.get_state()
        self._synchronise()
        start = time.perf_counter()
        result = self._perform(entry, request, tensors, generator)
        self._synchronise()
        seconds = time.perf_counter() - start
        return Reply(
            tensors={name: tensor.detach().cpu().contiguous() for name, tensor in result.items()},
            seconds=seconds,
            drew=not torch.equal(start_state, generator.get_state()),
            changed_input=any(not torch.equal(tensors[name], value) for name, value in before.items()),
        )

    def _perform(
        self, entry: Any, request: Request, tensors: dict[str, Tensor], generator: torch.Generator
    ) -> dict[str, Tensor]:
        actions: dict[Call, Callable[[], Any]] = {
            "fit": lambda: entry.fit(tensors["x"], generator),
            "trim": lambda: entry.trim(_prefixed("state.", tensors)),
            "encode": lambda: entry.encode(_prefixed("state.", tensors), tensors["x"]),
            "decode": lambda: entry.decode(_prefixed("state.", tensors), tensors["code"]),
            "explain": lambda: entry.explain(self._model(request, tensors), tensors["tokens"], tensors["positions"]),
        }
        try:
            with torch.set_grad_enabled(request.method == "explain"):
                result = actions[request.method]()
        except Exception as error:
            got = f"{type(error).__name__}{self._line(error)}: {error}"
            raise MethodFailed(request.method, "a result", got) from error
        if request.method in ("fit", "trim"):
            return self._state(request.method, result)
        return {"result": self._tensor(request.method, result, "a tensor")}

    def _model(self, request: Request, tensors: dict[str, Tensor]) -> ExplainedModel:
        """A copy of the model to be explained: whatever is done to it, the host's stays as it is."""
        if request.model is None:
            raise ValueError("a request to explain must say which model")
        return open_model(request.model, _prefixed("weight.", tensors), self.device)

    def _state(self, method: Call, result: Any) -> dict[str, Tensor]:
        if not isinstance(result, dict) or not all(isinstance(name, str) for name in result):
            raise MethodFailed(method, "a flat dict of tensors by name", _describe(result))
        return {name: self._tensor(method, value, f"a tensor in state[{name!r}]") for name, value in result.items()}

    def _tensor(self, method: Call, value: Any, what: str) -> Tensor:
        if not isinstance(value, Tensor):
            raise MethodFailed(method, what, _describe(value))
        if value.device.type != self.device:
            raise MethodFailed(method, f"{what} on {self.device}", f"one on {value.device}")
        if value.dtype not in FLOAT_BITS and value.dtype not in INTEGERS:
            raise MethodFailed(method, f"{what} of floats or integers", f"one of {value.dtype}")
        if value.layout != torch.strided:
            raise MethodFailed(method, f"{what} with dense storage", f"one with {value.layout}")
        return value

    def _line(self, error: Exception) -> str:
        """` at svd.py:12` where the error passed through line 12 of the submission."""
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(self.file)]
        return f" at {self.file.name}:{frames[-1].lineno}" if frames else ""

    def _synchronise(self) -> None:
        if self.device == "cuda":
            torch.cuda.synchronize()


def _prefixed(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _describe(value: object) -> str:
    if isinstance(value, dict):
        return "a dict of " + (
            ", ".join(f"{name!r}: {type(item).__name__}" for name, item in value.items()) or "nothing"
        )
    return f"{type(value).__name__}"
