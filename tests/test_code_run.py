"""Scoring on code: references and their card, records with and without all data, the commands where nothing is fetched."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from run_kit import planned
from small_code import WINDOWS, packages, task_of

from simplibench import evaluate
from simplibench.board import boards
from simplibench.cli.train import train_references
from simplibench.errors import UsageError
from simplibench.harness.unit import used
from simplibench.models import build, load_card, load_reference
from simplibench.models.accuracy import accuracy, largest_change
from simplibench.models.reference import as_stored, save_reference
from simplibench.models.training import Training, initial
from simplibench.records import load_all
from simplibench.registry import all_tasks, terms
from simplibench.tasks import load_split, load_training, splits
from simplibench.tasks.code_python import BASE, KINDS, SMALL, VOCABULARY, WINDOW, code_python

ARENA = "code-python/attention.3"
LACKING = 19  # a reference that only the largest families have


pytestmark = pytest.mark.usefixtures("cache")


@pytest.fixture
def task(package, tmp_path, monkeypatch):
    """The small corpus in the place of the real one, under the shipped references."""
    own = task_of(packages(package), tmp_path)
    monkeypatch.setitem(all_tasks(), "code-python", own)
    return own


# References


@pytest.mark.parametrize("seed", SMALL.seeds)
def test_shipped_references_read_code_and_know_a_repeated_name_from_a_new_one(seed):
    made = load_reference(code_python, seed).checkpoint
    assert made.bits["id"] <= 1.25
    assert made.bits["id"] < made.bits["unseen-project"] < min(made.bits[name] for name in list(code_python.roles)[3:])
    for split in ("id", "unseen-project"):
        new, repeated = (made.strata[split]["kind"][str(int(kind))] for kind in list(KINDS)[-2:])
        assert repeated.accuracy > new.accuracy + 0.1
        assert repeated.bits < new.bits


def test_the_card_counts_every_character_of_every_split_in_every_stratum():
    for made in load_card(code_python, SMALL).references.values():
        for name in code_python.roles:
            for strata in made.strata[name].values():
                assert sum(stratum.positions for stratum in strata.values()) == 1_000 * WINDOW
                mean = sum(stratum.accuracy * stratum.positions for stratum in strata.values()) / (1_000 * WINDOW)
                assert mean == pytest.approx(made.accuracy[name], abs=1e-5)


def test_a_model_that_knows_nothing_needs_the_bits_of_the_vocabulary(task):
    model = initial(SMALL, 0).eval()
    torch.nn.init.zeros_(model.unembed.weight)
    split = load_split(task, "id")
    found = accuracy(task, model, split)
    assert found.bits == pytest.approx(np.log2(VOCABULARY))
    assert found.likeliest == np.mean(split.cases.target == task.candidates.start)  # all alike: the first is taken
    assert found.confident is None
    for stratum, labels in split.cases.strata.items():
        expected = {str(label): int((labels == label).sum()) for label in np.unique(labels)}
        assert {label: own.positions for label, own in found.strata[stratum].items()} == expected


def test_weights_in_half_precision_take_half_the_bytes_and_load_as_what_was_measured(task, tmp_path):
    model, measures = initial(SMALL, 3), {"accuracy": {"id": 0.5}}
    sizes = {}
    for stored in ("float32", "float16"):
        family = replace(SMALL, stored=stored)
        save_reference(model, task, family, 0, measures, tmp_path / stored)
        loaded = load_reference(task, 0, family, root=tmp_path / stored).model
        for name, weight in as_stored(model, family).state_dict().items():
            assert torch.equal(loaded.state_dict()[name], weight)
            assert weight.dtype == torch.float32
        sizes[stored] = (tmp_path / stored / "code-python" / "small" / "seed-0.safetensors").stat().st_size
    assert sizes["float16"] == pytest.approx(sizes["float32"] / 2, rel=0.01)
    weight = as_stored(model, SMALL).token.weight
    assert not torch.equal(weight, model.token.weight)
    assert torch.allclose(weight, model.token.weight, rtol=2**-10, atol=1e-7)


def test_the_figure_that_changed_most_is_named(task):
    split = load_split(task, "id")
    before = {"id": accuracy(task, initial(SMALL, 0).eval(), split)}
    assert largest_change(before, before)[0] == 0
    moved = {"id": replace(before["id"], bits=before["id"].bits * 1.5)}
    assert largest_change(before, moved) == (pytest.approx(0.5), "id: bits")


def test_base_trains_on_the_same_windows_and_can_be_asked_for_by_name(task, tmp_path):
    assert task.family("base") is BASE
    assert BASE not in task.families
    shape = build(BASE.architecture).state_dict()
    assert shape["position.weight"].shape == (512, 256)
    short = replace(BASE, recipe=replace(BASE.recipe, steps=12, warmup_steps=4, batch_tokens=1_024))
    losses = [progress.loss for progress in Training(task, short, load_training(task), 0, tmp_path / "a.pt").run()]
    assert losses[-1] < losses[0]
    with pytest.raises(UsageError, match="code-python has no family large; there are: small, base"):
        train_references("code-python", None, "large", tmp_path, 1, 60.0)


# Records


def test_identity_is_exact_on_every_split_and_the_record_counts_every_character(task, tmp_path):
    found = evaluate("identity", "code-python", ["attention.1", "residual.3"], [0], in_process=True, output=tmp_path)
    assert {record.arena for record in found} == {"code-python/attention.1", "code-python/residual.3"}
    for record in found:
        assert list(record.splits) == ["id", "unseen-project", "java", "c"]
        for split in record.splits.values():
            assert split.agreement == 1
            assert split.positions == WINDOWS * WINDOW
            assert set(split.strata) == {"kind", "place"}


def test_a_record_uses_the_first_windows_and_a_limit_only_takes_fewer():
    assert code_python.records_use == 100
    assert used(code_python, None) == 100
    assert used(code_python, 4) == 4
    assert used(code_python, 4_000) == 100
    assert used(all_tasks()["dyck-20-10"], None) is None
    assert used(all_tasks()["dyck-20-10"], 7) == 7


def test_without_a_language_the_record_names_its_splits_is_not_ranked_and_is_made_again_when_it_came(
    task, tmp_path, capsys
):
    (tmp_path / "index" / "delta-1.0.tar.gz").rename(tmp_path / "delta")
    options = {"arenas": ["attention.3"], "seeds": [0], "output": tmp_path / "out"}
    (record,) = evaluate("constant", "code-python", **options)
    assert list(record.splits) == ["id", "unseen-project", "c"]
    said = capsys.readouterr().err
    assert "code-python: scored without java, so not ranked: not fetched: delta 1.0; `simplibench data fetch" in said
    (row,) = boards(load_all(tmp_path / "out"), terms())[0].rows
    assert (row.status, row.rank_low) == ("unranked", None)
    assert row.note == "scored without java, whose data were missing; fetch them and run it again"
    (tmp_path / "delta").rename(tmp_path / "index" / "delta-1.0.tar.gz")
    (whole,) = evaluate("constant", "code-python", **options)
    assert list(whole.splits) == ["id", "unseen-project", "java", "c"]
    assert whole.splits["id"] == record.splits["id"]


def test_splits_once_built_need_no_packages(task, tmp_path):
    load_split(task, "id")
    splits.load_split.cache_clear()
    for file in (tmp_path / "index").iterdir():
        file.unlink()
    (record,) = evaluate("identity", "code-python", ["residual.0"], [0], in_process=True, output=tmp_path / "out")
    assert list(record.splits) == ["id", "unseen-project", "java", "c"]


def test_every_task_leaves_out_the_one_without_data_and_says_so(task, tmp_path, capsys):
    for file in (tmp_path / "index").iterdir():
        file.unlink()
    units = planned(["identity"], "all", seeds=[0])
    assert {unit.task.name for unit in units} == {name for name, task in all_tasks().items() if not task.fetched}
    everything = "there are no data of training, fit, id, unseen-project, java, c; `simplibench data fetch code-python`"
    assert f"code-python is left out: {everything} fetches them" in capsys.readouterr().err
    with pytest.raises(UsageError, match=f"code-python cannot be run: {everything}"):
        planned(["identity"], "code-python")


def test_every_task_takes_the_references_asked_for_that_it_has(task):
    units = planned(["identity"], "all", seeds=[1, LACKING])
    expected = {
        (f"{other.name}/{arena.name}", seed)
        for other in all_tasks().values()
        for arena in other.arenas
        for seed in (1, LACKING)
        if arena.track == "codec" and all(seed in other.family(name).seeds for name in arena.needs)
    }
    assert {(unit.arena_name, unit.seed) for unit in units} == expected
    assert ("dyck-2-4/attention", LACKING) in expected
    with pytest.raises(UsageError, match=f"code-python has no reference {LACKING}"):
        planned(["identity"], "code-python", seeds=[LACKING])


def test_a_whole_record_stays_where_its_data_are_gone(task, tmp_path):
    options = {"arenas": ["residual.3"], "seeds": [0], "in_process": True, "output": tmp_path / "out"}
    (whole,) = evaluate("identity", "code-python", **options)
    (tmp_path / "index" / "delta-1.0.tar.gz").unlink()
    for file in (tmp_path / "cache" / "splits" / "code-python").glob("java-*"):
        file.unlink()
    splits.load_split.cache_clear()
    (again,) = evaluate("identity", "code-python", **options)
    assert again == whole


def test_a_training_that_could_not_be_measured_is_refused_before_it_starts(task, tmp_path, monkeypatch):
    load_training(task)
    for file in (tmp_path / "index" / "delta-1.0.tar.gz", *(tmp_path / "cache").rglob("java-*")):
        file.unlink()
    with pytest.raises(UsageError, match="code-python: all of its data are needed: there are no data of java; .*fetch"):
        train_references("code-python", ["3"], None, tmp_path / "out", 1, 60.0)
    assert not (tmp_path / "out").exists()


# Where nothing was fetched


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "svd", "--task", "code-python"),
        ("run", "svd", "--task", "code-python", "--seed", "1"),
        ("run", "svd", "--arena", "attention.3"),
        ("train", "code-python", "--seed", "7"),
        ("train", "code-python", "--family", "base"),
        ("study", "code"),
    ],
)
def test_what_needs_the_data_names_the_command_that_fetches_them(arguments, simplibench, tmp_path):
    finished = simplibench(*arguments, cwd=tmp_path)
    assert finished.returncode == 2
    assert "simplibench data fetch code-python" in finished.stderr
    assert "Traceback" not in finished.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) in ([], ["cache"])


def test_what_does_not_need_the_data_works_without_them(simplibench, tmp_path):
    told = simplibench("info", "code-python", cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    assert "missing: not fetched: " in told.stdout
    assert "bits a token of the references of family small" in told.stdout
    assert "repeated identifier" in told.stdout
    listed = simplibench("list", cwd=tmp_path)
    assert listed.returncode == 0, listed.stderr
    assert ARENA in listed.stdout
    arena = simplibench("info", ARENA, cwd=tmp_path)
    assert arena.returncode == 0, arena.stderr
