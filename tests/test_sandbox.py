"""What a guest cannot do: reach files, networks, processes, memory with a name, or the clock of another process."""

import os
import socket
import sys
import tempfile
from pathlib import Path

import pytest
import torch

from simplibench import evaluate
from simplibench.errors import MethodFailed, UsageError
from simplibench.guest import ForkServer, Guest, Request, landlock, sandbox, seccomp
from simplibench.guest.messages import Call
from simplibench.registry import BASELINES

pytestmark = pytest.mark.skipif(sandbox.enforced() == sandbox.NONE, reason="this kernel encloses no process")

CHECKPOINTS = BASELINES.parent / "benchmark" / "models" / "checkpoints"
CTYPES = "import ctypes; libc = ctypes.CDLL(None, use_errno=True); "
FORBIDDEN = {
    "read a file of the user": "open('/etc/passwd').read()",
    "read a checkpoint": f"open({str(next(CHECKPOINTS.rglob('*.safetensors')))!r}, 'rb').read()",
    "list its folder": "import os; os.listdir(os.path.dirname(__file__))",
    "list the processes": "import os; os.listdir('/proc')",
    "write a temporary file": f"open({tempfile.gettempdir()!r} + '/talk', 'w')",
    "write to its own file": "open(__file__, 'a')",
    "make shared memory": "from multiprocessing import shared_memory; shared_memory.SharedMemory(create=True, size=64)",
    "open a socket": "import socket; socket.socket()",
    "open a local socket": "import socket; socket.socket(socket.AF_UNIX)",
    "open a pair of sockets": "import socket; socket.socketpair()",
    "start a program": "import os; os.execv('/bin/true', ['true'])",
    "fork": "import os; os.fork()",
    "signal its parent": "import os; os.kill(os.getppid(), 0)",
    "stop every process": "import os; os.kill(-1, 0)",
    "change who may read a file": "import os; os.chmod(os.__file__, 0o644)",
    "change the times of a file": "import os; os.utime(os.__file__)",
    "lock a file": "import fcntl; fcntl.flock(open(__file__), fcntl.LOCK_SH)",
    "empty a file that it only reads": "import os; os.open(__file__, os.O_RDONLY | os.O_TRUNC)",
    "lock a range of a file": "import fcntl; fcntl.lockf(open(__file__), fcntl.LOCK_SH)",
    "make memory with a descriptor": "import os; os.memfd_create('talk')",
    "raise a bound": "import resource; resource.prlimit(1, resource.RLIMIT_NOFILE, (1, 1))",
    "read the clock of its parent": "import os, time; time.clock_gettime((~os.getppid()) << 3 | 2)",
    "rank itself": "import os; os.setpriority(os.PRIO_PROCESS, 0, 5)",
}
BY_NUMBER = {  # what Python has no function for: each must answer that it is not permitted, or not known
    "System V memory": ("shmget", (0x1234, 4096, 0o1666)),
    "a System V queue": ("msgget", (0x1234, 0o1666)),
    "a POSIX queue": ("mq_open", (b"/talk", 0o102)),
    "another process's memory": ("process_vm_readv", (1, None, 0, None, 0, 0)),
    "another program": ("execve", (b"/bin/true", None, None)),
    "tracing": ("ptrace", (16, 1, 0, 0)),
    "which pages are cached": ("mincore", (0, 4096, 0)),
    "how many processes there are": ("sysinfo", (0,)),
    "a name space": ("unshare", (0x10000000,)),
    "asynchronous calls": ("io_uring_setup", (1, 0)),
}


def number_of(name: str) -> int:
    column = 1 if seccomp.architecture() == "x86_64" else 2
    lines = [line.split() for line in ", ".join(seccomp.REFUSED.values()).split(",")]
    return next(int(words[column]) for words in lines if words[0] == name)


@pytest.fixture
def attempt(submission_file, server):
    """Runs a statement in a guest's `encode`, or elsewhere in the file, and returns what came of it."""

    def run(statement: str, method: str = "encode") -> Guest:
        body = f"def fit(self, x, generator):\n    {statement if method == 'fit' else 'pass'}\n    return {{}}\n"
        body += f"def encode(self, state, x):\n    {statement if method == 'encode' else 'pass'}\n    return x\n"
        guest = Guest(server, submission_file(body + "def decode(self, state, code): return code"), "cpu")
        try:
            guest.call(Request(Call(method=method, entry=0), {"x": torch.zeros(2, 2)}))
        finally:
            guest.close()

    return run


