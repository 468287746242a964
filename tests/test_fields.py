"""Hyperparameters of every kind: equal in every process, strict JSON, and what is no JSON value is refused in words."""

import json
import math
import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from test_board import GOOD, simulated

from simplibench import Codec, evaluate, load_submission
from simplibench.cli.rerun import rerun_record
from simplibench.errors import UsageError
from simplibench.guest import Guest, InProcess
from simplibench.methods import load_spec, select
from simplibench.methods.fields import text_of
from simplibench.records import load_all
from simplibench.registry import all_methods

IDENTITY = "\ndef encode(self, state, x): return x.half()\ndef decode(self, state, code): return code.float()"
QUICK = {"arenas": ["residual.0"], "seeds": [0], "limit": 2, "device": "cpu", "in_process": True}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
)


class Holding(Codec):
    value: object = None

    def encode(self, state, x):
        return x

    def decode(self, state, code):
        return code


class Ordered(Codec):
    names: frozenset[str | int | tuple[int, ...]] = frozenset()
    options: dict[str, object] = {}

    def encode(self, state, x):
        return x

    def decode(self, state, code):
        return code


# The same in every process


@settings(deadline=None)
@given(VALUES)
def test_of_values_without_an_order_of_their_own_the_label_is_pythons(value):
    if "{" not in repr(value):
        assert text_of(value) == repr(value)


def test_labels_of_the_repository_are_those_of_pydantic():
    entries = [entry for file in all_methods().values() for entry in load_submission(file.path).entries]
    assert [entry.label for entry in entries] == list(map(repr, entries))


@settings(deadline=None)
@given(st.permutations([10, 9, "a", "b", (1, 2), (1,)]), st.permutations(["x", "y", "z"]))
def test_the_order_in_which_a_set_or_a_dict_was_made_does_not_show(names, keys):
    made = Ordered(names=frozenset(names), options={key: {"inner": set(names)} for key in keys})
    usual = Ordered(names=frozenset({10, 9, "a", "b", (1, 2), (1,)}), options={k: {"inner": set(names)} for k in "xyz"})
    assert made.label == usual.label
    assert made.label.startswith(
        "Ordered(names=frozenset({9, 10, 'a', 'b', (1, 2), (1,)}), options={'x': {'inner': {9, 10,"
    )
    assert json.dumps(made.fields()) == json.dumps(usual.fields())
    assert made.manifest() == usual.manifest()


def test_a_set_gives_one_label_one_key_and_one_group_whatever_the_hash_seed(submission_file):
    body = "keep: frozenset[str] = frozenset({'alpha', 'beta', 'gamma', 'delta'})" + IDENTITY
    code = f"from simplibench import load_submission; print(load_submission({str(submission_file(body))!r}).manifest())"
    environments = (os.environ | {"PYTHONHASHSEED": seed} for seed in "012")
    commands = [
        subprocess.Popen([sys.executable, "-c", code], env=env, stdout=subprocess.PIPE, encoding="utf-8")
        for env in environments
    ]
    said = {process.communicate()[0] for process in commands}
    assert len(said) == 1
    assert "Own(keep=frozenset({'alpha', 'beta', 'delta', 'gamma'}))" in said.pop()


# What is no JSON value


WEIRD = {
    "a function": (
        "from collections.abc import Callable",
        "by: Callable = torch.tanh",
        "by",
        "builtin_function_or_method",
    ),
    "a tensor": ("", "by: object = torch.zeros(2)", "by", "Tensor, tensor"),
    "an object": ("", "by: object = object()", "by", "object, <object"),
    "one inside": ("", "by: dict[str, object] = {'a': [torch.float16]}", "by", "dict, {'a': [torch.float16]}"),
    "no text": ("", "by: bytes = bytes([255])", "by", r"bytes, b'\xff'"),
}


@pytest.mark.parametrize("case", WEIRD)
@pytest.mark.parametrize("where", ["guest", "in-process", "loaded"])
def test_a_field_that_no_record_can_hold_is_refused_naming_file_entry_and_field(case, where, submission_file, server):
    imported, body, name, got = WEIRD[case]
    path = submission_file(f"k: int = 3\n{body}{IDENTITY}")
    path.write_text(f"{imported}\n{path.read_text(encoding='utf-8')}", encoding="utf-8")
    guest = Guest(server, path, "cpu")
    load = {
        "guest": guest.manifest,
        "in-process": lambda: InProcess(path, "cpu"),
        "loaded": lambda: load_submission(path),
    }
    with pytest.raises(UsageError) as told:
        load[where]()
    text = str(told.value)
    assert text.startswith(f"{path}: Own(k=3, by=")
    assert f"the field {name} must hold numbers, text, booleans, None, and lists and dicts of these" in text
    assert f"got a {got}" in text


