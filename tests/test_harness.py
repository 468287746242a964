"""The run: exact ends of the scale, what a codec gets to see, how failures and interruptions are recorded."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from simplibench import evaluate, load_reference
from simplibench.models.batches import likeliest, limited, scored_batches, whole_batches
from simplibench.records import Counts, GroundCounts, load_all
from simplibench.tasks import load_split

ARENAS = ["attention.0", "attention.1", "residual.0"]
LIMIT = 12


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")

    def go(*methods, **options):
        return evaluate(methods, **{"seeds": [0], "limit": LIMIT, "output": folder, "device": "cpu"} | options)

    return go


@pytest.fixture(scope="module")
def baselines(run):
    return run("identity", "constant", "svd", "one-hot-attention")


def of(records, submission, arena=None):
    return [r for r in records if r.submission == submission and arena in (None, r.arena.partition("/")[2])]


def test_identity_is_perfectly_faithful_everywhere_at_the_full_rate(baselines):
    found = of(baselines, "identity")
    assert {record.arena for record in found} == {f"dyck-20-10/{arena}" for arena in ARENAS}
    for record in found:
        assert record.bits_per_token == record.ceiling_bits
        for split in record.splits.values():
            assert split.faithfulness == split.agreement == 1
            assert split.divergence_bits == 0


def test_the_constant_is_the_floor_exactly_and_costs_nothing(baselines):
    for record in of(baselines, "constant"):
        assert record.bits_per_token == 0
        for split in record.splits.values():
            assert split.faithfulness == split.divergence_faithfulness == 0
            assert split.agreement < 1


def test_the_rates_of_svd_are_two_floats_a_dimension_in_attention_and_one_in_the_stream(baselines):
    for arena, floats in (("attention.0", 2), ("attention.1", 2), ("residual.0", 1)):
        rates = [record.bits_per_token for record in of(baselines, "svd", arena)]
        assert rates == [floats * 32 * rank for rank in (1, 2, 4, 8, 16)]


def test_state_bytes_are_those_of_the_entry_not_of_the_shared_fit(baselines):
    assert [record.state_bytes for record in of(baselines, "svd", "attention.1")] == [128, 256, 512, 1024, 2048]


def test_patterns_exist_in_attention_arenas_only(baselines):
    assert {record.arena.partition("/")[2] for record in of(baselines, "one-hot-attention")} == set(ARENAS[:2])
    for record in baselines:
        has_pattern = [split.pattern_agreement is not None for split in record.splits.values()]
        assert all(has_pattern) if "attention" in record.arena else not any(has_pattern)


def test_one_hot_attention_keeps_the_most_attended_position(baselines):
    for record in of(baselines, "one-hot-attention"):
        assert all(split.pattern_agreement == 1 for split in record.splits.values())


def test_strata_add_up_to_the_split(baselines):
    for record in baselines:
        for split in record.splits.values():
            for strata in split.strata.values():
                assert sum(stratum.positions for stratum in strata.values()) == split.positions
                agreeing = sum(stratum.positions * stratum.agreement for stratum in strata.values())
                assert agreeing == pytest.approx(split.positions * split.agreement)


def test_the_reference_of_a_record_is_as_accurate_as_the_model_run_whole(baselines, task):
    model = load_reference(task, 0).model
    for name, result in baselines[0].splits.items():
        split = limited(load_split(task, name), LIMIT)
        right = 0
        for batch in scored_batches(split, "cpu"):
            predicted = likeliest(
                model(batch.tokens)[torch.arange(len(batch.tokens))[:, None], batch.at][batch.asked], task.candidates
            )
            right += int((predicted.numpy() == split.cases.target[batch.cases]).sum())
        assert result.reference_accuracy == pytest.approx(right / len(split.cases), abs=1e-9)
        assert result.positions == len(split.cases)


SPY = """
def fit(self, x, generator):
    from pathlib import Path
    torch.save(x, {folder!r} + f"/{{len(list(Path({folder!r}).iterdir()))}}.pt")
    return {{}}
