"""Starts guests quickly: a process that has torch loaded and forks one guest a request. Run as a module by the host.

Requests and answers are one JSON line each over the socket given as first argument, descriptors riding along. A guest
that hangs, crashes or is killed is lost alone. The nursery ends with its host; a guest ends with its channel.
"""

import array
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
from typing import Any

import torch

from simplibench.errors import MethodFailed, SimplibenchError
from simplibench.harness.allocator import keep_freed_memory
from simplibench.harness.channel import Channel, Memory
from simplibench.methods.performer import Performer, Request, manifest
from simplibench.methods.selection import Selection, load_selection
from simplibench.methods.submission import load_submission

DESCRIPTORS = 3  # of a guest: its socket, the memory it reads, the memory it writes


def main() -> None:
    """Serve until the host hangs up."""
    keep_freed_memory()
    control = socket.socket(fileno=int(sys.argv[1]))
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 1 << 16, DESCRIPTORS)
        if not message:
            return
        request = json.loads(message)
        if request["do"] == "start":
            control.sendall(json.dumps(_fork(request, array.array("i", descriptors), control)).encode())
        else:
            control.sendall(json.dumps(_end(request["pid"])).encode())


def _fork(request: dict[str, Any], descriptors: "array.array[int]", control: socket.socket) -> dict[str, int]:
    pid = os.fork()
    if not pid:
        control.close()
        code = 1
        try:
            _be_guest(request, *descriptors)
            code = 0
        finally:
            os._exit(code)
    for descriptor in descriptors:
        os.close(descriptor)
    return {"pid": pid}


def _end(pid: int) -> dict[str, int]:
    """Kill a guest and say how it had ended: its exit code, or minus the signal's number."""
    done, status = os.waitpid(pid, os.WNOHANG)
    if not done:
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
    return {"code": os.waitstatus_to_exitcode(status)}


def _be_guest(request: dict[str, Any], descriptor: int, incoming: int, outgoing: int) -> None:
    threading.Thread(target=_leave_with_host, args=(descriptor,), daemon=True).start()
    torch.set_num_threads(1)  # as in the units that the guest works for
    channel = Channel(Connection(descriptor), Memory(outgoing), Memory(incoming))
    try:
        file = Path(request["file"])
        chosen = request["selection"]
        submission = load_selection(Selection.model_validate(chosen)) if chosen else load_submission(file)
        channel.send({"manifest": manifest(submission).model_dump(mode="json")}, {})
    except SimplibenchError as error:
        channel.send({"unusable": str(error)}, {})
        return
    except TypeError as error:
        channel.send({"unusable": f"{file}: {error}"}, {})
        return
    _serve(channel, Performer(submission, request["device"], file))


def _serve(channel: Channel, performer: Performer) -> None:
    while True:
        try:
            header, tensors = channel.receive(copy=False)
        except EOFError:
            return
        try:
            reply = performer.call(Request(**header, tensors=tensors))
        except MethodFailed as failure:
            failed = {"method": failure.method, "expected": failure.expected, "got": failure.got}
            channel.send({"failed": failed}, {})
            continue
        facts = {"seconds": reply.seconds, "drew": reply.drew, "changed_input": reply.changed_input}
        channel.send(facts | {"peak_memory_bytes": _peak_memory_bytes()}, reply.tensors)


def _leave_with_host(descriptor: int) -> None:
    """End this process when the host's side of the socket is gone, even while the submission loops."""
    watch = select.poll()
    watch.register(descriptor, select.POLLHUP)
    watch.poll()
    os._exit(1)


def _peak_memory_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
