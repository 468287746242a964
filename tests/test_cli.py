"""The commands as users meet them: what they print, what they exit with, and no bare traceback."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from typer.main import get_command

from simplibench.cli import COMMANDS, _summary, application
from simplibench.files import cache_folder
from simplibench.records import COMMITTED
from simplibench.registry import BASELINES, all_methods

ROOT = BASELINES.parent


def refused(finished, text, code=2):
    """It ended with one clear line on standard error and nothing on standard output."""
    assert finished.returncode == code, finished.stderr
    assert text in finished.stderr
    assert "Traceback" not in finished.stderr
    assert finished.stdout == ""


LOADED = """
import sys
from simplibench.cli import main
try:
    main()
finally:
    print([name for name in ("torch", "sklearn", "numpy") if name in sys.modules])
"""


def test_help_does_not_load_torch():
    finished = subprocess.run([sys.executable, "-c", LOADED, "--help"], capture_output=True, encoding="utf-8")
    assert finished.returncode == 0, finished.stderr
    assert all(command in finished.stdout for command in COMMANDS)
    assert finished.stdout.splitlines()[-1] == "[]"


def test_help_lists_a_command_with_its_own_help():
    commands = get_command(application()).commands
    assert {name: command.help for name, command in commands.items()} == {name: _summary(name) for name in COMMANDS}


@pytest.mark.parametrize("arguments", [("list",), ("info", "dyck-2-4"), ("info", "svd"), ("train", "--help")])
def test_commands_that_run_no_model_do_not_load_torch(arguments):
    finished = subprocess.run([sys.executable, "-c", LOADED, *arguments], capture_output=True, encoding="utf-8")
    assert finished.returncode == 0, finished.stderr
    assert "'torch'" not in finished.stdout.splitlines()[-1]


def test_list_shows_tasks_arenas_and_methods_in_every_format(simplibench):
    table, names = simplibench("list"), simplibench("list", "--format", "names")
    assert "dyck-20-10/attention.1" in table.stdout
    assert names.stdout.split() == list(all_methods())
    found = json.loads(simplibench("list", "--format", "json").stdout)
    assert set(found) == {"tasks", "methods"}
    assert set(found["tasks"][0]) == {"name", "protocol", "splits", "arenas", "families"}
    assert {method["name"] for method in found["methods"]} == set(all_methods())


@pytest.mark.parametrize("name", ["dyck-20-10", "dyck-20-10/attention.1", "svd"])
def test_info_tells_about_tasks_arenas_and_methods(name, simplibench):
    finished = simplibench("info", name)
    assert finished.returncode == 0, finished.stderr
    assert name in finished.stdout


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("info", "nonsense"), "nothing is called nonsense; `simplibench list` shows what there is"),
        (("validate", "none.py"), "none.py: no such file; `simplibench list` shows the methods"),
        (("run", "none.py"), "none.py: no such file"),
        (("run", "nonsense"), "no method nonsense; there are: attention-rollout, attention-row"),
        (("run", "svd", "--task", "x"), "no task x; there are: "),
        (("run", "svd", "--arena", "attention.7"), "dyck-20-10 has no arena attention.7; there are: attention.0"),
        (("run", "svd", "--seed", "99"), "dyck-20-10 has no reference 99 in family two-layer; there are: 0, 1"),
        (("run", "svd", "--seed", "one"), "--seed must be 0, 1, ... or untrained, got one"),
        (("run", "svd", "--device", "tpu"), "--device must be auto, cpu or cuda, got tpu"),
        (("run", "svd", "--format", "xml"), "--format must be table or json, got xml"),
        (("run", "svd", "--limit", "0"), "Invalid value for '--limit'"),
        (
            ("run", "one-hot-attention", "--arena", "residual.0"),
            "no entry of one-hot-attention fits an arena asked for; its arenas are ",
        ),
        (("run",), "Missing argument"),
        (("train", "x", "--seed", "0"), "no task x"),
        (("train", "dyck-20-10", "--seed", "0", "--family", "x"), "dyck-20-10 has no family x; there are: two-layer"),
        (("leaderboard", "--format", "xml"), "--format must be md or json or csv, got xml"),
        (("leaderboard", "--records", "nowhere"), "--records nowhere: no such folder"),
    ],
)
def test_what_does_not_exist_is_refused_by_name_with_exit_code_two(arguments, text, simplibench, tmp_path):
    refused(simplibench(*arguments, cwd=tmp_path), text)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_cuda_without_cuda_is_refused(simplibench, tmp_path):
    refused(simplibench("run", "svd", "--device", "cuda", cwd=tmp_path), "sees no CUDA device; use --device cpu")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize(
    ("method", "figure"),
    [("svd", "agreement"), ("token-occlusion", "equivalence"), ("gradient-times-input", "intervention")],
)
def test_cuda_agrees_with_the_cpu(method, figure, simplibench, tmp_path):
    records = {}
    for device in ("cpu", "cuda"):
        options = ("--seed", 0, "--limit", 30, "--device", device, "--format", "json", "--output", tmp_path / device)
        records[device] = json.loads(simplibench("run", method, *options).stdout)
    for one, other in zip(records["cpu"], records["cuda"], strict=True):
        for name, split in one["splits"].items():
            assert other["splits"][name][figure] == pytest.approx(split[figure], abs=0.01)


def test_two_submissions_of_one_name_are_refused(simplibench, submission_file, identity_body, tmp_path):
    one = submission_file(identity_body)
    two = submission_file(identity_body, file="other.py")
    refused(simplibench("run", one, two, cwd=tmp_path), f"two submissions are called own: {one} and {two}; rename one")


def test_a_file_with_an_error_is_refused_with_its_line(simplibench, tmp_path):
    (tmp_path / "bad.py").write_text("def f(:\n", encoding="utf-8")
    refused(simplibench("run", tmp_path / "bad.py", cwd=tmp_path), "bad.py:1: syntax error")


def test_validate_lists_every_problem_and_exits_one(simplibench, submission_file):
    body = (
        "k: int\ndef encode(self, state, x): return x - x.mean(0)\ndef decode(self, state, code): return code.double()"
    )
    finished = simplibench("validate", submission_file(body, "[Own(k=1), Own(k=2)]"))
    refused(finished, "own.py: 4 problems:\n  1. Own(k=1), encode: expected rows independent", code=1)


def test_validate_says_what_to_do_next(simplibench, submission_file, identity_body):
    path = submission_file(identity_body)
    finished = simplibench("validate", path)
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout == f"{path}: own keeps the contract, 1 entries\nnext: simplibench run {path}\n"


def test_run_prints_entries_and_place_and_exits_one_if_an_entry_failed(simplibench, submission_file, tmp_path):
    body = "k: int\ndef encode(self, state, x): return x / (self.k > 1)\ndef decode(self, state, code): return code"
    path = submission_file(body, "[Own(k=1), Own(k=2)]")
    options = ("--limit", 4, "--seed", 0, "--arena", "residual.0", "--output", tmp_path / "out")
    finished = simplibench("run", path, *options)
    assert finished.returncode == 1
    assert "dyck-20-10/residual.0, faithfulness over 1 references" in finished.stdout
    assert "failed on 1" in finished.stdout
    assert "place among the records of leaderboard.md" in finished.stdout
    assert "failed: own, Own(k=1) in dyck-20-10/residual.0 on 1 references: encode: expected finite" in finished.stderr


def test_run_as_json_is_a_list_of_records_with_the_documented_keys(simplibench, tmp_path):
    options = ("--limit", 4, "--seed", 0, "--arena", "residual.0", "--output", tmp_path / "out", "--format", "json")
    records = json.loads(simplibench("run", "svd", *options).stdout)
    keys = {"submission", "entry", "arena", "seed", "status", "reason", "bits_per_token", "state_bytes", "splits"}
    of_split = {"role", "sequences", "positions", "agreement", "faithfulness", "divergence_bits", "reference_accuracy"}
    for record in records:
        assert keys <= set(record)
        for split in record["splits"].values():
            assert of_split | {"proxy_accuracy"} <= set(split)


@pytest.fixture
def committed(tmp_path):
    shutil.copytree(COMMITTED, tmp_path / "committed")
    return tmp_path / "committed"


def test_the_committed_leaderboard_is_what_the_committed_records_give(simplibench):
    finished = simplibench("leaderboard", "--check")
    assert finished.returncode == 0, finished.stderr
    assert "records verified" in finished.stdout


def test_check_fails_when_a_record_is_edited(simplibench, committed):
    file = sorted(committed.rglob("*.json"))[0]
    content = json.loads(file.read_text(encoding="utf-8"))
    content["state_bytes"] += 1
    file.write_text(json.dumps(content), encoding="utf-8")
    finished = simplibench("leaderboard", "--check", "--records", committed)
    refused(finished, f"{file}: not a valid record: the file: Value error, it was edited", code=1)


def test_check_fails_when_the_page_is_edited_or_records_are_missing(simplibench, committed, tmp_path):
    page = tmp_path / "leaderboard.md"
    page.write_text((ROOT / "leaderboard.md").read_text(encoding="utf-8").replace("0.", "1.", 1), encoding="utf-8")
    refused(simplibench("leaderboard", "--check", "--page", page), f"{page} is not what the records give", code=1)
    shutil.rmtree(next(committed.glob("*/*/kmeans")))
    refused(simplibench("leaderboard", "--check", "--records", committed), "is not what the records give", code=1)


def test_writing_the_leaderboard_twice_gives_the_same_bytes(simplibench, tmp_path):
    pages = [tmp_path / "a.md", tmp_path / "b.md"]
    for page in pages:
        assert simplibench("leaderboard", "--page", page).returncode == 0
    assert pages[0].read_bytes() == pages[1].read_bytes() == (ROOT / "leaderboard.md").read_bytes()


def test_the_board_knows_the_controls_ends_and_the_order_of_svd(simplibench):
    rows = json.loads(simplibench("leaderboard", "--format", "json").stdout)
    for row in rows:
        if row["submission"] == "identity":
            assert row["score"] is None
            assert "ceiling: OOD faithfulness 1.000" in row["note"]
        if row["submission"] == "constant":
            assert row["score"] == 0
        assert row["status"] == "ok"
        assert row["control"] == (row["rank_low"] is None)


@pytest.mark.parametrize("moment", [2.0, 6.0])
def test_ctrl_c_at_any_moment_is_one_line_and_exit_code_130(moment, tmp_path):
    command = [
        sys.executable,
        "-m",
        "simplibench.cli",
        "run",
        "svd",
        "--limit",
        "50",
        "--output",
        str(tmp_path / "out"),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8")
    time.sleep(moment)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert not list((tmp_path / "out").rglob("*.part"))


def test_ctrl_c_while_workers_start_reaches_them_too_and_none_of_them_says_anything(tmp_path):
    """A terminal sends it to the whole group, also to a process that is still importing."""
    command = [sys.executable, "-m", "simplibench.cli", "run", "svd", "--limit", "50", "--jobs", "2"]
    process = subprocess.Popen(
        [*command, "--output", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    )
    while not any("spawn_main" in command_of(child) for child in children_of(process.pid)):
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert errors.strip().splitlines()[-1].startswith("simplibench: interrupted; what is saved stays")
    assert "Traceback" not in errors


def children_of(pid):
    return Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()


def command_of(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8")
    except FileNotFoundError:  # it is gone
        return ""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_training_that_was_stopped_goes_on_from_its_last_save(how, tmp_path):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "splits").symlink_to(cache_folder() / "splits")
    environment = os.environ | {"SIMPLIBENCH_CACHE": str(tmp_path / "cache")}
    command = [sys.executable, "-m", "simplibench.cli", "train", "dyck-20-10", "--seed", "7", "--save-every", "1"]

    def start():
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", env=environment, cwd=tmp_path
        )

    def stop(process, signal_number):
        end = time.monotonic() + 90
        before = {file: file.stat().st_mtime_ns for file in (tmp_path / "cache").rglob("*.pt")}
        while {file: file.stat().st_mtime_ns for file in (tmp_path / "cache").rglob("*.pt")} in ({}, before):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end
            time.sleep(0.05)
        process.send_signal(signal_number)
        return process.communicate()[1]

    first = stop(process := start(), how)
    assert process.returncode == (-how if how == signal.SIGKILL else 130)
    assert "Traceback" not in first
    assert not (tmp_path / "trained").exists()
    second = stop(start(), signal.SIGINT)
    assert "going on at step" in second
    assert "seed-7.pt" in second
