"""An entry made again from what its record says: equal here, within tolerances elsewhere, refused where it cannot be."""

import importlib
import json
import math
import shutil
import sys

import numpy as np
import pytest

from simplibench import evaluate
from simplibench.audit.records import RecordsUnsound
from simplibench.cli import rerun
from simplibench.errors import UsageError
from simplibench.records import (
    COMMITTED,
    CodecRecord,
    Counts,
    GroundCounts,
    Protocol,
    expected_key,
    load,
    load_all,
    save,
    split_figures,
)
from simplibench.records.record import UNSEALED
from simplibench.records.reproduction import (
    RATE_TOLERANCE,
    ROUNDING,
    changes,
    figures,
    runtimes,
)
from simplibench.registry import BASELINES

COARSE = """
def fit(self, x, generator): return {"mean": x.mean(0)}
def encode(self, state, x): return x[:, :8].half()
def decode(self, state, code): return torch.cat([code.float(), state["mean"][8:].expand(len(code), -1)], 1)
"""
SVD = COMMITTED / "dyck-20-10/attention.1/svd/SVD-rank-8.seed-0.json"
OCCLUSION = COMMITTED / "dyck-2-4/explanations/token-occlusion/TokenOcclusion.seed-0.json"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A file of a user's and its record, of a few sentences and in this process."""
    folder = tmp_path_factory.mktemp("made")
    header = "import torch\nfrom simplibench import Codec, Submission\n\nclass Own(Codec):\n"
    body = "".join(f"    {line}\n" for line in COARSE.strip().splitlines())
    last = "\nsubmission = Submission(name='own', authors=('a',), citation='here', entries=[Own()])\n"
    (folder / "own.py").write_text(header + body + last, encoding="utf-8")
    records = folder / "records"
    options = {"seeds": [0], "limit": 4, "in_process": True, "device": "cpu", "output": records}
    (record,) = evaluate(folder / "own.py", arenas=["attention.1"], **options)
    assert record.status == "ok", record.reason
    return folder


@pytest.fixture
def folder(made, tmp_path):
    shutil.copytree(made, tmp_path / "made")
    return tmp_path / "made"


@pytest.fixture
def path(folder):
    return load_all(folder / "records")[0].path


def again(path, file=None, output=None):
    return rerun.rerun_record(path, None if file is None else str(file), output, 60.0)


def changed(stored, counts=None, **values):
    """The record with other content, under a key and a seal that fit."""
    content = stored.record.model_dump(exclude={"sha256"}) | values
    unsealed = CodecRecord.model_validate(content | {"sha256": UNSEALED}, context=UNSEALED)
    record = CodecRecord.sealed(**content | {"key": expected_key(unsealed)})
    ground = stored.ground(GroundCounts)
    save(stored.path.parents[3], record, counts or stored.counts(Counts), ground)


def test_a_record_made_again_on_the_same_machine_is_equal_and_its_runtime_is_only_shown(folder, path, capsys):
    assert again(path, folder / "own.py") == 0
    printed = capsys.readouterr().out
    assert "runtime, not compared" in printed
    assert "codec_microseconds" in printed
    assert "made alike, so every count must be equal: " in printed
    assert " figures equal, 0 within tolerance, 0 beyond" in printed


def test_the_new_record_is_kept_where_asked_and_never_in_place_of_the_old_one(folder, path, tmp_path):
    assert again(path, folder / "own.py", tmp_path / "new") == 0
    (kept,) = load_all(tmp_path / "new")
    assert kept.record.counts_sha256 == load(path).record.counts_sha256
    assert (kept.record.limit, kept.record.in_process) == (4, True)
    before = path.read_bytes()
    with pytest.raises(UsageError, match="the new record would replace the old one; name another folder"):
        again(path, folder / "own.py", folder / "records")
    assert path.read_bytes() == before


def test_a_record_with_forged_counts_seal_and_key_is_found_by_running_it_again(folder, path, capsys):
    stored = load(path)
    ground, old = stored.ground(GroundCounts), stored.counts(Counts)
    none = np.zeros_like(old.disagree)
    counts = Counts(none, none, ground.reference_wrong, old.divergence)
    splits = {name: own.model_dump() for name, own in stored.record.splits.items()}
    for index, split in enumerate(splits.values()):
        split |= split_figures(ground, counts, index)
        for strata in split["strata"].values():
            for stratum in strata.values():
                stratum["agreement"] = 1.0
    changed(stored, counts, splits=splits, counts_sha256=counts.sha256())
    assert again(path, folder / "own.py") == 1
    printed = capsys.readouterr().out
    assert "splits.unseen-depth.agreement" in printed
    assert "counts_sha256" in printed
    assert " 0 beyond" not in printed


