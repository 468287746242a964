"""Guests: isolation, time limits, and that nothing is left behind."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest
import torch

from simplibench.errors import MethodFailed
from simplibench.harness.guest import Guest, InProcess, Nursery
from simplibench.methods import Request

X = torch.arange(12.0).reshape(3, 4)


@pytest.fixture
def guest(nursery, submission_file):
    opened = []

    def start(body):
        opened.append(Guest(nursery, submission_file(body), "cpu"))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


def call(guest, method="encode", **tensors):
    return guest.call(Request(method, 0, tensors or {"x": X})).tensors


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


def test_the_scorer_never_imports_a_submission(submission_file, identity_body, nursery):
    path = submission_file(identity_body)
    path.write_text(path.read_text(encoding="utf-8") + "\nimport sys; sys.imported_here = True\n", encoding="utf-8")
    own = Guest(nursery, path, "cpu")
    call(own)
    own.close()
    assert not hasattr(sys, "imported_here")


def test_what_a_submission_prints_does_not_reach_the_output(submission_file, identity_body, capfd, nursery):
    path = submission_file(
        "def encode(self, state, x): print('noise'); return x\ndef decode(self, state, code): return code"
    )
    own = Guest(nursery, path, "cpu")
    call(own)
    own.close()
    assert "noise" not in "".join(capfd.readouterr())


def test_in_process_gives_the_same_results(submission_file, nursery):
    path = submission_file("def encode(self, state, x): return x * 3\ndef decode(self, state, code): return code")
    guest = Guest(nursery, path, "cpu")
    assert torch.equal(call(guest)["result"], call(InProcess(path, "cpu"))["result"])
    guest.close()


def test_guests_end_when_the_host_is_killed_even_in_an_endless_loop(tmp_path, submission_file):
    note_pid = "open(__file__ + '.pid', 'w').write(str(__import__('os').getpid()))"
    body = f"def encode(self, state, x):\n    {note_pid}\n    while True: pass\n"
    path = submission_file(body + "def decode(self, state, code): return code")
    script = textwrap.dedent(f"""
        import torch
        from pathlib import Path
        from simplibench.harness.guest import Guest, Nursery
        from simplibench.methods import Request
        with Nursery() as nursery:
            Guest(nursery, Path({str(path)!r}), "cpu").call(Request("encode", 0, {{"x": torch.zeros(2, 2)}}))
    """)
    host = subprocess.Popen([sys.executable, "-c", script])
    note = path.with_name(path.name + ".pid")
    wait_for(note.exists)
    host.kill()
    host.wait()
    wait_for(lambda: not os.path.exists(f"/proc/{note.read_text(encoding='utf-8')}"))


def wait_for(condition, seconds=30.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


def test_closing_a_nursery_ends_its_process(submission_file, identity_body):
    with Nursery() as own:
        guest = Guest(own, submission_file(identity_body), "cpu")
        guest.manifest()
        pid = own._process.pid
        guest.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, signal.SIG_DFL)
