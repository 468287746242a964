"""The fork server: a process, started by the host, that has torch loaded and quickly forks one guest per request.

An order, and its answer, is one short JSON message over the socket given as first argument; descriptors travel with the
order. A guest that hangs, crashes or is killed affects no other. The fork server ends with its host, a guest with its
channel, and the processes of a guest with the guest.
"""

import array
import contextlib
import ctypes
import io
import json
import os
import resource
import select
import signal
import socket
import sys
import threading
from multiprocessing.connection import Connection
from pathlib import Path

import torch

from simplibench.allocator import keep_freed_memory
from simplibench.errors import MethodFailed, SimplibenchError
from simplibench.guest import sandbox
from simplibench.guest.channel import Channel, Memory, MemoryRefused
from simplibench.guest.messages import Call, Failed, Load, Loaded, Request, Unusable
from simplibench.guest.one_process import refuse_processes
from simplibench.guest.worker import Worker, manifest
from simplibench.methods.beside import find_ahead
from simplibench.methods.spec import load_spec
from simplibench.methods.submission import load_submission

DESCRIPTORS = 3  # per guest: its socket, the memory it reads, the memory it writes
ORDER_BYTES = 1 << 12  # of an order or answer, at most; longer messages go over the guest's channel
PR_SET_CHILD_SUBREAPER = 36  # as in linux/prctl.h


def main() -> None:
    """Serve until the host hangs up, then end all guests."""
    keep_freed_memory()
    torch.zeros(1).half().float()  # has torch read what the processor can, from files that guests cannot read
    _adopt_orphans()
    control = socket.socket(fileno=int(sys.argv[1]))
    guests: set[int] = set()
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, ORDER_BYTES, DESCRIPTORS)
        if not message:
            _end_all(guests)
            return
        order = json.loads(message)
        if order["do"] == "start":
            pid = _fork(order["device"], array.array("i", descriptors), control)
            guests.add(pid)
            answer = {"pid": pid}
        else:
            guests.discard(order["pid"])
            answer = {"code": _end(order["pid"], guests)}
        control.sendall(json.dumps(answer).encode("ascii"))


def _adopt_orphans() -> None:
    """Let processes that a guest started become this process's children once the guest ends, so that they can be ended."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _fork(device: str, descriptors: "array.array[int]", control: socket.socket) -> int:
    pid = os.fork()
    if not pid:
        control.close()
        code = 1
        try:
            os.setpgid(0, 0)
            _silence()
            _be_guest(device, *descriptors)
            code = 0
        finally:
            os._exit(code)
    for descriptor in descriptors:
        os.close(descriptor)
    return pid


def _silence() -> None:
    """Discard what this guest prints; what the fork server writes still reaches the host."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # nor does a locale of ASCII end who prints other letters


def _end(pid: int, guests: set[int]) -> int:
    """Kill a guest and what it started; return its exit code, or minus the signal's number."""
    done, status = os.waitpid(pid, os.WNOHANG)
    for kill, target in ((os.killpg, pid), (os.kill, pid)):
        if not done or kill is os.killpg:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                kill(target, signal.SIGKILL)
    if not done:
        _, status = os.waitpid(pid, 0)
    _end_orphans(guests)
    return os.waitstatus_to_exitcode(status)


def _end_all(guests: set[int]) -> None:
    for pid in list(guests):
        guests.discard(pid)
        with contextlib.suppress(ChildProcessError):
            _end(pid, guests)


def _end_orphans(guests: set[int]) -> None:
    """Kill the children that are no guests, and their descendants, which become children as their parents end."""
    while orphans := _children() - guests:
        for pid in orphans:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in orphans:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _children() -> set[int]:
    """Return the ids of this process's children; none on a system that does not list them."""
    children: set[int] = set()
    for thread in Path("/proc/self/task").glob("*"):
        with contextlib.suppress(OSError):
            children |= set(map(int, (thread / "children").read_text(encoding="ascii").split()))
    return children


def _be_guest(device: str, descriptor: int, incoming: int, outgoing: int) -> None:
    torch.set_num_threads(1)  # as the units that the guest works for
    channel = Channel(Connection(descriptor), Memory(outgoing), Memory(incoming))
    order = Load.model_validate(channel.receive(copy=False)[0])
    # Before there is another thread: one that began outside of the sandbox would stay outside.
    sandbox.enclose((descriptor, incoming, outgoing), _source_files(order), device)
    threading.Thread(target=_leave_with_host, args=(descriptor,), daemon=True).start()
    refuse_processes()
    worker = _loaded(order, channel, device)
    if worker is not None:
        _serve(channel, worker)


def _source_files(order: Load) -> list[Path]:
    """Return the files that the submission is made of; of one that cannot be read, its own, so that running it says why."""
    try:
        return list(find_ahead(order.file).files().values())
    except (OSError, SyntaxError, ValueError):
        return [order.file]


def _loaded(order: Load, channel: Channel, device: str) -> Worker | None:
    """Run the file that the host names and send its entries; return their worker, or None if the file is unusable."""
    try:
        submission = load_spec(order.spec) if order.spec else load_submission(order.file)
        described = Loaded(manifest=manifest(submission))
    except SimplibenchError as error:
        channel.send(Unusable(problem=printable(str(error))))
    except Exception as error:  # the host reports whatever describing it raised
        channel.send(Unusable(problem=printable(f"{order.file}: {type(error).__name__}: {error}")))
    else:
        channel.send(described)
        return Worker(submission, device, order.file)
    return None


def _serve(channel: Channel, worker: Worker) -> None:
    files_closed = False
    while True:
        try:
            said, tensors = channel.receive(copy=False)
        except EOFError:
            return
        try:
            call = Call.model_validate(said)
            if worker.reads_no_files(call) and not files_closed:
                sandbox.close_files()
                files_closed = True
            reply = worker.call(Request(call, tensors))
            channel.send(reply.done.model_copy(update={"peak_memory_bytes": _peak_memory_bytes()}), reply.tensors)
        except MethodFailed as failure:
            channel.send(Failed(method=failure.method, expected=failure.expected, got=printable(failure.got)))
        except MemoryRefused as refusal:
            channel.send(Failed(method=said["method"], expected="a result that fits in memory", got=str(refusal)))


def printable(text: str) -> str:
    """Escape what is no character, such as half of a surrogate pair: records and terminals cannot hold it."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _leave_with_host(descriptor: int) -> None:
    """End this process when the host's end of the socket is gone, even while the submission loops."""
    watch = select.poll()
    watch.register(descriptor, select.POLLHUP)
    watch.poll()
    os._exit(1)


def _peak_memory_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
