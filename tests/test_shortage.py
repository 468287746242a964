"""A full disk, a folder that takes no file, a user without a home, too little memory: told in words, before work is lost."""

import errno
import os
import pwd
import subprocess
import sys
from pathlib import Path

import numpy as np
import platformdirs
import pytest
import torch
from typer.testing import CliRunner

from simplibench import evaluate, files
from simplibench.cli import application
from simplibench.cli import leaderboard as leaderboard_command
from simplibench.cli import report as report_command
from simplibench.cli import study as study_command
from simplibench.cli import train as train_command
from simplibench.errors import UnwritableFile, UsageError
from simplibench.harness.codec import measure
from simplibench.harness.memory import NotEnoughMemory, enough_memory, ran_out
from simplibench.harness.runner import Runner
from simplibench.records import COMMITTED

app = application()

QUICK = {"tasks": "dyck-20-10", "arenas": "attention.1", "seeds": 0, "limit": 2, "device": "cpu"}
RECORD = COMMITTED / "dyck-20-10" / "attention.1" / "svd" / "SVD-rank-4.seed-0.json"
# A process that may write files of so many bytes: what is longer is an error of the system, as on a full disk.
LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)),) * 2)
from simplibench.cli import main
main()
"""


# Disks and folders


def limited(most_bytes, *arguments, **options):
    command = [sys.executable, "-c", LIMITED, str(most_bytes), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, encoding="utf-8", timeout=200, **options)


def test_a_disk_that_is_full_is_told_and_nothing_is_half_written(tmp_path):
    finished = limited(100, "new", "my-method", "--folder", tmp_path)
    assert finished.returncode == 1
    expected = f"{tmp_path}/my_method.py: cannot be written (File too large); make room or name a file elsewhere"
    assert finished.stderr.startswith(f"simplibench: {expected}")
    assert list(tmp_path.iterdir()) == []


def test_a_run_finds_out_before_its_first_entry_that_nothing_can_be_saved(tmp_path):
    options = ("--arena", "attention.1", "--seed", 0, "--limit", 2, "--in-process", "--output", "out")
    finished = limited(1_000, "run", "svd", *options, cwd=tmp_path)
    assert finished.returncode == 2
    assert "simplibench: output out: no file can be written there (File too large); make room or" in finished.stderr
    assert list(tmp_path.iterdir()) == []


def fail(*arguments, **options):
    raise AssertionError("nothing was to be done before")


@pytest.mark.parametrize(
    ("arguments", "work"),
    [
        (("run", "svd", "--limit", "2", "--arena", "attention.1", "--in-process", "--output"), (Runner, "prepare")),
        (("run", "svd", "--limit", "2", "--arena", "attention.1", "--fresh", "--output"), (Runner, "prepare")),
        (("rerun", str(RECORD), "--output"), (Runner, "prepare")),
        (("train", "dyck-2-4", "--seed", "0", "--output"), (train_command, "_trained")),
        (("report", "svd", "--output"), (report_command, "counting")),
        (("leaderboard", "--page"), (leaderboard_command, "load_records")),
        (("leaderboard", "--html"), (leaderboard_command, "load_records")),
        (("leaderboard", "--figure"), (leaderboard_command, "load_records")),
        (("study", "noise", "--output"), (study_command, "progress_bar")),
    ],
    ids=lambda value: " ".join(value[:1] + value[-1:]) if isinstance(value[0], str) else "",
)
def test_what_cannot_be_written_is_found_before_the_work(arguments, work, tmp_path, monkeypatch):
    monkeypatch.setattr(*work, fail)
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    with pytest.raises(UsageError, match=r"output|--page|--html|--figure") as caught:
        CliRunner().invoke(app, [*arguments, str(tmp_path / "file" / "out.png")], catch_exceptions=False)
    assert "file/out.png" in str(caught.value)
    assert "written" in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_folder_of_what_is_kept_between_runs_is_tried_too(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    monkeypatch.setenv("SIMPLIBENCH_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(train_command, "require_all_data", lambda task: None)
    with pytest.raises(
        UsageError, match=r"trainings are saved in, .*file/training.*; let SIMPLIBENCH_CACHE name another"
    ):
        train_command.train_references("dyck-2-4", ["0"], None, tmp_path / "out", 1, 120.0)


def test_a_folder_that_could_be_made_is_not_made_by_trying(tmp_path):
    files.require_folder("--output", tmp_path / "some" / "where")
    files.require_file("--output", tmp_path / "some" / "file")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.EIO])
def test_every_error_of_writing_names_the_file_the_reason_and_what_to_do(number, tmp_path):
    def write(path):
        raise OSError(number, os.strerror(number))

    text = rf"file.txt: cannot be written \({os.strerror(number)}\); (make room or )?name a file elsewhere"
    with pytest.raises(UnwritableFile, match=text):
        files.write_atomically(tmp_path / "file.txt", write)
    assert list(tmp_path.iterdir()) == []


def test_a_full_standard_output_is_told(simplibench):
    with open("/dev/full", "wb") as full:
        finished = subprocess.run(
            [sys.executable, "-m", "simplibench.cli", "list"], stdout=full, stderr=subprocess.PIPE, encoding="utf-8"
        )
    assert finished.returncode == 1
    assert finished.stderr.startswith("simplibench: standard output, or a temporary file: No space left on device;")
    assert finished.stderr.count("\n") == 1


# Homes


@pytest.fixture
def homeless(monkeypatch):
    """A user whom the system does not know, as in a container that is run under a number."""

    def unknown(number):
        raise KeyError(number)

    for name in ("HOME", "XDG_CACHE_HOME", "SIMPLIBENCH_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)


NO_HOME = "this user has no home folder; let SIMPLIBENCH_CACHE name a folder"


def test_a_user_without_a_home_is_told_to_name_a_folder(homeless):
    with pytest.raises(UsageError, match=NO_HOME):
        files.cache_folder()
    with pytest.raises(UsageError, match="charts need a home folder, and this user has none; let HOME name a folder"):
        files.require_home("charts")


def test_no_folder_is_called_like_the_sign_for_a_home(homeless, monkeypatch):
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda name: Path("~/.cache") / name)
    with pytest.raises(UsageError, match=NO_HOME):
        files.cache_folder()


# Memory


@pytest.mark.parametrize(
    "ask",
    [lambda: np.empty(1 << 55), lambda: torch.empty(1 << 60), lambda: bytes(1 << 62)],
    ids=["numpy", "torch", "python"],
)
def test_what_every_allocator_says_is_known(ask):
    with pytest.raises((MemoryError, RuntimeError)) as caught:
        ask()
    assert ran_out(caught.value)


def test_other_errors_are_no_want_of_memory():
    assert ran_out(OSError(errno.ENOMEM, "Cannot allocate memory"))
    assert ran_out(torch.OutOfMemoryError("CUDA out of memory"))
    assert not ran_out(OSError(errno.ENOSPC, "No space left on device"))
    assert not ran_out(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="^expanded size$"), enough_memory("an arena"):
        raise RuntimeError("expanded size")


def test_an_entry_that_needs_too_much_of_the_hosts_memory_is_lost_and_the_rest_goes_on(
    submission_file, identity_body, tmp_path, monkeypatch
):
    plain = measure.run_proxy

    def too_large(patch, split, batches, simplify, *more):
        if simplify.codec.entry.fields["k"] == 1:
            torch.empty(1 << 60)
        return plain(patch, split, batches, simplify, *more)

    monkeypatch.setattr(measure, "run_proxy", too_large)
    file = submission_file("k: int = 0\n" + identity_body, entries="[Own(k=1), Own(k=2)]")
    lost, kept = evaluate(file, output=tmp_path / "out", **QUICK)
    assert (lost.status, kept.status) == ("failed", "ok")
    assert (
        "Own(k=1): expected to be measured in the memory there is, got too little of it in this process" in lost.reason
    )
    assert "can't allocate memory" in lost.reason
    assert lost.reason.endswith("give fewer --jobs, or a smaller --limit to see whether it runs at all")


def test_an_arena_that_does_not_fit_into_memory_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("simplibench.harness.codec.track.load_reference", lambda *a: torch.empty(1 << 60))
    with pytest.raises(
        NotEnoughMemory, match=r"dyck-20-10/attention.1 on reference 0: there was not enough memory; give"
    ):
        evaluate("svd", output=tmp_path / "out", in_process=True, **QUICK)


@pytest.mark.parametrize(
    ("happens", "text"),
    [
        ("bytes(1 << 62)", "there was not enough memory; what is saved stays; try fewer --jobs"),
        ("open('nowhere/file')", "nowhere/file: No such file or directory; see that it can be read and written"),
    ],
)
def test_what_nobody_worded_is_one_line_all_the_same(happens, text):
    code = f"from simplibench import cli; cli.application = lambda called: lambda: {happens}; cli.main()"
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8")
    assert finished.returncode == 1
    assert finished.stderr.startswith(f"simplibench: {text}")
    assert finished.stderr.count("\n") == 1
