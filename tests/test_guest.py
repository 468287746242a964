"""Guests: isolation, time limits, and that nothing is left behind."""

import errno
import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest
import torch

from simplibench.errors import MethodFailed, ProcessLost, UsageError
from simplibench.guest import ForkServer, Guest, InProcess, Request
from simplibench.guest.channel import Memory
from simplibench.guest.messages import Call
from simplibench.methods import EntrySpec, MethodSpec

X = torch.arange(12.0).reshape(3, 4)


@pytest.fixture
def guest(server, submission_file):
    opened = []

    def start(body):
        opened.append(Guest(server, submission_file(body), "cpu"))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


def call(guest, method="encode", **tensors):
    return guest.call(Request(Call(method=method, entry=0), tensors or {"x": X})).tensors


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.uint8, torch.bool])
def test_tensors_of_every_kind_come_back_as_they_went(dtype, guest, identity_body):
    x = torch.tensor([[0, 1], [1, 0]]).to(dtype)
    result = call(guest(identity_body), x=x)["result"]
    assert result.dtype == dtype
    assert torch.equal(result, x)


def test_empty_tensors_and_large_ones_pass(guest, identity_body):
    own = guest(identity_body)
    assert call(own, x=torch.empty(5, 0))["result"].shape == (5, 0)
    large = torch.randn(2_000, 700)
    assert torch.equal(call(own, x=large)["result"], large)


def test_what_the_host_holds_does_not_change_with_the_next_call(guest, identity_body):
    own = guest(identity_body)
    first = call(own)["result"]
    call(own, x=-X)
    assert torch.equal(first, X)


def test_a_loop_is_stopped_in_time_and_the_next_call_gets_a_new_process(guest):
    own = guest(
        "def encode(self, state, x):\n    while x[0, 0] == 0: pass\n    return x\ndef decode(self, state, code): return code"
    )
    own.seconds_left = 1.0
    start = time.monotonic()
    with pytest.raises(MethodFailed, match="got none in the 1 seconds that were left; it was stopped"):
        call(own)
    assert time.monotonic() - start < 10
    own.seconds_left = 30.0
    assert torch.equal(call(own, x=X + 1)["result"], X + 1)


def test_time_is_counted_over_all_calls_of_an_entry(guest):
    own = guest(
        "def encode(self, state, x):\n    import time; time.sleep(0.7)\n    return x\n"
        "def decode(self, state, code): return code"
    )
    own.manifest()
    own.seconds_left = 2.0
    call(own)
    call(own)
    with pytest.raises(MethodFailed, match="time an entry has"):
        call(own)


def test_a_crash_names_the_signal_and_is_survived(guest):
    own = guest(
        "def encode(self, state, x):\n    import os; os.kill(os.getpid(), 11)\n"
        "def decode(self, state, code): return code"
    )
    with pytest.raises(MethodFailed, match="encode: expected a result, got the end of its process, by signal 11"):
        call(own)
    assert torch.equal(call(own, "decode", code=X)["result"], X)


def test_the_scorer_never_imports_a_submission(submission_file, identity_body, server):
    path = submission_file(identity_body)
    path.write_text(path.read_text(encoding="utf-8") + "\nimport sys; sys.imported_here = True\n", encoding="utf-8")
    own = Guest(server, path, "cpu")
    call(own)
    own.close()
    assert not hasattr(sys, "imported_here")


def test_what_a_submission_prints_does_not_reach_the_output(submission_file, identity_body, capfd, server):
    path = submission_file(
        "def encode(self, state, x): print('noise'); return x\ndef decode(self, state, code): return code"
    )
    own = Guest(server, path, "cpu")
    call(own)
    own.close()
    assert "noise" not in "".join(capfd.readouterr())