def test_where_it_was_made_elsewhere_that_is_named_and_tolerances_hold(folder, path, capsys):
    stored = load(path)
    environment = stored.record.environment.model_dump() | {
        "hardware": "another processor",
        "torch_build": "1.0",
        "commit": "a" * 40,
    }
    changed(stored, environment=environment)
    assert again(path, folder / "own.py") == 0
    printed = capsys.readouterr().out
    for what, then in (("hardware", "another processor"), ("torch_build", "1.0")):
        assert any(line.startswith(what) and then in line for line in printed.splitlines())
    assert "made elsewhere, so tolerances hold: " in printed


def test_a_failed_record_is_made_again_too(folder, path, capsys):
    file = folder / "own.py"
    file.write_text(
        file.read_text(encoding="utf-8").replace("return x[:, :8].half()", "raise ValueError('no')"), encoding="utf-8"
    )
    options = {"seeds": [0], "limit": 4, "in_process": True, "device": "cpu", "output": folder / "failed"}
    evaluate(file, arenas=["attention.1"], **options)
    (failed,) = load_all(folder / "failed")
    assert failed.record.status == "failed"
    assert again(failed.path, file) == 0
    assert "again: failed: " in capsys.readouterr().out


def test_a_submission_that_is_not_there_or_was_changed_is_refused(folder, path):
    with pytest.raises(UsageError, match=r"neither baselines/ nor submissions/ has a file of 'own'; expected one of"):
        again(path)
    file = folder / "own.py"
    file.write_text(file.read_text(encoding="utf-8") + "# changed", encoding="utf-8")
    with pytest.raises(UsageError, match=r"source_sha256: expected [0-9a-f]{64}, got [0-9a-f]{64} of .*own\.py"):
        again(path, file)
    with pytest.raises(UsageError, match="the file was changed; restore it as it was, or run the entry anew"):
        again(path, BASELINES / "svd.py")


def test_another_protocol_is_refused_naming_the_commit_it_was_made_at(folder, path):
    stored = load(path)
    environment = stored.record.environment.model_dump() | {"commit": "a" * 40}
    protocol = Protocol(task_version=7, scoring_version=1, sha256="d" * 64)
    changed(stored, protocol=protocol, environment=environment)
    with pytest.raises(UsageError, match=rf"protocol: expected .*, got 7\.1 \(d+\); that is commit {'a' * 40}; rerun"):
        again(path, folder / "own.py")


def test_missing_data_are_refused_naming_the_splits(folder, path, monkeypatch):
    there = [name for name in load(path).record.splits if name != "unseen-depth"]
    monkeypatch.setattr(rerun, "present", lambda task: there)
    with pytest.raises(UsageError, match="splits: expected the data of unseen-depth, which are not here; `simplibench"):
        again(path, folder / "own.py")


def test_an_entry_that_the_file_does_not_have_is_refused(folder, path):
    stored = load(path)
    changed(stored, entry="Own(x=1)")
    path = next(own.path for own in load_all(folder / "records") if own.record.entry == "Own(x=1)")
    text = r"entry: expected one of Own\(\) of .*own\.py, or one that it can make, got 'Own\(x=1\)'"
    with pytest.raises(UsageError, match=text):
        again(path, folder / "own.py")


@pytest.mark.parametrize(
    "last", ["submission = Submission(name='o', authors=('a',), citation='here', entries=[Own(k=1)])", ""]
)
def test_an_entry_made_from_an_object_is_made_again_from_the_file_of_its_class(last, tmp_path, monkeypatch, capsys):
    lines = ["import torch", "from simplibench import Codec, Submission", "class Own(Codec):", "    k: int"]
    lines += [f"    {line}" for line in COARSE.replace("8", "self.k").strip().splitlines()]
    (tmp_path / "objects_own.py").write_text("\n".join([*lines, last, ""]), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "objects_own", raising=False)
    kind = importlib.import_module("objects_own").Own
    made = evaluate(kind(k=3), arenas=["attention.1"], seeds=[0], limit=4, in_process=True, output=tmp_path / "out")
    assert [record.entry for record in made] == ["Own(k=3)"]
    (stored,) = load_all(tmp_path / "out")
    assert again(stored.path, tmp_path / "objects_own.py") == 0
    assert "every count must be equal" in capsys.readouterr().out


def test_a_record_that_does_not_hold_or_is_not_there_is_refused_first(folder, path):
    path.with_suffix(".npz").unlink()
    with pytest.raises(RecordsUnsound, match="counts_sha256: .*missing"):
        again(path, folder / "own.py")
    with pytest.raises(UsageError, match=r"nowhere\.json: no such record"):
        again(folder / "nowhere.json")


