"""Handles on guests: processes that run a submission's code within a time limit, or are killed."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from simplibench.errors import MethodFailed, ProcessLost, UsageError
from simplibench.guest import sandbox
from simplibench.guest.channel import Channel, Memory, MemoryRefused
from simplibench.guest.fork_server import ORDER_BYTES
from simplibench.guest.messages import ANSWERS, Answer, Failed, Load, Loaded, Reply, Request, Unusable
from simplibench.guest.worker import Worker, manifest
from simplibench.methods.manifest import Manifest
from simplibench.methods.spec import MethodSpec, load_spec
from simplibench.methods.submission import load_submission

# Host and guest work in turn on the same cores: a pool that spins for its next task slows the other down by a third.
PASSIVE_THREADS = {"OMP_WAIT_POLICY": "passive"}
LOADING_SECONDS = 60.0  # to run a submission's file, imports included; or the entry's time if that is longer
SERVE = "from simplibench.guest.fork_server import main; main()"
LAST_WORDS = 2_000  # bytes of what the fork server wrote before it ended
MALFORMED = (ValueError, KeyError, TypeError, OverflowError, RecursionError, RuntimeError)


class ForkServer:
    """A handle on the process that forks guests, see fork_server.py. A context manager."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        # -P: a file in the working folder that is called like a module is none. A session of its own: Ctrl-C reaches the
        # host alone, which then closes its sockets.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", SERVE, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env=sandbox.environment() | PASSIVE_THREADS,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
            start_new_session=True,
        )
        theirs.close()
        self._control = ours
        self._used = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._control.close()
        if not self._used:  # it may still be loading, for nothing
            self._process.kill()
        self._process.wait()
        self._errors.close()

    @property
    def pid(self) -> int:
        """Return the fork server's process id."""
        return self._process.pid

    def start(self, device: str, descriptors: list[int]) -> int:
        """Fork a guest that uses these descriptors; return its process id. Raises: ProcessLost."""
        self._used = True
        return int(self._answer({"do": "start", "device": device}, descriptors)["pid"])

    def end(self, pid: int) -> int:
        """Kill a guest, if it still runs, and what it started; return its exit code, negative for a signal.

        Raises: ProcessLost.
        """
        return int(self._answer({"do": "end", "pid": pid}, [])["code"])

    def _answer(self, order: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        try:
            socket.send_fds(self._control, [json.dumps(order).encode("ascii")], descriptors)
            answer = self._control.recv(ORDER_BYTES)
        except (BrokenPipeError, ConnectionResetError):
            answer = b""
        if not answer:
            raise ProcessLost(self._last_words())
        return dict(json.loads(answer))

    def _last_words(self) -> str:
        code = self._process.wait()
        self._errors.seek(max(0, self._errors.seek(0, os.SEEK_END) - LAST_WORDS))
        written = self._errors.read().decode("utf-8", "backslashreplace").strip()
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        said = f"; its last words: {written}" if written else ""
        return f"the process that starts guests {how}{said}; what is saved stays, the same command goes on from there"


class Guest:
    """A process that runs one submission's code. It starts when first needed, and again after it died or was killed."""

    def __init__(self, server: ForkServer, file: Path, device: str, spec: MethodSpec | None = None) -> None:
        self.server, self.file, self.device, self.spec = server, file, device, spec
        self.seconds_left = LOADING_SECONDS
        self.peak_memory_bytes = 0
        self._channel: Channel | None = None
        self._pid = 0
        self._manifest: Manifest | None = None  # of the first run of the file

    def manifest(self) -> Manifest:
        """Run the submission's file in the guest and return its entries. Raises: UsageError that says what is wrong."""
        try:
            answer = self._started()
        except MethodFailed as failure:
            raise UsageError(f"{self.file}: {failure}") from None
        if isinstance(answer, Unusable):
            self.close()
            raise UsageError(answer.problem)
        self._manifest = self._manifest or answer.manifest
        if answer.manifest != self._manifest:
            self.close()
            raise UsageError(f"{self.file}: puts other entries forward each time it is run; make them the same")
        return answer.manifest

    def call(self, request: Request) -> Reply:
        """Perform a request in the guest. Raises: MethodFailed with the reason, which may be a timeout or a crash."""
        method = request.call.method
        channel = self._channel or self._opened_again()
        start = time.monotonic()
        try:
            channel.send(request.call, request.tensors)
            answer, tensors = self._receive(method, self.seconds_left)
        except BrokenPipeError:
            raise self._died(method) from None
        except MemoryRefused as refusal:
            raise MethodFailed(method, "memory for what it is given", str(refusal)) from None
        self.seconds_left -= time.monotonic() - start
        if isinstance(answer, Failed):
            raise MethodFailed(answer.method, answer.expected, answer.got)
        if answer.kind != "done":
            self.close()
            raise MethodFailed(method, "a result", f"another answer: {answer.kind}")
        self.peak_memory_bytes = answer.peak_memory_bytes
        return Reply(tensors, answer)

    def close(self) -> None:
        """End the process and free its memory."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None
            self.server.end(self._pid)

    def _opened_again(self) -> Channel:
        try:
            self.manifest()
        except UsageError as error:  # the file has run before, so only this entry is lost, not the run
            raise MethodFailed("loading the file", "the submission", str(error)) from None
        if self._channel is None:
            raise MethodFailed("loading the file", "a process that stays", "one that ended")
        return self._channel

    def _started(self) -> Loaded | Unusable:
        self.close()
        ours, theirs = socket.socketpair()
        channel = Channel(Connection(ours.detach()), Memory(), Memory())
        descriptors = [theirs.fileno(), channel.outgoing.descriptor, channel.incoming.descriptor]
        with theirs:
            try:
                self._pid = self.server.start(self.device, descriptors)
            except ProcessLost:
                channel.close()
                raise
        self._channel = channel
        doing = "loading the file"
        try:
            channel.send(Load(file=self.file.absolute(), spec=self.spec))
        except BrokenPipeError:
            raise self._died(doing) from None
        answer, _ = self._receive(doing, max(LOADING_SECONDS, self.seconds_left))
        if answer.kind == "done" or answer.kind == "failed":
            self.close()
            raise MethodFailed(doing, "what the submission puts forward", f"another answer: {answer.kind}")
        return answer

    def _receive(self, doing: str, seconds: float) -> tuple[Answer, dict[str, Any]]:
        if self._channel is None:
            raise MethodFailed(doing, "a process", "none")
        try:
            if not self._channel.connection.poll(max(0.0, seconds)):
                self.close()
                raise MethodFailed(
                    doing,
                    "an end within the time an entry has (--timeout SECONDS)",
                    f"none in the {seconds:.3g} seconds that were left; it was stopped",
                )
            said, tensors = self._channel.receive(copy=True)
            return ANSWERS.validate_python(said), tensors
        except (EOFError, ConnectionResetError):
            raise self._died(doing) from None
        except MALFORMED as error:
            self.close()
            raise MethodFailed(doing, "a result", f"a malformed message: {type(error).__name__}: {error}") from None

    def _died(self, doing: str) -> MethodFailed:
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        code = self.server.end(self._pid)
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        return MethodFailed(doing, "a result", f"the end of its process, {how}")


class InProcess:
    """A runner that performs requests in this process, to debug a method: no timeout, no isolation, no rank."""

    def __init__(self, file: Path, device: str, spec: MethodSpec | None = None) -> None:
        submission = load_spec(spec) if spec else load_submission(file)
        self._manifest = manifest(submission)
        self._worker = Worker(submission, device, file)
        self.seconds_left = 0.0
        self.peak_memory_bytes = 0

    def manifest(self) -> Manifest:
        """Return the file's entries."""
        return self._manifest

    def call(self, request: Request) -> Reply:
        """Perform the request. Raises: MethodFailed with the reason."""
        return self._worker.call(request)

    def close(self) -> None:
        """Do nothing: there is no process to end."""