@pytest.mark.parametrize("method", ["fit", "encode"])
@pytest.mark.parametrize("statement", FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_a_guest_is_not_permitted_to(statement, method, attempt):
    with pytest.raises(MethodFailed, match="PermissionError"):
        attempt(statement, method)


@pytest.mark.parametrize(("name", "arguments"), BY_NUMBER.values(), ids=BY_NUMBER.keys())
def test_a_guest_gets_nothing_of(name, arguments, attempt):
    asked = f"result = libc.syscall({number_of(name)}, {', '.join(map(repr, arguments))}); "
    with pytest.raises(MethodFailed, match=r"PermissionError at own\.py:\d+: refused$"):
        attempt(
            CTYPES + asked + "assert result == -1; raise PermissionError('refused' if ctypes.get_errno() == 1 else '')"
        )


@pytest.mark.parametrize("statement", [FORBIDDEN["read a checkpoint"], FORBIDDEN["open a socket"], FORBIDDEN["fork"]])
def test_nor_is_it_while_its_file_is_run(statement, submission_file, identity_body, server):
    path = submission_file(identity_body)
    path.write_text(f"{statement}\n{path.read_text(encoding='utf-8')}", encoding="utf-8")
    with pytest.raises(UsageError, match=r"own\.py:1: raised PermissionError"):
        Guest(server, path, "cpu").manifest()


def test_libraries_are_read_while_it_fits_and_no_file_once_it_encodes(attempt):
    attempt("import wave", "fit")
    with pytest.raises(MethodFailed, match=r"wave\.py.*import what is needed at the top"):
        attempt("import wave")


def test_the_environment_of_the_user_is_not_its_own(monkeypatch, submission_file):
    monkeypatch.setenv("SECRET_TOKEN", "hidden")
    with ForkServer() as server:
        body = "def encode(self, state, x):\n    import os; raise ValueError('SECRET_TOKEN' in os.environ)\n"
        guest = Guest(server, submission_file(body + "def decode(self, state, code): return code"), "cpu")
        with pytest.raises(MethodFailed, match="ValueError.*False"):
            guest.call(Request(Call(method="encode", entry=0), {"x": torch.zeros(2, 2)}))
        guest.close()
        with open(f"/proc/{server.pid}/environ", "rb") as started_with:
            assert b"hidden" not in started_with.read()


def test_threads_and_arithmetic_work_as_ever(attempt):
    attempt(
        "import threading; thread = threading.Thread(target=lambda: None); thread.start(); thread.join(); "
        "assert torch.linalg.svd(torch.eye(300))[1].sum() == 300"
    )


def test_a_second_enclosure_takes_more_and_gives_nothing_back(tmp_path):
    (tmp_path / "a").write_text("x", encoding="utf-8")
    pid = os.fork()
    if not pid:
        code = 1
        try:
            landlock.allow_reading_only([tmp_path])
            code += (tmp_path / "a").read_text(encoding="utf-8") != "x"
            landlock.allow_reading_only(())
            try:
                (tmp_path / "a").read_text(encoding="utf-8")
            except PermissionError:
                code -= 1
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_a_process_cannot_be_started_past_pythons_own_refusal_either(attempt):
    with pytest.raises(MethodFailed, match=r"PermissionError at own\.py:\d+: refused$"):
        attempt(
            CTYPES + "assert libc.fork() == -1; raise PermissionError('refused' if ctypes.get_errno() == 1 else '')"
        )


@pytest.mark.parametrize(("in_process", "said"), [(False, sandbox.enforced()), (True, sandbox.NONE)])
def test_records_say_what_enclosed_their_guests(in_process, said, tmp_path):
    options = {"arenas": "residual.0", "seeds": 0, "limit": 2, "device": "cpu"}
    (record,) = evaluate("constant", **options, in_process=in_process, output=tmp_path)
    assert record.environment.sandbox == said


@pytest.mark.parametrize("socket_kind", [socket.AF_INET, socket.AF_UNIX])
def test_the_host_itself_is_not_enclosed(socket_kind, tmp_path):
    socket.socket(socket_kind).close()
    (tmp_path / "written").write_text(sys.executable, encoding="utf-8")
    assert Path("/etc/passwd").read_bytes()


def test_where_nothing_encloses_guests_it_is_said(monkeypatch, capsys):
    sandbox.warn_unenclosed()
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(landlock, "version", lambda: 0)
    sandbox.enforced.cache_clear()
    sandbox.warn_unenclosed()
    sandbox.enforced.cache_clear()
    assert "records say `sandbox: none`" in capsys.readouterr().err
