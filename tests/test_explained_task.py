"""A task of a test's own with an arena of explainers: its bank, maskings and cases are its own, and all commands work."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest
from run_kit import planned
from typer.testing import CliRunner

from simplibench.cli import application
from simplibench.errors import DamagedFile, UsageError
from simplibench.harness.explainer.bank import load_bank
from simplibench.harness.explainer.questions import questions
from simplibench.records import BankTable, load_all, verify
from simplibench.records.explainer import MASKINGS, PAIR_KINDS
from simplibench.registry import broken_tasks, load_task
from simplibench.tasks import load_split

app = application()

TASK = '''
"""Six symbols in any order, START first: no brackets, no references, one split more in the tables than dyck-2-4 has."""

from dataclasses import replace

import numpy as np

from simplibench.tasks import Cases, Explanations, Maskings, Sequences, Split, Task

LENGTHS = {"fit": 8, "short": 8, "long": 12, "longer": 16, "longest": 20}


class SinglesAndPairs(Maskings):
    kinds = ("token",) * 5 + ("group",) * 4

    def draw(self, tokens, rng):
        masked = np.zeros((len(self.kinds), len(tokens)), dtype=bool)
        for row, kind in zip(masked, self.kinds, strict=True):
            row[rng.choice(np.arange(1, len(tokens)), size=1 if kind == "token" else 2, replace=False)] = True
        return masked

    def replaced(self, tokens, masked):
        return tokens[~masked]


class Symbols(Task):
    name = "symbols"
    card = "Six symbols."
    protocol = 1
    roles = {"fit": "fit", "short": "id", "long": "ood", "longer": "ood", "longest": "ood"}
    hashes = {}
    candidates = range(1, 7)
    families = ()
    arenas = (
        Explanations(
            needs=(),
            bank="bank_of_symbols:build",
            maskings=SinglesAndPairs(),
            cases={"longest": 2, "short": 6, "long": 4, "longer": 3},
            name="why",
            seeds=(0, 1),
        ),
    )

    def build(self):
        splits = {name: drawn(number, length) for number, (name, length) in enumerate(LENGTHS.items())}
        splits = {name: Split(name, self.roles[name], sequences, scored(sequences)) for name, sequences in splits.items()}
        return drawn(99, 8), splits


def drawn(stream, length):
    symbols = 1 + np.random.PCG64(stream).random_raw((10, length)) % 6
    tokens = np.column_stack([np.zeros(10, dtype=np.int64), symbols.astype(np.int64)])
    return Sequences(tokens.ravel(), np.arange(11) * (length + 1))


def scored(sequences):
    length = int(sequences.lengths[0]) - 1
    sequence, position = np.repeat(np.arange(10), length), np.tile(np.arange(length), 10)
    targets = sequences.tokens.reshape(10, -1)[:, 1:].ravel()
    return Cases(sequence, position, targets, {"parity": targets % 2})


task = Symbols()
'''
BANK = '''
"""Two tiny networks, and a copy of each."""

from copy import deepcopy

import torch

from simplibench.models import Transformer
from simplibench.models.bank import Bank, Pair
from simplibench.tasks import Architecture

SHAPE = Architecture(layers=2, heads=1, width=8, head_width=8, mlp_width=8, vocabulary=7, context=24)


def network(seed):
    torch.manual_seed(seed)
    model = Transformer(SHAPE).requires_grad_(False)
    for weight in model.parameters():
        weight += torch.randn_like(weight) / 2  # so that predictions depend on what is read
    return model


def build(task, arena, seed, device):
    models = {"first": network(seed), "second": network(seed + 100)}
    models |= {f"{name}, again": deepcopy(model) for name, model in models.items()}
    same = [Pair(name, f"{name}, again", "same") for name in ("first", "second")]
    return Bank(models, [*same, Pair("first", "second", "retrained")], ["first", "second"], ("first", "second"))
'''
NAME = "symbols/why"
HERE = ("--device", "cpu", "--jobs", 1)  # other processes would not find the task


@pytest.fixture
def symbols(task_file, tmp_path, monkeypatch, cache):
    """The task, registered, with hashes pinned as its page says: those that the first build prints."""
    (tmp_path / "bank_of_symbols.py").write_text(BANK, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    task_file("symbols.py", TASK)
    assert broken_tasks() == ()
    with pytest.raises(DamagedFile, match="generated splits differ") as unpinned:
        load_split(load_task("symbols"), "fit")
    lines = [line.split() for line in str(unpinned.value).splitlines() if "generated" in line and "pinned" in line]
    hashes = {words[0].removesuffix(":"): words[-1] for words in lines}
    task_file("symbols.py", TASK.replace("hashes = {}", f"hashes = {hashes}"))
    sys.modules.pop("simplibench.tasks.symbols", None)
    yield load_task("symbols")
    sys.modules.pop("bank_of_symbols", None)


def called(*arguments):
    finished = CliRunner().invoke(app, list(map(str, arguments)))
    if finished.exception is not None and not isinstance(finished.exception, SystemExit):
        raise finished.exception
    assert finished.exit_code == 0, finished.output
    return finished.stdout


def test_explainers_are_run_verified_ranked_and_run_again_on_a_task_that_is_not_of_brackets(symbols, tmp_path):
    records = tmp_path / "out"
    said = called("run", "attention-row", "random-attribution", "--task", "symbols", *HERE, "--output", records)
    assert f"{NAME}, mean of equivalence and intervention over 2 references" in said
    stored = load_all(records)
    assert {(one.record.submission, one.record.arena, one.record.seed, one.record.status) for one in stored} == {
        (name, NAME, seed, "ok") for name in ("attention-row", "random-attribution") for seed in (0, 1)
    }
    for one in stored:
        verify(one)
        assert {name: split.cases for name, split in one.record.splits.items()} == {
            "short": 6,
            "long": 4,
            "longer": 3,
            "longest": 2,
        }
        for split in one.record.splits.values():
            assert set(split.equivalence_by_kind) == {"retrained"}
            assert set(split.intervention_by_masking) <= {"token", "group"}
        kinds = one.ground(BankTable)
        assert {PAIR_KINDS[kind] for kind in kinds.pair_kind} == {"same", "retrained"}
        assert {MASKINGS[kind] for kind in kinds.masking} == {"token", "group"}
    by_name = {one.record.submission: one.record for one in stored}
    # A copy has the same attention and another network another; random attributions depend on neither.
    assert by_name["attention-row"].splits["short"].equivalence == 1
    assert by_name["random-attribution"].splits["short"].equivalence == 0.5
    board = json.loads(called("leaderboard", "--records", records, "--format", "json"))
    assert {(row["arena"], row["submission"], row["status"]) for row in board} == {
        (NAME, name, "ok") for name in ("attention-row", "random-attribution")
    }
    assert "equal" in called("rerun", next(records.glob(f"{NAME}/attention-row/*.seed-1.json")))


def test_the_default_arenas_stay_the_defaults_though_another_file_sorts_before_theirs(symbols):
    units = planned(["attention-row"], seeds=[0])
    assert {unit.arena_name for unit in units} == {"dyck-2-4/explanations"}


def changed(symbols, **fields):
    """The arena with other fields."""
    return replace(symbols.arenas[0], **fields)


WRONG = {
    "pairs of an unknown kind": (
        lambda bank: {"pairs": [*bank.pairs, type(bank.pairs[0])("first", "second", "rotated")]},
        "pairs: expected kinds among same, broken, swapped, retrained .*, got 'rotated'",
    ),
    "pairs of an unknown model": (
        lambda bank: {"pairs": [*bank.pairs, type(bank.pairs[0])("first", "third", "same")]},
        "pairs: expected names among first, second, first, again, second, again, got 'third'",
    ),
    "an unknown model masked": (lambda bank: {"masked": ["third"]}, "masked: expected names among .*, got 'third'"),
    "an unknown model disputing": (lambda bank: {"disputing": ("first", "x")}, "disputing: expected names .*, got 'x'"),
    "no model masked": (lambda bank: {"masked": []}, "masked: expected at least one model .*, got none"),
    "no pair of other function": (
        lambda bank: {"pairs": bank.pairs[:2]},
        r"pairs: expected at least one of equal function \(same\) and one of another, got same",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_bank_that_cannot_be_used_is_refused_with_what_was_expected_and_what_came(case, symbols, monkeypatch):
    import bank_of_symbols

    change, expected = WRONG[case]
    build = bank_of_symbols.build

    def changed(*arguments):
        bank = build(*arguments)
        return type(bank)(**{**vars(bank), **change(bank)})

    monkeypatch.setattr(bank_of_symbols, "build", changed)
    cannot = "symbols/why: the bank of bank_of_symbols:build cannot be used"
    with pytest.raises(UsageError, match=f"{cannot}(?s:.*){expected}"):
        load_bank(symbols, symbols.arenas[0], 0, "cpu")


@pytest.mark.parametrize("bank", ["no_such_module:build", "bank_of_symbols:made"])
def test_a_bank_that_is_nowhere_is_named_with_its_arena(bank, symbols):
    with pytest.raises(UsageError, match=f"symbols/why: bank: expected `package.module:function`, .*, got '{bank}'"):
        load_bank(symbols, changed(symbols, bank=bank), 0, "cpu")


def test_maskings_that_records_have_no_name_for_are_refused(symbols):
    maskings = type("Vowels", (type(symbols.arenas[0].maskings),), {"kinds": ("vowel",)})()
    with pytest.raises(UsageError, match="maskings: expected kinds among token, matched pair, .*, got 'vowel'"):
        load_bank(symbols, changed(symbols, maskings=maskings), 0, "cpu")


@pytest.mark.parametrize(
    ("draw", "expected"),
    [
        (lambda self, tokens, rng: tokens > 3, r"Wrong.draw: expected bool of shape \[9, 8\], got bool of shape \[8\]"),
        (lambda self, tokens, rng: np.ones((9, 8)), r"expected bool of shape \[9, 8\], got float64 of shape \[9, 8\]"),
        (
            lambda self, tokens, rng: np.ones((9, 8), dtype=bool),
            "Wrong.draw: expected token 0 left in place, got it masked",
        ),
    ],
)
def test_maskings_that_are_not_what_they_should_be_are_refused(draw, expected, symbols):
    wrong = type("Wrong", (type(symbols.arenas[0].maskings),), {"draw": draw})()
    with pytest.raises(UsageError, match=expected):
        questions(load_split(symbols, "short"), 2, wrong)
