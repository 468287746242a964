"""Splits on disk: pinned, cached, and made again when damaged."""

import numpy as np
import pytest

from simplibench.errors import DamagedFile, UsageError
from simplibench.tasks import Cases, Sequences, Split, Task, load_split, splits
from simplibench.tasks.task import content_hash


class Tiny(Task):
    """A task of two sentences, to watch the cache at work."""

    name = "tiny"
    card = "test"
    protocol = 3
    roles = {"fit": "fit", "one": "id"}
    candidates = range(2)
    families = ()
    arenas = ()
    built = 0

    def __init__(self, last=1):
        sequences = Sequences(np.array([0, 1, 1, 0, last]), np.array([0, 2, 5]))
        cases = Cases(np.array([1]), np.array([1]), np.array([last]), {"kind": np.array([7])})
        self.content = sequences, {name: Split(name, role, sequences, cases) for name, role in self.roles.items()}
        arrays = sequences.arrays() | cases.arrays()
        original = content_hash(arrays | {"tokens": np.array([0, 1, 1, 0, 1]), "target": np.array([1])})
        training = content_hash(sequences.arrays() | {"tokens": np.array([0, 1, 1, 0, 1])})
        self.hashes = {"training": training, "fit": original, "one": original}

    def build(self):
        self.built += 1
        return self.content


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMPLIBENCH_CACHE", str(tmp_path))
    splits.load_split.cache_clear()
    yield tmp_path
    splits.load_split.cache_clear()


def test_a_split_is_generated_once_and_then_read_from_the_cache():
    task = Tiny()
    first = load_split(task, "one")
    splits.load_split.cache_clear()
    second = load_split(task, "one")
    assert task.built == 1
    assert first.role == second.role == "id"
    assert np.array_equal(first.sequences.tokens, second.sequences.tokens)
    assert second.cases.strata["kind"].tolist() == [7]


@pytest.mark.parametrize(
    "damage",
    [
        lambda p: p.write_bytes(p.read_bytes()[:40]),
        lambda p: p.write_bytes(b"x"),
        lambda p: p.write_bytes(p.read_bytes()[:-1] + b"\x01"),
    ],
)
def test_a_damaged_cache_file_is_reported_and_made_again(damage, cache, capsys):
    task = Tiny()
    load_split(task, "one")
    splits.load_split.cache_clear()
    file = next(cache.rglob("one-*.safetensors"))
    damage(file)
    assert load_split(task, "one").sequences.tokens.tolist() == [0, 1, 1, 0, 1]
    assert task.built == 2
    assert f"{file}: damaged cache file" in capsys.readouterr().err


def test_a_changed_split_is_refused_and_asks_for_a_new_protocol_version(cache):
    task = Tiny(last=0)
    with pytest.raises(
        DamagedFile, match="(?s)tiny: generated splits differ.*protocol 3.*one: pinned .* generated .*raise `protocol`"
    ):
        load_split(task, "one")
    assert not list(cache.rglob("*.safetensors"))


def test_an_unknown_split_names_those_there_are():
    with pytest.raises(UsageError, match="tiny has no split two; there are: fit, one"):
        load_split(Tiny(), "two")


def test_the_content_hash_does_not_depend_on_the_stored_type():
    assert content_hash({"a": np.array([1, 2], dtype=np.uint8)}) == content_hash(
        {"a": np.array([1, 2], dtype=np.int64)}
    )
    assert content_hash({"a": np.array([1, 2])}) != content_hash({"a": np.array([2, 1])})
