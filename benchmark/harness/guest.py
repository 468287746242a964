"""The host's handle on a guest: a process of its own that runs a submission's code, within a time, or is killed."""

import json
import os
import socket
import subprocess
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch

from simplibench.errors import MethodFailed, UsageError
from simplibench.harness.channel import Channel, Memory
from simplibench.methods.manifest import Manifest
from simplibench.methods.performer import Performer, Reply, Request, manifest
from simplibench.methods.selection import Selection, load_selection
from simplibench.methods.submission import load_submission

# Host and guest work in turn on the same cores: a pool that spins for its next task slows the other down by a third.
PASSIVE_THREADS = {"OMP_WAIT_POLICY": "passive"}
START_SECONDS = 60.0  # for loading a submission's file, imports included


class Nursery:
    """The process that forks guests; see nursery.py. A context manager."""

    def __init__(self) -> None:
        own, theirs = socket.socketpair()
        # A session of its own: Ctrl-C reaches the host alone, which then closes its sockets.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "simplibench.harness.nursery", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env=os.environ | PASSIVE_THREADS,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        theirs.close()
        self._control = own
        self._used = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._control.close()
        if not self._used:  # it may still be loading, for nothing
            self._process.kill()
        self._process.wait()

    def start(self, file: Path, device: str, descriptors: list[int], selection: Selection | None = None) -> int:
        """Fork a guest that loads the file and talks over the descriptors; its process id."""
        self._used = True
        selected = selection.model_dump(mode="json") if selection else None
        order = {"do": "start", "file": str(file), "device": device, "selection": selected}
        socket.send_fds(self._control, [json.dumps(order).encode()], descriptors)
        return int(self._answer()["pid"])

    def end(self, pid: int) -> int:
        """Kill a guest if it still runs; its exit code, negative for a signal."""
        self._control.sendall(json.dumps({"do": "end", "pid": pid}).encode())
        return int(self._answer()["code"])

    def _answer(self) -> dict[str, Any]:
        answer = self._control.recv(1 << 16)
        if not answer:
            raise RuntimeError(f"the process that starts guests ended with code {self._process.wait()}")
        return dict(json.loads(answer))


class Guest:
    """Runs one submission's code elsewhere. Starts when first needed, and anew after it died or was killed."""

    def __init__(self, nursery: Nursery, file: Path, device: str, selection: Selection | None = None) -> None:
        self.nursery, self.file, self.device, self.selection = nursery, file, device, selection
        self.seconds_left = START_SECONDS
        self.peak_memory_bytes = 0
        self._channel: Channel | None = None
        self._pid = 0

    def manifest(self) -> Manifest:
        """Load the submission in the guest. Raises UsageError with what is wrong with the file."""
        header = self._start()
        if "unusable" in header:
            self.close()
            raise UsageError(header["unusable"])
        return Manifest.model_validate(header["manifest"])

    def call(self, request: Request) -> Reply:
        """Have a request performed. Raises MethodFailed with the reason, a timeout and a crash among them."""
        if self._channel is None:
            self.manifest()
        assert self._channel is not None  # for the type checker: manifest() has just opened it
        facts = {
            "method": request.method,
            "entry": request.entry,
            "seed": request.seed,
            "audit": request.audit,
            "model": request.model,
        }
        start = time.monotonic()
        try:
            self._channel.send(facts, request.tensors)
            header, tensors = self._receive(request.method, self.seconds_left)
        except BrokenPipeError:
            raise self._died(request.method) from None
        self.seconds_left -= time.monotonic() - start
        if "failed" in header:
            raise MethodFailed(**header["failed"])
        self.peak_memory_bytes = header.pop("peak_memory_bytes")
        return Reply(tensors=tensors, **header)

    def close(self) -> None:
        """End the process and free its memory."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None
            self.nursery.end(self._pid)

    def _start(self) -> dict[str, Any]:
        self.close()
        own, theirs = socket.socketpair()
        outgoing, incoming = Memory(), Memory()
        self._pid = self.nursery.start(
            self.file, self.device, [theirs.fileno(), outgoing.descriptor, incoming.descriptor], self.selection
        )
        theirs.close()
        self._channel = Channel(Connection(own.detach()), outgoing, incoming)
        try:
            return self._receive("loading the file", START_SECONDS)[0]
        except MethodFailed as error:
            raise UsageError(f"{self.file}: {error}") from None

    def _receive(self, doing: str, seconds: float) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
        assert self._channel is not None
        try:
            if not self._channel.connection.poll(max(0.0, seconds)):
                self.close()
                raise MethodFailed(
                    doing,
                    "an end within the time an entry has (--timeout SECONDS)",
                    f"none in the {seconds:.3g} seconds that were left; it was stopped",
                )
            return self._channel.receive(copy=True)
        except (EOFError, ConnectionResetError):
            raise self._died(doing) from None
        except ValueError as error:
            self.close()
            raise MethodFailed(doing, "a result", f"a malformed message: {error}") from None

    def _died(self, doing: str) -> MethodFailed:
        assert self._channel is not None
        self._channel.close()
        self._channel = None
        code = self.nursery.end(self._pid)
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        return MethodFailed(doing, "a result", f"the end of its process, {how}")


class InProcess:
    """Performs requests right here, for debugging a method: no timeout, no isolation, no rank."""

    def __init__(self, file: Path, device: str, selection: Selection | None = None) -> None:
        submission = load_selection(selection) if selection else load_submission(file)
        self._manifest = manifest(submission)
        self._performer = Performer(submission, device, file)
        self.seconds_left = 0.0
        self.peak_memory_bytes = 0

    def manifest(self) -> Manifest:
        """What the file puts forward."""
        return self._manifest

    def call(self, request: Request) -> Reply:
        """Perform the request. Raises MethodFailed with the reason."""
        return self._performer.call(request)

    def close(self) -> None:
        """Nothing to end."""