def test_a_locale_of_ascii_does_not_end_a_submission_that_prints_other_letters(submission_file, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii:strict")
    body = "def encode(self, state, x): print('Zoë Łukasz'); return x\ndef decode(self, state, code): return code"
    with ForkServer() as server:
        guest = Guest(server, submission_file(body), "cpu")
        assert torch.equal(call(guest)["result"], X)
        guest.close()


def test_in_process_gives_the_same_results(submission_file, server):
    path = submission_file("def encode(self, state, x): return x * 3\ndef decode(self, state, code): return code")
    guest = Guest(server, path, "cpu")
    assert torch.equal(call(guest)["result"], call(InProcess(path, "cpu"))["result"])
    guest.close()


def test_guests_end_when_the_host_is_killed_even_in_an_endless_loop(submission_file):
    path = submission_file(
        "def encode(self, state, x):\n    while True: pass\ndef decode(self, state, code): return code"
    )
    script = textwrap.dedent(f"""
        import torch
        from pathlib import Path
        from simplibench.guest import ForkServer, Guest, Request
        from simplibench.guest.messages import Call
        with ForkServer() as server:
            guest = Guest(server, Path({str(path)!r}), "cpu")
            guest.manifest()
            print(guest._pid, flush=True)
            guest.call(Request(Call(method="encode", entry=0), {{"x": torch.zeros(2, 2)}}))
    """)
    host = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, encoding="utf-8")
    pid = host.stdout.readline().strip()
    assert os.path.exists(f"/proc/{pid}")
    host.kill()
    host.communicate()
    wait_for(lambda: not os.path.exists(f"/proc/{pid}"))


