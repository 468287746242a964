"""The speeds that docs/costs.md states: `make benchmark`. Nothing is asserted here, a slow machine is not a failed test."""

import contextlib
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from simplibench.guest import ForkServer, Guest, HostedCodec, InProcess
from simplibench.harness.codec.context import prepare
from simplibench.harness.codec.measure import CodecPatch, fit
from simplibench.harness.codec.proxy import run_proxy
from simplibench.harness.jobs import one_thread
from simplibench.models import load_reference
from simplibench.models.batches import limited, scored_batches
from simplibench.records import COMMITTED, load_all, save
from simplibench.registry import find_method, load_task
from simplibench.tasks import absent, load_split

TASK = load_task("dyck-20-10")
CODE = load_task("code-python")
SCORED = [name for name, role in CODE.roles.items() if role != "fit"]
needs_code = pytest.mark.skipif(bool(absent(CODE)), reason="needs `simplibench data fetch code-python`")
SIX = Path(find_method("svd")).read_text(encoding="utf-8").replace("(1, 2, 4, 8, 16)", "(1, 2, 4, 8, 16, 32)")


def command(*arguments):
    return lambda: subprocess.run(
        [sys.executable, "-m", "simplibench.cli", *map(str, arguments)], check=True, capture_output=True
    )


def once(benchmark, action):
    benchmark.pedantic(action, rounds=1, warmup_rounds=0)


def tell(benchmark, **facts):
    """What the table of seconds does not show."""
    benchmark.extra_info.update(facts)
    print(f"\n{benchmark.name}: " + ", ".join(f"{name} {value}" for name, value in facts.items()))


def test_help(benchmark):
    """Asked: at most one second."""
    benchmark.pedantic(command("--help"), rounds=5, warmup_rounds=1)


def test_generate_all_splits(benchmark):
    """Asked: at most 60 s."""
    once(benchmark, TASK.build)


def test_run_svd(benchmark, tmp_path):
    """Asked: at most 180 s and 3 GB: five ranks, three arenas, five references, all splits."""
    once(benchmark, command("run", "svd", "--output", tmp_path, "--fresh"))
    tell(benchmark, largest_process_mib=resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)


@pytest.mark.parametrize("where", ["guest", "in-process"])
def test_run_svd_on_one_reference(benchmark, tmp_path, where):
    """Asked: guests cost at most 15 % more."""
    extra = ["--in-process"] if where == "in-process" else []
    once(benchmark, command("run", "svd", "--seed", 0, "--jobs", 1, "--output", tmp_path, "--fresh", *extra))


@pytest.mark.parametrize("where", ["guest", "in-process"])
def test_six_entries_at_the_last_layer(benchmark, tmp_path, where):
    """Asked: at most 2 plain forward passes of the reference over the same batches."""
    (tmp_path / "six.py").write_text(SIX, encoding="utf-8")
    reference = load_reference(TASK, 0)
    with one_thread(), ForkServer() as server:
        run = prepare(TASK, reference, TASK.arenas[1], "cpu", None)
        pair = [
            Guest(server, tmp_path / "six.py", "cpu") if where == "guest" else InProcess(tmp_path / "six.py", "cpu")
            for _ in range(2)
        ]
        codecs = [HostedCodec(*pair, entry, index) for index, entry in enumerate(pair[0].manifest().entries)]
        shared = {}
        fitted = [fit(run, codec, 0, shared) for codec in codecs]

        def six():
            for codec, own in zip(codecs, fitted, strict=True):
                for part in run.splits.values():
                    run_proxy(
                        run.patch,
                        part.split,
                        part.cached_batches,
                        CodecPatch(run.patch, codec, own.states),
                        TASK.candidates,
                    )

        def plain():
            start = time.perf_counter()
            with torch.no_grad():
                for part in run.splits.values():
                    for cached in part.cached_batches:
                        reference.model(cached.batch.tokens)
            return time.perf_counter() - start

        plain()
        before = plain()
        once(benchmark, six)
        seconds = (before + plain()) / 2
        for caller in pair:
            caller.close()
    tell(benchmark, plain_forward_passes=round(benchmark.stats.stats.mean / seconds, 2))


