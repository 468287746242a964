"""File names of records: what is committed keeps its place, and no two entries ever share one."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from run_kit import planned

from simplibench import evaluate
from simplibench.errors import UsageError
from simplibench.records import COMMITTED, entry_path, paths

LETTERS = st.text(alphabet="aAbB(=),-. _1'", max_size=8)
SHAPES = st.from_regex(r"\A(svd|SVD|Svd|own|Own|OWN)\(((x|X)=-?(1|01|1\.0|True|true|None|'1'))?(, y=\[?1\]?)?\)\Z")
LABELS = st.one_of(LETTERS, SHAPES, st.text())
NESTED = """
groups: tuple[tuple[int, ...], ...]
def encode(self, state, x): return torch.stack([x[:, list(group)].mean(1) for group in self.groups], 1)
def decode(self, state, code): return torch.nn.functional.pad(code, (0, 32 - code.shape[1]))
"""
GROUPS = "[Own(groups=((0, 1), (2, 3))), Own(groups=((0,), (1, 2, 3))), Own(groups=((0, 1, 2), (3,)))]"
QUICK = {"arenas": ["attention.1"], "seeds": [0], "limit": 2, "device": "cpu", "in_process": True}


def test_every_committed_record_lies_where_its_entrys_path_is():
    files = sorted(COMMITTED.rglob("*.json"))
    assert files
    for file in files:
        said = json.loads(file.read_text(encoding="utf-8"))
        assert COMMITTED / entry_path(said["arena"], said["submission"], said["entry"], said["seed"]) == file


@settings(deadline=None)
@given(LABELS, LABELS, st.sampled_from(["own", "svd", "my-method"]))
def test_different_labels_have_different_files_also_where_capitals_count_for_nothing(first, second, submission):
    files = {entry_path("task/arena.0", submission, label, 0).name.casefold() for label in (first, second)}
    assert len(files) == len({first, second})


@settings(deadline=None)
@given(LABELS)
def test_a_records_file_is_found_and_its_name_is_short(label):
    name = entry_path("task/arena.0", "own", label, "untrained").name
    assert name.isascii()
    assert not name.startswith(".")
    assert len(name) < 150


@pytest.mark.parametrize(
    ("label", "submission", "name"),
    [
        ("MyMethod(k=8)", "my-method", "MyMethod-k-8"),
        ("KMeans(clusters=16, iterations=30)", "own", "KMeans-clusters-16-iterations-30"),
        ("Own(x=0.5, y=True)", "own", "Own-x-0.5-y-True"),
    ],
)
def test_a_label_from_which_nothing_is_lost_is_the_files_name(label, submission, name):
    assert entry_path("task/arena.0", submission, label, 3).name == f"{name}.seed-3.json"


def test_entries_that_differ_in_nothing_but_brackets_have_records_of_their_own(submission_file, tmp_path):
    records = evaluate(submission_file(NESTED, GROUPS), output=tmp_path / "out", **QUICK)
    assert len(records) == len(list((tmp_path / "out").rglob("*.json"))) == 3
    assert [record.status for record in records] == ["ok"] * 3
    assert len({record.entry for record in records}) == len({record.key for record in records}) == 3


def test_a_plan_whose_entries_would_share_a_file_is_refused_naming_both(submission_file, monkeypatch):
    monkeypatch.setattr(paths, "HASH_DIGITS", 0)
    file = submission_file(NESTED, GROUPS)
    with pytest.raises(UsageError, match=r"own\.py: Own\(.*\) and Own\(.*\) would share the file Own-groups.*\.json"):
        planned([file], arenas=["residual.0"], seeds=[0])
