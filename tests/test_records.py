"""Records and their counts: refused when edited, damaged or out of place, whole or not there."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from pydantic import ValidationError

from simplibench import evaluate
from simplibench.errors import DamagedFile, UnwritableFile
from simplibench.files import write_atomically
from simplibench.records import (
    CodecRecord,
    Counts,
    GroundCounts,
    Stored,
    entry_path,
    load,
    load_all,
    record_path,
    split_figures,
    verify,
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    evaluate("svd", arenas=["attention.1"], seeds=[0], limit=8, output=folder, device="cpu")
    return folder


@pytest.fixture
def folder(made, tmp_path):
    shutil.copytree(made, tmp_path / "records")
    return tmp_path / "records"


@pytest.fixture
def stored(folder) -> Stored:
    return load_all(folder)[0]


def edit(stored: Stored, change) -> None:
    content = json.loads(stored.path.read_text(encoding="utf-8"))
    change(content)
    stored.path.write_text(json.dumps(content), encoding="utf-8")


def resealed(stored: Stored, change) -> Stored:
    """An edit by somebody who knows how the seal is made."""
    content = json.loads(stored.path.read_text(encoding="utf-8"))
    del content["sha256"]
    change(content)
    record = CodecRecord.sealed(**content)
    stored.path.write_text(record.model_dump_json(), encoding="utf-8")
    return load(stored.path)


def test_every_figure_of_a_record_follows_from_its_counts(folder):
    for stored in load_all(folder):
        verify(stored)


def test_an_edited_record_is_refused(stored):
    edit(stored, lambda content: content["splits"]["iid"].update(agreement=0.5))
    with pytest.raises(
        DamagedFile, match=r"SVD-rank-1\.seed-0\.json: not a valid record: .*it was edited: its content has sha256"
    ):
        load(stored.path)


@pytest.mark.parametrize(
    "figure", ["agreement", "faithfulness", "proxy_accuracy", "divergence_bits", "agreement_where_right"]
)
def test_a_figure_changed_together_with_the_seal_is_found_by_its_counts(figure, stored):
    forged = resealed(stored, lambda content: content["splits"]["iid"].update({figure: 0.123}))
    with pytest.raises(DamagedFile, match=rf"splits\.iid\.{figure}: its counts give .*, the record says 0\.123"):
        verify(forged)


def test_a_rate_below_the_dearest_split_is_found(stored):
    forged = resealed(stored, lambda content: content.update(bits_per_token=1.0))
    with pytest.raises(DamagedFile, match=r"bits_per_token must be the dearest split's, 64\.0, got 1\.0"):
        verify(forged)


def test_changed_counts_are_refused_naming_both_hashes(stored):
    counts = stored.counts(Counts)
    Counts(counts.disagree * 0, counts.disagree_where_wrong, counts.proxy_wrong, counts.divergence).save(
        stored.path.with_suffix(".npz")
    )
    with pytest.raises(DamagedFile, match=r"its records expect sha256 [0-9a-f]{64}, got [0-9a-f]{64}; run them again"):
        stored.counts(Counts)


def test_truncated_and_missing_counts_are_named(stored):
    file = stored.path.with_suffix(".npz")
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(DamagedFile, match=r"SVD-rank-1\.seed-0\.npz: cannot be read .*run its records again"):
        stored.counts(Counts)
    file.unlink()
    with pytest.raises(DamagedFile, match=r"SVD-rank-1\.seed-0\.npz: missing"):
        stored.counts(Counts)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "not a valid record: the file: Invalid JSON"),
        ("[]", "not a valid record: the file: Input should be an object"),
        ('{"schema_version": 1}', "not a valid record: the file: Unable to extract tag using discriminator 'track'"),
        (
            '{"track": "codec", "schema_version": 3}',
            "not a valid record: schema_version: Input should be 1 or 2, got '3'",
        ),
    ],
)
def test_what_is_no_record_is_refused_with_the_place(text, expected, stored):
    stored.path.write_text(text, encoding="utf-8")
    with pytest.raises(DamagedFile, match=expected):
        load(stored.path)


def test_a_record_in_anothers_place_is_refused(folder, stored):
    stored.path.rename(stored.path.with_name("elsewhere.json"))
    with pytest.raises(
        DamagedFile, match=r"elsewhere\.json: holds the record that belongs at .*SVD-rank-1\.seed-0\.json"
    ):
        load_all(folder)


def test_an_unknown_field_a_success_without_splits_and_a_silent_failure_are_no_records(stored):
    content = json.loads(stored.path.read_text(encoding="utf-8"))
    del content["sha256"]
    for change, expected in (
        ({"colour": "red"}, "colour"),
        ({"splits": {}}, "must have all that is measured"),
        ({"status": "failed"}, "must have a reason"),
    ):
        with pytest.raises(ValidationError, match=expected):
            CodecRecord.sealed(**(content | change))


def test_a_record_survives_writing_and_reading(stored, tmp_path):
    assert CodecRecord.model_validate_json(stored.record.model_dump_json()) == stored.record
    assert record_path(tmp_path, stored.record).name == "SVD-rank-1.seed-0.json"


def test_entries_that_differ_in_a_sign_or_far_to_the_right_have_files_of_their_own():
    labels = ["A(x=1)", "A(x=-1)", "A(x='+')", "A(x='-')", f"A(x='{'b' * 300}')", f"A(x='{'b' * 301}')"]
    files = {entry_path("task/arena.0", "own", label, 0).name for label in labels}
    assert len(files) == len(labels)
    assert max(map(len, files)) < 150


def test_a_later_root_wins(made, folder):
    both = load_all(made, folder)
    assert len(both) == len(load_all(made))
    assert all(folder in stored.path.parents for stored in both)


def test_the_content_of_counts_is_hashed_not_their_compression(stored, tmp_path):
    counts = stored.counts(Counts)
    counts.save(tmp_path / "again.npz")
    assert Counts.load(tmp_path / "again.npz", counts.sha256()).sha256() == counts.sha256()
    wider = Counts(*(np.asarray(getattr(counts, name), dtype=np.int64) for name in counts.__dataclass_fields__))
    assert wider.sha256() == counts.sha256()


def test_figures_of_counts_written_by_hand(stored):
    ground, counts = stored.ground(GroundCounts), stored.counts(Counts)
    rows = ground.split == 0
    figures = split_figures(ground, counts, 0)
    assert figures["sequences"] == rows.sum() == 8
    assert figures["agreement"] == 1 - counts.disagree[rows].sum() / ground.positions[rows].sum()


def test_a_kill_while_writing_leaves_the_old_file(tmp_path):
    target = tmp_path / "file.txt"
    target.write_text("old", encoding="utf-8")
    script = textwrap.dedent(f"""
        import os, signal
        from pathlib import Path
        from simplibench.files import write_atomically
        def write(path):
            path.write_text("ne", encoding="utf-8")
            os.kill(os.getpid(), signal.SIGKILL)
        write_atomically(Path({str(target)!r}), write)
    """)
    assert subprocess.run([sys.executable, "-c", script]).returncode == -signal.SIGKILL
    assert target.read_text(encoding="utf-8") == "old"


def test_a_failed_write_leaves_nothing_behind(tmp_path):
    def write(path):
        path.write_text("half", encoding="utf-8")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(UnwritableFile, match=r"file.txt: cannot be written \(No space left on device\); make room or"):
        write_atomically(tmp_path / "file.txt", write)
    assert os.listdir(tmp_path) == []