def descendants(pid):
    """A process and all that it started, by their numbers."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text(encoding="utf-8").split():
            found += descendants(int(child))
    return found


def most_memory(process):
    """MiB of a process and all that it starts, shared pages counted once, at the highest of a look a second."""
    highest = 0
    while process.poll() is None:
        total = 0
        for pid in descendants(process.pid):
            with contextlib.suppress(OSError):  # it ended meanwhile
                lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()
                total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        highest = max(highest, total // 1024)
        time.sleep(1)
    return highest


@pytest.mark.timeout(1_800)
@needs_code
def test_run_svd_on_code(benchmark, tmp_path):
    """Asked: at most 300 s and 4 GB: five ranks, eight arenas, one reference, all splits."""
    model, splits = (
        load_reference(CODE, 0).model,
        [limited(load_split(CODE, name), CODE.records_use) for name in SCORED],
    )
    batches = [batch for split in splits for batch in scored_batches(split, "cpu")]
    start = time.perf_counter()
    with torch.no_grad():
        for batch in batches:
            model(batch.tokens)
    plain = time.perf_counter() - start
    arguments = ["run", "svd", "--task", "code-python", "--seed", "0", "--output", str(tmp_path), "--fresh"]
    memory = []

    def run():
        process = subprocess.Popen([sys.executable, "-m", "simplibench.cli", *arguments], stderr=subprocess.DEVNULL)
        memory.append(most_memory(process))
        assert process.returncode == 0

    once(benchmark, run)
    passes = benchmark.stats.stats.mean / plain
    tell(benchmark, plain_forward_passes=round(passes, 1), proxies=40, mib=memory[0])


@pytest.mark.timeout(1_800)
@needs_code
def test_study_code(benchmark, tmp_path):
    """Asked: under 600 s."""
    once(benchmark, command("study", "code", "--output", tmp_path))


@pytest.mark.parametrize("explainer", ["attention-row", "pair-occlusion"])
def test_run_explainer(benchmark, tmp_path, explainer):
    """Asked: under 180 s over the whole bank, five seeds."""
    once(benchmark, command("run", explainer, "--output", tmp_path, "--fresh"))


def test_study_balance(benchmark, tmp_path):
    """Asked: under 120 s."""
    once(benchmark, command("study", "balance", "--output", tmp_path))


@pytest.fixture(scope="module")
def two_thousand(tmp_path_factory):
    """The committed records again and again, under other names and seals, until there are so many."""
    root = tmp_path_factory.mktemp("two-thousand")
    committed = load_all(COMMITTED)
    for number in range(2_000):
        copy, index = divmod(number, len(committed))
        one = committed[index]
        values = {**one.record.model_dump(), "submission": f"{one.record.submission}-{copy}"}
        del values["sha256"]
        kinds = one.record.tables
        counts = one.counts(kinds[1]) if one.record.status == "ok" else None
        save(root, type(one.record).sealed(**values), counts, one.run(kinds[0]))
    return root


def test_leaderboard(benchmark, two_thousand):
    """Asked: at most 5 s."""
    once(benchmark, command("leaderboard", "--records", two_thousand, "--format", "json"))


def test_page(benchmark, two_thousand, tmp_path):
    """Asked: at most 15 s and under 3 MB."""
    once(benchmark, command("leaderboard", "--records", two_thousand, "--html", tmp_path / "page.html"))
    print(f"\n{(tmp_path / 'page.html').stat().st_size / 1e6:.2f} MB")


def test_verify(benchmark, two_thousand):
    """Asked: at most 10 s."""
    once(benchmark, command("verify", "--records", two_thousand))


def test_check(benchmark):
    """Asked: under 30 s."""
    once(benchmark, command("check", "svd"))


def test_validate(benchmark):
    """Asked: under 10 s."""
    once(benchmark, command("validate", "svd"))
