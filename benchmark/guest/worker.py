"""The worker: it runs a submission's code on request and reports what went wrong, in a guest and in-process alike."""

import time
import traceback
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from simplibench.errors import MethodFailed
from simplibench.guest.messages import Call, Done, Reply, Request
from simplibench.methods.beside import imports_beside
from simplibench.methods.explained import ExplainedModel, open_model
from simplibench.methods.manifest import Manifest
from simplibench.methods.method import Method
from simplibench.methods.submission import Submission
from simplibench.methods.tracks import TRACKS, Given
from simplibench.scoring.rate import FLOAT_BITS, INTEGERS

FILES = "a guest writes no file, and reads none once rows are encoded: import what is needed at the top"


def manifest(submission: Submission) -> Manifest:
    """Return what a submission puts forward. Raises UsageError that names the entry and field that cannot be recorded."""
    return submission.manifest()


class Worker:
    """A loaded submission that performs requests in this process."""

    def __init__(self, submission: Submission, device: str, file: Path) -> None:
        self.submission, self.device, self.file = submission, device, file

    def call(self, request: Request) -> Reply:
        """Call the requested method with the tensors on the device. Raises: MethodFailed."""
        with imports_beside(self.file):
            return self._call(request)

    def reads_no_files(self, call: Call) -> bool:
        """Return whether the call gets what another process must not learn, so that files are closed to it."""
        return call.method in TRACKS[self.submission.entries[call.entry].manifest().track].without_files

    def _call(self, request: Request) -> Reply:
        entry = self.submission.entries[request.call.entry]
        tensors = {name: tensor.to(self.device) for name, tensor in request.tensors.items()}
        before = {name: tensor.clone() for name, tensor in tensors.items()} if request.call.audit else {}
        generator = torch.Generator(self.device).manual_seed(request.call.seed)
        start_state = generator.get_state()
        self._synchronise()
        start = time.perf_counter()
        result = self._perform(entry, request, tensors, generator)
        self._synchronise()
        seconds = time.perf_counter() - start
        return Reply(
            {name: tensor.detach().cpu().contiguous() for name, tensor in result.items()},
            Done(
                seconds=seconds,
                drew=not torch.equal(start_state, generator.get_state()),
                changed_input=any(not torch.equal(tensors[name], value) for name, value in before.items()),
            ),
        )

    def _perform(
        self, entry: Method, request: Request, tensors: dict[str, Tensor], generator: torch.Generator
    ) -> dict[str, Tensor]:
        method, track = request.call.method, TRACKS[entry.manifest().track]
        if method not in track.calls:
            raise MethodFailed(method, f"one of {', '.join(track.calls)}", f"{method}, which no such method has")
        given = Given(tensors, generator, lambda: self._model(request, tensors))
        try:
            with torch.set_grad_enabled(track.gradients):
                result = track.calls[method](entry, given)
        except (Exception, SystemExit) as error:
            advice = f"; {FILES}" if isinstance(error, PermissionError) and error.filename else ""
            got = f"{type(error).__name__}{self._line(error)}: {error}{advice}"
            raise MethodFailed(method, "a result", got) from error
        if method in track.states:
            return self._state(method, result)
        return {"result": self._tensor(method, result, "a tensor")}

    def _model(self, request: Request, tensors: dict[str, Tensor]) -> ExplainedModel:
        """Return a copy of the model to be explained: whatever happens to it, the host's stays as it is."""
        if request.call.model is None:
            raise ValueError("a request to explain must say which model")
        prefix = "weight."
        weights = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
        return open_model(request.call.model, weights, self.device)

    def _state(self, method: str, result: Any) -> dict[str, Tensor]:
        if not isinstance(result, dict) or not all(isinstance(name, str) for name in result):
            raise MethodFailed(method, "a flat dict of tensors by name", _describe(result))
        return {name: self._tensor(method, value, f"a tensor in state[{name!r}]") for name, value in result.items()}

    def _tensor(self, method: str, value: Any, what: str) -> Tensor:
        if not isinstance(value, Tensor):
            raise MethodFailed(method, what, _describe(value))
        if value.device.type != self.device:
            raise MethodFailed(method, f"{what} on {self.device}", f"one on {value.device}")
        if value.dtype not in FLOAT_BITS and value.dtype not in INTEGERS:
            raise MethodFailed(method, f"{what} of floats or integers", f"one of {value.dtype}")
        if value.layout != torch.strided:
            raise MethodFailed(method, f"{what} with dense storage", f"one with {value.layout}")
        return value

    def _line(self, error: BaseException) -> str:
        """Return ` at svd.py:12` if the error passed through line 12 of the submission, else nothing."""
        frames = [
            frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(self.file.absolute())
        ]
        return f" at {self.file.name}:{frames[-1].lineno}" if frames else ""

    def _synchronise(self) -> None:
        if self.device == "cuda":
            torch.cuda.synchronize()


def _describe(value: object) -> str:
    if isinstance(value, dict):
        return "a dict of " + (
            ", ".join(f"{name!r}: {type(item).__name__}" for name, item in value.items()) or "nothing"
        )
    return f"{type(value).__name__}"