def wait_for(condition, seconds=30.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


def test_what_a_guest_started_ends_with_it_where_no_sandbox_keeps_it_from_starting():
    script = textwrap.dedent("""
        import os, time
        from simplibench.guest import fork_server
        fork_server._adopt_orphans()
        reads, writes = os.pipe()
        guest = os.fork()
        if not guest:
            os.setpgid(0, 0)
            if not os.fork():
                os.setsid()
                os.write(writes, str(os.getpid()).encode())
                time.sleep(600)
            time.sleep(600)
        left_behind = int(os.read(reads, 20))
        fork_server._end(guest, set())
        assert not os.path.exists(f"/proc/{left_behind}")
    """)
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


STARTS_PROCESSES = {
    "subprocess": "import subprocess; subprocess.run(['true'])",
    "multiprocessing": "import multiprocessing; multiprocessing.get_context('spawn').Process(target=print).start()",
    "fork": "import os; os.fork()",
    "system": "import os; os.system('true')",
}


@pytest.mark.parametrize("starts", STARTS_PROCESSES.values(), ids=STARTS_PROCESSES.keys())
def test_a_guest_that_starts_a_process_is_told_to_keep_to_one(starts, guest):
    with pytest.raises(MethodFailed, match=r"PermissionError.*a guest is one process and starts no other.*n_jobs=1"):
        call(
            guest(
                f"def fit(self, x, generator):\n    {starts}\n    return {{}}\n"
                "def encode(self, state, x): return x\ndef decode(self, state, code): return code"
            ),
            "fit",
        )


def test_joblib_works_in_one_process(guest):
    spread = "import joblib; list(joblib.Parallel(2)(joblib.delayed(abs)(number) for number in range(4)))"
    body = f"def fit(self, x, generator): {spread}; return {{}}\ndef encode(self, state, x): return x\n"
    assert call(guest(body + "def decode(self, state, code): return code"), "fit") == {}


def test_a_fork_server_that_is_killed_ends_the_run_in_words(submission_file, identity_body):
    with ForkServer() as server:
        guest = Guest(server, submission_file(identity_body), "cpu")
        guest.manifest()
        os.kill(server.pid, signal.SIGKILL)
        with pytest.raises(ProcessLost, match="that starts guests was killed by signal 9; what is saved stays"):
            guest.close()


def test_the_last_words_of_a_fork_server_that_cannot_start_are_told(monkeypatch, submission_file, identity_body):
    monkeypatch.setattr("simplibench.guest.host.SERVE", "raise ImportError('no torch here')")
    with (
        ForkServer() as server,
        pytest.raises(ProcessLost, match=r"exit code 1; its last words: [^$]*ImportError: no torch here"),
    ):
        Guest(server, submission_file(identity_body), "cpu").manifest()


SHADOWED = ("benchmark", "json", "queue", "resource", "select", "signal", "token", "torch")


def test_files_of_the_working_folder_are_no_modules_of_a_run(tmp_path, simplibench):
    for name in SHADOWED:
        (tmp_path / f"{name}.py").write_text(
            "raise RuntimeError('a file of the working folder was run')", encoding="utf-8"
        )
    options = ["--arena", "attention.1", "--seed", "0", "--limit", "4", "--jobs", "2"]
    finished = simplibench("run", "constant", *options, cwd=tmp_path, module=False)
    assert finished.returncode == 0, finished.stderr
    assert "working folder" not in finished.stderr


def test_a_file_that_cannot_be_run_again_loses_the_entry_and_not_the_run(tmp_path, guest):
    body = "def encode(self, state, x):\n    import os\n    os._exit(3)\ndef decode(self, state, code): return code"
    lost = guest(body)
    lost.manifest()
    lost.file.write_text(
        lost.file.read_text(encoding="utf-8") + "\nraise RuntimeError('not again')\n", encoding="utf-8"
    )
    with pytest.raises(MethodFailed, match="with exit code 3"):
        call(lost)
    with pytest.raises(
        MethodFailed, match=r"loading the file: expected the submission, got .*own.py:\d+: raised Runtime"
    ):
        call(lost)


def test_a_file_that_puts_other_entries_forward_each_time_is_refused(guest, identity_body):
    changing = guest(identity_body)
    changing.manifest()
    changing.file.write_text(changing.file.read_text(encoding="utf-8").replace("'own'", "'other'"), encoding="utf-8")
    with pytest.raises(UsageError, match="puts other entries forward each time it is run"):
        changing.manifest()


def test_half_a_surrogate_pair_in_an_exception_is_escaped(guest):
    body = "def encode(self, state, x): raise ValueError('half \\ud800 a pair')\ndef decode(self, state, code): return code"
    with pytest.raises(MethodFailed, match=r"half \\ud800 a pair"):
        call(guest(body))


def test_an_error_names_its_line_where_the_file_is_given_by_a_relative_path(
    monkeypatch, server, submission_file, tmp_path
):
    path = submission_file(
        "def encode(self, state, x): return x / 0 / missing\ndef decode(self, state, code): return code"
    )
    monkeypatch.chdir(tmp_path)
    guest = Guest(server, path.relative_to(tmp_path), "cpu")
    with pytest.raises(MethodFailed, match=r"NameError at own.py:\d+"):
        call(guest)
    guest.close()
    path.write_text("import torch\n\nnothing_there\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"own.py:3: raised NameError"):
        guest.manifest()


def test_a_file_may_take_as_long_to_load_as_an_entry_has_time(monkeypatch, server, submission_file, identity_body):
    monkeypatch.setattr("simplibench.guest.host.LOADING_SECONDS", 0.5)
    path = submission_file(identity_body)
    path.write_text("import time; time.sleep(1.5)\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    guest = Guest(server, path, "cpu")
    guest.seconds_left = 0.5
    with pytest.raises(UsageError, match=r"an end within the time an entry has \(--timeout SECONDS\)"):
        guest.manifest()
    guest.seconds_left = 30.0
    assert guest.manifest().name == "own"
    guest.close()


def test_fields_of_any_size_reach_the_guest(server, tmp_path):
    (tmp_path / "long.py").write_text(
        "from simplibench import Codec\nclass Long(Codec):\n    values: tuple[int, ...]\n"
        "    def encode(self, state, x): return x\n    def decode(self, state, code): return code\n",
        encoding="utf-8",
    )
    values = list(range(50_000))
    entries = (EntrySpec(method="Long", fields={"values": values}),)
    selection = MethodSpec(
        file=tmp_path / "long.py", name="long", authors=("a",), citation="none", control=False, entries=entries
    )
    guest = Guest(server, selection.file, "cpu", selection)
    assert guest.manifest().entries[0].fields["values"] == values
    guest.close()


def test_shared_memory_that_the_system_does_not_give_is_told_and_loses_the_entry(monkeypatch, guest, identity_body):
    def refuse(descriptor, held, size):
        raise OSError(errno.ENOSPC, "no space")

    willing = guest(identity_body)
    willing.manifest()
    monkeypatch.setattr(os, "posix_fallocate", refuse)
    with pytest.raises(
        MethodFailed, match=r"2 MiB of shared memory were needed for one message, the system gave 0 MiB"
    ):
        call(willing, x=torch.zeros(400, 1_000))
    monkeypatch.undo()
    assert torch.equal(call(willing)["result"], X)


def test_shared_memory_is_reserved_before_it_is_written():
    memory = Memory()
    memory.grown(3_000_000)
    assert os.fstat(memory.descriptor).st_blocks * 512 >= 3_000_000
    memory.close()


def test_closing_a_fork_server_ends_its_process(submission_file, identity_body):
    with ForkServer() as own:
        guest = Guest(own, submission_file(identity_body), "cpu")
        guest.manifest()
        pid = own.pid
        guest.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, signal.SIG_DFL)