def test_such_a_field_of_an_object_is_refused_by_evaluate_too():
    with pytest.raises(
        UsageError, match=r"test_fields\.py: Holding\(value=.*: the field value must hold numbers, text"
    ):
        select([Holding(value=math.sin)])


def test_a_field_of_a_type_that_cannot_be_recorded_is_refused_with_its_line(submission_file):
    path = submission_file(f"weights: Tensor{IDENTITY}", entries="[]")
    with pytest.raises(UsageError, match=r"own\.py:7: a field must hold numbers, .*: .* <class 'torch.Tensor'>$"):
        load_submission(path)


def test_a_field_that_is_shown_with_its_address_is_refused(submission_file):
    path = submission_file(f"by: object = iter([1]){IDENTITY}")
    with pytest.raises(
        UsageError, match=r"own\.py: Own\(by=<list_iterator object at .*: .*address in memory.*__repr__"
    ):
        load_submission(path)


def test_what_a_submission_changed_behind_its_checks_is_refused_when_it_is_loaded(submission_file):
    path = submission_file(IDENTITY)
    path.write_text(
        f"{path.read_text(encoding='utf-8')}\nsubmission = submission.model_copy(update={{'citation': 'a\\nb'}})\n",
        encoding="utf-8",
    )
    with pytest.raises(UsageError, match=r"own\.py: Manifest\.citation: .* must be one line of visible characters"):
        load_submission(path)


# Infinity and NaN

CLIP = "order: float | None = float('inf')" + IDENTITY
ORDERS = "[Own(), Own(order=float('-inf')), Own(order=float('nan')), Own(order=None), Own(order=2.0)]"


@pytest.fixture
def clips(submission_file):
    return submission_file(CLIP, ORDERS)


def test_infinity_and_nan_are_texts_in_strict_json_and_tell_entries_apart(clips, tmp_path):
    records = evaluate(clips, output=tmp_path / "out", **QUICK)
    assert [record.fields["order"] for record in records] == ["Infinity", "-Infinity", "NaN", None, 2.0]
    assert len({record.key for record in records}) == len({record.entry for record in records}) == 5

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    for stored in load_all(tmp_path / "out"):
        json.loads(stored.path.read_text(encoding="utf-8"), parse_constant=refuse)
        assert stored.record.status == "ok"


@pytest.mark.parametrize("order", [math.inf, -math.inf, math.nan, None])
def test_an_object_with_infinity_or_nan_is_made_again_from_what_is_recorded(order, clips):
    entry = type(load_submission(clips).entries[0])(order=order)
    (made,) = load_spec(select([entry])[0]).entries
    assert (made.label, str(made.order)) == (entry.label, str(order))


def test_a_guest_rebuilds_an_infinite_entry_and_rerun_makes_its_record_again(clips, tmp_path):
    kind = type(load_submission(clips).entries[0])
    options = QUICK | {"in_process": False}
    (record,) = evaluate(kind(order=math.nan), output=tmp_path / "out", **options)
    assert (record.status, record.fields) == ("ok", {"order": "NaN"})
    (stored,) = load_all(tmp_path / "out")
    assert rerun_record(stored.path, str(clips), None, 60.0) == 0


def test_a_text_that_reads_as_infinity_is_not_taken_for_it(module_of):
    kind = module_of("value: float | str = 0.0" + IDENTITY)
    with pytest.raises(UsageError, match="its fields, as plain JSON values, must make it again"):
        select([kind(value=math.inf)])
    assert select([kind(value="Infinity")])[0].entries[0].fields == {"value": "Infinity"}


@pytest.fixture
def module_of(submission_file):
    """The class that a body makes."""
    return lambda body: type(load_submission(submission_file(body)).entries[0])


def test_a_record_with_a_number_that_json_has_not_is_refused(tmp_path):
    for changes in ({"fields": {"x": math.inf}}, {"fields": {"x": [math.nan]}}, {"bits_per_token": math.inf}):
        with pytest.raises(ValidationError, match="must be JSON, in which infinity|finite number"):
            simulated(tmp_path, "own", GOOD, **changes)