def test_the_command_refuses_in_one_line(path, simplibench):
    finished = simplibench("rerun", path)
    assert (finished.returncode, finished.stdout) == (2, "")
    assert finished.stderr.startswith(f"simplibench: {path}: source_sha256: ")
    assert len(finished.stderr.splitlines()) == 1


# The comparison itself, on committed records.


def edited(record, **values):
    content = json.loads(record.model_dump_json(exclude={"sha256"}))
    for place, value in values.items():
        *above, last = place.split("__")
        own = content
        for name in above:
            own = own[name.replace("_", "-") if name.replace("_", "-") in own else name]
        own[last] = value
    return type(record).sealed(**content)


def verdict(record, exact, **values):
    return {own.name: own.within for own in figures(record, edited(record, **values), exact) if not own.equal}


@pytest.mark.parametrize(("moved", "exact", "within"), [(0.9, False, True), (1.1, False, False), (0.9, True, False)])
def test_a_share_may_move_by_its_tolerance_elsewhere_and_not_at_all_here(moved, exact, within):
    record = load(SVD).record
    new = record.splits["iid"].agreement - moved * record.tolerance
    assert verdict(record, exact, splits__iid__agreement=new) == {"splits.iid.agreement": within}


def test_means_over_cases_may_be_rounded_otherwise_where_made_alike():
    record = load(SVD).record
    old = record.splits["iid"].pattern_divergence_bits
    name = "splits.iid.pattern_divergence_bits"
    assert verdict(record, True, splits__iid__pattern_divergence_bits=old + ROUNDING / 2) == {name: True}
    assert verdict(record, True, splits__iid__pattern_divergence_bits=old + ROUNDING * 2) == {name: False}


def test_rates_have_a_relative_tolerance():
    record = load(SVD).record
    near, far = (record.bits_per_token * (1 + share * RATE_TOLERANCE) for share in (0.9, 1.1))
    assert verdict(record, False, bits_per_token=near) == {"bits_per_token": True}
    assert verdict(record, False, bits_per_token=far) == {"bits_per_token": False}


def test_what_the_protocol_gives_is_equal_everywhere():
    record = load(SVD).record
    sequences = record.splits["iid"].sequences + 1
    assert verdict(record, False, splits__iid__sequences=sequences) == {"splits.iid.sequences": False}
    assert verdict(record, False, ceiling_bits=1.0) == {"ceiling_bits": False}


def test_parts_of_few_positions_are_shown_elsewhere_and_held_here():
    record = load(SVD).record
    name = "splits.iid.agreement_where_wrong"
    assert verdict(record, False, splits__iid__agreement_where_wrong=0.0) == {name: True}
    assert verdict(record, True, splits__iid__agreement_where_wrong=0.0) == {name: False}


def test_explanations_have_a_tolerance_of_their_own():
    record = load(OCCLUSION).record
    split = next(iter(record.splits))
    old = record.splits[split].intervention
    for share, within in ((0.9, True), (1.1, False)):
        new = old - share * record.tolerance
        found = verdict(record, False, **{f"splits__{split}__intervention": new})
        assert found == {f"splits.{split}.intervention": within}


def test_other_counts_are_no_reproduction_where_made_alike_even_if_every_figure_is():
    record = load(SVD).record
    assert verdict(record, True, counts_sha256="e" * 64) == {"counts_sha256": False}
    assert verdict(record, False, counts_sha256="e" * 64) == {}


def test_a_success_and_a_failure_differ_whatever_the_figures():
    record = load(SVD).record
    nothing = {"splits": {}, "runtime": None, "counts_sha256": None, "bits_per_token": None, "state_bytes": None}
    failed = edited(record, status="failed", reason="too slow", **nothing)
    (only,) = figures(record, failed, False)
    assert (only.name, only.within, only.allowed) == ("status", False, 0)
    assert runtimes(record, failed)[0][2] is None


def test_a_split_whose_data_were_missing_then_is_not_compared_and_one_missing_now_is_beyond():
    record = load(SVD).record
    without = {name: split.model_dump() for name, split in record.splits.items() if name != "iid"}
    partial = edited(record, splits=without)
    assert all(own.within for own in figures(partial, record, True))
    assert not all(own.within for own in figures(record, partial, False))
    assert math.isinf(max(own.allowed for own in figures(record, partial, False)))


def test_what_differs_between_environments_is_named_and_only_some_of_it_rounds():
    old = load(SVD).record.environment
    packages = dict(old.packages) | {"torch": "9", "simplibench": "9"}
    new = old.model_copy(update={"packages": packages, "python": "3.99", "threads": 8, "commit": "a" * 40})
    found = {own.what: own.rounds for own in changes(old, new)}
    assert found == {"torch": True, "simplibench": False, "python": False, "threads": True}  # the old commit is unknown
    assert changes(old, old) == []