def encode(self, state, x): return x
def decode(self, state, code): return code
"""


def test_fit_sees_activations_of_the_fit_split_and_no_other(submission_file, tmp_path, run, task):
    seen = tmp_path / "seen"
    seen.mkdir()
    run(
        submission_file(SPY.format(folder=str(seen))), output=tmp_path / "out", in_process=True
    )  # a guest could write nothing
    fits = [torch.load(file) for file in sorted(seen.iterdir())]
    assert len(fits) == len(ARENAS)
    model = load_reference(task, 0).model
    (batch,) = whole_batches(limited(load_split(task, "fit"), LIMIT).sequences, "cpu")
    streams = [model.embed(batch.tokens)]
    streams.append(model.blocks[0](streams[0], None))
    for layer, fitted in enumerate(fits[:2]):
        query, key, _ = model.blocks[layer].qkv(streams[layer], None)
        expected = torch.cat([query[:, 0][batch.real], key[:, 0][batch.real]])
        assert torch.allclose(fitted, expected, atol=1e-5)
    assert torch.allclose(fits[2], streams[1][batch.real], atol=1e-5)


def test_fit_is_never_called_with_more_than_vectors_and_a_generator(submission_file, run, tmp_path):
    body = (
        "def fit(self, *arguments, **named):\n"
        "    assert len(arguments) == 2 and not named\n"
        "    assert isinstance(arguments[0], Tensor) and isinstance(arguments[1], torch.Generator)\n"
        "    return {}\n"
        "def encode(self, state, x): return x\ndef decode(self, state, code): return code"
    )
    assert all(record.status == "ok" for record in run(submission_file(body), output=tmp_path / "out"))


def test_a_failing_entry_is_recorded_and_the_rest_goes_on(submission_file, run, tmp_path):
    body = (
        "k: int\n"
        "def encode(self, state, x):\n    if self.k == 2: raise ArithmeticError('no')\n    return x\n"
        "def decode(self, state, code): return code * (float('nan') if self.k == 3 else 1)"
    )
    path = submission_file(body, "[Own(k=k) for k in (1, 2, 3, 4)]")
    records = run(path, arenas=["attention.1"], output=tmp_path / "out")
    assert [record.status for record in records] == ["ok", "failed", "failed", "ok"]
    assert records[1].reason == "encode: expected a result, got ArithmeticError at own.py:10: no"
    assert records[2].reason == "decode: expected finite numbers in its result, got NaN"
    assert records[1].splits == {}


def test_an_endless_entry_is_stopped_and_the_rest_goes_on(submission_file, run, tmp_path):
    body = (
        "k: int\ndef encode(self, state, x):\n    while self.k == 1: pass\n    return x\n"
        "def decode(self, state, code): return code"
    )
    path = submission_file(body, "[Own(k=1), Own(k=2)]")
    records = run(path, arenas=["residual.0"], output=tmp_path / "out", timeout=2.0)
    assert [record.status for record in records] == ["failed", "ok"]
    assert "expected an end within the time an entry has (--timeout SECONDS)" in records[0].reason


def test_rows_that_depend_on_each_other_are_not_caught_by_a_run_but_leave_no_half_record(
    submission_file, run, tmp_path
):
    body = "def encode(self, state, x): return x[: len(x) // 2]\ndef decode(self, state, code): return code"
    (record,) = run(submission_file(body), arenas=["residual.0"], output=tmp_path / "out")
    assert record.status == "failed"
    assert sorted(file.suffix for file in (tmp_path / "out").rglob("*.*") if "own" in str(file.parent.name)) == [
        ".json"
    ]


def test_the_same_run_gives_the_same_counts_and_another_method_seed_others(run, tmp_path):
    one = run("random-projection", arenas=["attention.1"], output=tmp_path / "a", fresh=True)
    two = run("random-projection", arenas=["attention.1"], output=tmp_path / "b", fresh=True)
    assert [record.counts_sha256 for record in one] == [record.counts_sha256 for record in two]
    other = run("random-projection", arenas=["attention.1"], output=tmp_path / "c", fresh=True, seeds=[1])
    assert one[2].counts_sha256 != other[2].counts_sha256


def test_in_process_gives_the_same_counts_and_no_rank(run, tmp_path):
    hosted = run("svd", output=tmp_path / "a", fresh=True)
    local = run("svd", output=tmp_path / "b", fresh=True, in_process=True)
    assert [record.counts_sha256 for record in hosted] == [record.counts_sha256 for record in local]
    assert not any(record.ranked for record in local)


def test_units_side_by_side_give_the_same_counts(run, tmp_path, simplibench):
    alone = run("svd", output=tmp_path / "a", fresh=True)
    options = ("--seed", 0, "--limit", LIMIT, "--jobs", 2, "--fresh", "--format", "json", "--output", tmp_path / "b")
    finished = simplibench("run", "svd", *options)
    assert finished.returncode == 0, finished.stderr
    together = json.loads(finished.stdout)
    assert [record["counts_sha256"] for record in together] == [record.counts_sha256 for record in alone]


def test_valid_records_are_not_made_again_and_outdated_ones_are(run, submission_file, identity_body, tmp_path):
    def made_at():
        return {stored.path.name: stored.path.stat().st_mtime_ns for stored in load_all(tmp_path / "out")}

    options = {"arenas": ["residual.0"], "output": tmp_path / "out"}
    path = submission_file(identity_body)
    run(path, **options)
    first = made_at()
    run(path, **options)
    assert made_at() == first
    path.write_text(path.read_text(encoding="utf-8") + "# another version\n", encoding="utf-8")
    run(path, **options)
    assert made_at() != first


@pytest.mark.parametrize(
    "damage", [lambda p: p.write_text("{", encoding="utf-8"), lambda p: p.with_suffix(".npz").write_bytes(b"PK")]
)
def test_a_damaged_record_is_reported_and_made_again(damage, run, submission_file, identity_body, tmp_path, capsys):
    options = {"arenas": ["residual.0"], "output": tmp_path / "out"}
    path = submission_file(identity_body)
    run(path, **options)
    (stored,) = load_all(tmp_path / "out")
    damage(stored.path)
    (record,) = run(path, **options)
    assert f"not counted as known: {stored.path.with_suffix('')}" in capsys.readouterr().err
    assert record.status == "ok"
    assert len(load_all(tmp_path / "out")[0].counts(Counts).disagree) == 6 * LIMIT


@pytest.mark.parametrize(("how", "jobs"), [(signal.SIGKILL, 2), (signal.SIGINT, 1)])
def test_a_run_that_was_stopped_leaves_whole_records_and_goes_on(how, jobs, tmp_path, submission_file):
    slow = "def encode(self, state, x):\n    import time; time.sleep(0.05)\n    return x\n"
    body = f"k: int\n{slow}def decode(self, state, code): return code"
    path = submission_file(body, "[Own(k=k) for k in range(4)]")
    command = [
        sys.executable,
        "-m",
        "simplibench.cli",
        "run",
        str(path),
        "--limit",
        "4",
        "--seed",
        "0",
        "--output",
        str(tmp_path / "out"),
        "--jobs",
        str(jobs),
    ]
    first = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8")
    end = time.monotonic() + 120
    while not list((tmp_path / "out").rglob("*.json")):
        assert first.poll() is None, first.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)
    first.send_signal(how)
    _, errors = first.communicate()
    assert first.returncode == (-how if how == signal.SIGKILL else 130)
    if how == signal.SIGINT:
        assert "interrupted; what is saved stays, the same command goes on from there" in errors
        assert "Traceback" not in errors
    kept = load_all(tmp_path / "out")
    assert 1 <= len(kept) < 12
    for stored in kept:
        stored.counts(Counts)
        stored.ground(GroundCounts)
    second = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert second.returncode == 0, second.stderr
    assert len(load_all(tmp_path / "out")) == 12
    assert "of 12 records were there already and valid" in second.stderr


def test_the_untrained_control_can_be_scored_and_is_kept_apart(run, tmp_path):
    (record,) = run("identity", arenas=["attention.1"], seeds=["untrained"], output=tmp_path / "out")
    assert record.seed == "untrained"
    assert record.splits["iid"].reference_accuracy < 0.2


def test_batches_hold_every_case_once_and_all_it_needs(task):
    split = limited(load_split(task, "unseen-depth"), 50)
    batches = scored_batches(split, "cpu", batch_tokens=4_000)
    assert sorted(np.concatenate([batch.cases for batch in batches])) == list(range(len(split.cases)))
    for batch in batches:
        tokens = batch.tokens.gather(1, batch.at)[batch.asked]
        owners = split.cases.sequence[batch.cases]
        expected = split.sequences.tokens[split.sequences.offsets[owners] + split.cases.position[batch.cases]]
        assert tokens.tolist() == expected.tolist()
        assert batch.real.gather(1, batch.at)[batch.asked].all()
