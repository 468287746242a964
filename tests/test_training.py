"""Training: resumable to the same weights; references: refused unless they are what their card says."""

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from simplibench.cli.train import _missing, train_references
from simplibench.errors import DamagedFile, UsageError
from simplibench.models import CHECKPOINTS, load_card, load_reference
from simplibench.models.accuracy import accuracy
from simplibench.models.batches import limited
from simplibench.models.card import UNTRAINED
from simplibench.models.theory import broken_twin, exact, uniform
from simplibench.models.training import IGNORED, Training, initial, learning_rate, length_batches, padded
from simplibench.registry import all_tasks
from simplibench.tasks import Architecture, Family, Recipe, load_split, load_training
from simplibench.tasks.bounded_dyck import MINIMAL, TWO_LAYER
from simplibench.tasks.bounded_dyck import task as BOUNDED
from simplibench.tasks.dyck import END
from simplibench.tasks.dyck import task as DYCK

SHAPE = Architecture(layers=1, heads=1, width=8, head_width=8, mlp_width=16, vocabulary=42, context=514)
RECIPE = Recipe(steps=30, batch_tokens=512, learning_rate=1e-2, warmup_steps=5, weight_decay=0.01, clip_norm=1.0)
TINY = Family("tiny", SHAPE, RECIPE, (0,))
SCORED = replace(RECIPE, scored_only=True, batch_tokens=280)
INVARIANT = Family("tiny", MINIMAL, replace(SCORED, invariance=0.3), (0,))


@pytest.fixture(scope="module")
def sentences(task):
    return load_training(task).take(np.arange(300))


def trained(sentences, file, stop_after=None, save_seconds=1e9):
    training = Training(DYCK, TINY, sentences, 0, file)
    for progress in training.run(save_seconds):
        if progress.step == stop_after:
            break
    return training


def test_a_training_that_was_stopped_ends_at_the_weights_of_one_that_was_not(sentences, tmp_path):
    whole = trained(sentences, tmp_path / "whole.pt").model.state_dict()
    trained(sentences, tmp_path / "parts.pt", stop_after=17, save_seconds=0)
    resumed = trained(sentences, tmp_path / "parts.pt")
    assert resumed.step == 30
    assert all(torch.equal(whole[name], weight) for name, weight in resumed.model.state_dict().items())


def test_a_training_killed_between_saves_goes_on_from_the_last_one_to_the_same_weights(sentences, tmp_path):
    whole = trained(sentences, tmp_path / "whole.pt").model.state_dict()
    script = textwrap.dedent(f"""
        import numpy as np, os, signal
        from pathlib import Path
        from simplibench.registry import load_task
        from simplibench.tasks import load_training
        from test_training import DYCK, TINY, Training
        sentences = load_training(load_task("dyck-20-10")).take(np.arange(300))
        training = Training(DYCK, TINY, sentences, 0, Path({str(tmp_path / "killed.pt")!r}))
        for progress in training.run(1e9):
            if progress.step == 11: training.save()
            if progress.step == 14: os.kill(os.getpid(), signal.SIGKILL)
    """)
    environment = os.environ | {
        "PYTHONPATH": os.path.dirname(__file__),
        "OMP_NUM_THREADS": str(torch.get_num_threads()),
    }
    killed = subprocess.run([sys.executable, "-c", script], env=environment)
    assert killed.returncode == -signal.SIGKILL
    assert sorted(file.name for file in tmp_path.iterdir()) == ["killed.pt", "whole.pt"]
    resumed = trained(sentences, tmp_path / "killed.pt")
    assert all(torch.equal(whole[name], weight) for name, weight in resumed.model.state_dict().items())


def test_training_learns_something(sentences, tmp_path):
    losses = [progress.loss for progress in Training(DYCK, TINY, sentences, 0, tmp_path / "a.pt").run()]
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 0.2


def test_half_precision_products_train_the_same_model_a_little_differently(sentences, tmp_path):
    half = replace(TINY, recipe=replace(RECIPE, precision="bfloat16"))
    training = Training(DYCK, half, sentences, 0, tmp_path / "half.pt")
    losses = [progress.loss for progress in training.run()]
    full = [progress.loss for progress in Training(DYCK, TINY, sentences, 0, tmp_path / "full.pt").run()]
    assert losses != full
    assert losses == pytest.approx(full, rel=0.01)
    assert {weight.dtype for weight in training.model.parameters()} == {torch.float32}


def test_a_save_of_another_training_is_refused(sentences, tmp_path):
    trained(sentences, tmp_path / "a.pt")
    other = replace(TINY, recipe=replace(RECIPE, steps=40))
    with pytest.raises(DamagedFile, match="holds another training, expected .*steps=40.* got .*steps=30.*delete it"):
        Training(DYCK, other, sentences, 0, tmp_path / "a.pt")


def test_a_truncated_save_is_refused(sentences, tmp_path):
    trained(sentences, tmp_path / "a.pt")
    (tmp_path / "a.pt").write_bytes((tmp_path / "a.pt").read_bytes()[:500])
    with pytest.raises(DamagedFile, match=r"a\.pt: cannot be resumed from .*delete it to start anew"):
        Training(DYCK, TINY, sentences, 0, tmp_path / "a.pt")


def test_the_learning_rate_warms_up_and_decays_to_zero():
    rates = [learning_rate(RECIPE, step) for step in range(31)]
    assert rates[:5] == pytest.approx([0.002, 0.004, 0.006, 0.008, 0.01])
    assert rates[4:] == sorted(rates[4:], reverse=True)
    assert rates[30] == pytest.approx(0)


def test_batches_hold_every_sequence_once_within_the_token_limit():
    lengths = np.random.default_rng(0).integers(4, 500, size=400)
    batches = length_batches(lengths, 1_000, np.random.default_rng(1))
    assert sorted(np.concatenate(batches)) == list(range(400))
    assert all(len(batch) * lengths[batch].max() <= 1_000 for batch in batches)


def test_another_seed_begins_at_other_weights_and_the_same_at_the_same():
    first, again, other = (initial(TINY, seed).token.weight for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_every_shipped_reference_loads_and_keeps_its_floor(task):
    for family in task.families:
        for seed in family.seeds:
            accuracy = load_reference(task, seed, family).checkpoint.accuracy
            assert accuracy["iid"] >= 0.99
            assert accuracy["unseen-structure-long"] >= 0.99
            assert 0.6 <= accuracy["unseen-depth"] <= 0.9
        assert load_reference(task, UNTRAINED, family).checkpoint.accuracy["iid"] < 0.1


def test_no_two_trained_references_are_the_same_and_none_is_a_control():
    cards = [load_card(task, family) for task in all_tasks().values() for family in task.families]
    trained = [made.sha256 for card in cards for seed, made in card.references.items() if seed != UNTRAINED]
    assert len(set(trained)) == len(trained)
    assert set(trained).isdisjoint(card.checkpoint(UNTRAINED).sha256 for card in cards)


def test_controls_are_the_same_only_where_initial_weights_are_of_the_same_names_and_shapes():
    """Embeddings of (type, depth) and linear positions are no weights."""
    hashes_by_shape = {}
    for task in all_tasks().values():
        for family in task.families:
            shapes = tuple((name, tuple(weight.shape)) for name, weight in initial(family, 0).named_parameters())
            hashes_by_shape.setdefault((shapes, family.stored), set()).add(
                load_card(task, family).checkpoint(UNTRAINED).sha256
            )
    assert [len(hashes) for hashes in hashes_by_shape.values()] == [1] * len(hashes_by_shape)
    assert len(set.union(*hashes_by_shape.values())) == len(hashes_by_shape)


@pytest.fixture
def copied(tmp_path, task):
    shutil.copytree(CHECKPOINTS / task.name, tmp_path / task.name)
    return tmp_path


def test_weights_that_are_not_the_cards_are_refused_naming_both_hashes(copied, task):
    file = copied / task.name / "two-layer" / "seed-1.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"\x07")
    expected = load_card(task, task.families[0]).checkpoint(1).sha256
    with pytest.raises(
        DamagedFile, match=rf"seed-1\.safetensors: its card expects sha256 {expected}, got [0-9a-f]{{64}}"
    ):
        load_reference(task, 1, root=copied)


def test_missing_weights_a_broken_card_and_an_unknown_seed_are_named(copied, task):
    folder = copied / task.name / "two-layer"
    (folder / "seed-1.safetensors").unlink()
    with pytest.raises(DamagedFile, match="the card is there, the weights are missing"):
        load_reference(task, 1, root=copied)
    with pytest.raises(
        UsageError, match="dyck-20-10 has no reference 99 in family two-layer; there are: 0, 1, .*untrained"
    ):
        load_reference(task, 99, root=copied)
    (folder / "card.json").write_text('{"task": 3}', encoding="utf-8")
    with pytest.raises(DamagedFile, match=r"card\.json: not a valid card: task: Input should be a valid string"):
        load_reference(task, 2, root=copied)
    (folder / "card.json").unlink()
    with pytest.raises(UsageError, match=r"card\.json: no such card; `simplibench train dyck-20-10 --family two-layer"):
        load_reference(task, 2, root=copied)


def test_the_untrained_control_knows_nothing_of_brackets(task):
    assert load_card(task, task.families[0]).checkpoint(UNTRAINED).steps == 0
    assert END not in task.candidates


@pytest.fixture(scope="module")
def brackets():
    return load_training(BOUNDED).take(np.arange(50))


def of_brackets(brackets, file, family=INVARIANT, seed=0):
    return Training(BOUNDED, family, brackets, seed, file)


def weights(training):
    return training.model.state_dict()


def completed(training):
    for _ in training.run(1e9):
        pass
    return training


def test_scored_only_ignores_every_position_but_those_before_a_closing_bracket(brackets, tmp_path):
    training = of_brackets(brackets, tmp_path / "a.pt")
    targets = padded(brackets, np.arange(20))[1]
    logits = torch.randn(*targets.shape, 5, generator=torch.Generator().manual_seed(0))
    loss, closing = training._loss(logits, targets), targets >= 3
    assert 0 < closing.sum() < closing.numel()
    assert loss.item() == pytest.approx(F.cross_entropy(logits[closing], targets[closing]).item(), rel=1e-6)
    elsewhere = (~closing).nonzero()[:50].T.unbind()
    for other in (0, 1, 2, IGNORED):
        assert training._loss(logits, targets.index_put(elsewhere, torch.tensor(other))) == loss
    moved = logits.clone()
    moved[~closing] += torch.randn(5, generator=torch.Generator().manual_seed(1)) * 10
    assert training._loss(moved, targets) == loss
    there = closing.nonzero()[:1].T.unbind()
    assert training._loss(logits, targets.index_put(there, 7 - targets[there])) != loss
    everywhere = of_brackets(brackets, tmp_path / "b.pt", replace(INVARIANT, recipe=replace(RECIPE, invariance=0.3)))
    assert everywhere._loss(logits, targets) != loss
    assert everywhere._loss(moved, targets) != everywhere._loss(logits, targets)


class Counting(torch.nn.Module):
    """Every logit is the number of tokens read so far; at START, where no prediction is compared, it is 0."""

    def forward(self, tokens):
        return ((1.0 + torch.arange(tokens.shape[1])) * (tokens > 0))[..., None].expand(-1, -1, 5)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("step", [0, 7])
def test_the_invariance_term_is_the_squared_change_of_the_logits_summed_over_tokens(brackets, tmp_path, seed, step):
    training, inputs = of_brackets(brackets, tmp_path / "a.pt", seed=seed), padded(brackets, np.arange(20))[0]
    training.model, training.step = Counting(), step
    longer = BOUNDED.lengthened(inputs.numpy(), np.random.default_rng([seed, step]))
    added = longer.shape[1] - inputs.shape[1]
    assert added > 0
    assert training._variance(inputs, training.model(inputs)).item() == 5 * added**2  # by `added` at each of 5 tokens


@pytest.mark.parametrize("network", [uniform, exact])
def test_the_invariance_term_is_nothing_for_a_network_that_solves_the_language(network, brackets, tmp_path):
    """Balanced pairs cancel, so the logits do not change when some are inserted."""
    training, inputs = of_brackets(brackets, tmp_path / "a.pt"), padded(brackets, np.arange(20))[0]
    training.model = network()
    for step in range(10):
        training.step = step
        assert training._variance(inputs, training.model(inputs)) < 1e-5


def test_the_invariance_term_is_positive_for_networks_that_are_not_balanced(brackets, tmp_path):
    training, inputs = of_brackets(brackets, tmp_path / "a.pt"), padded(brackets, np.arange(20))[0]
    trained = [load_reference(BOUNDED, 0, BOUNDED.family(name)).model for name in ("minimal", "minimal-contrastive")]
    found = []
    for model in (broken_twin(uniform(), 0.1, 0), initial(INVARIANT, 1), *trained):
        training.model = model
        found.append(training._variance(inputs, training.model(inputs)).item())
    assert min(found) > 1e-3
    assert found[3] < found[2] / 10  # what the contrastive recipe is for


@pytest.mark.parametrize("shape", [MINIMAL, TWO_LAYER], ids=["minimal", "two-layer"])
def test_a_step_adds_the_invariance_term_times_its_weight_to_the_loss(shape, brackets, tmp_path):
    first = {}
    for weight in (0.0, 0.3, 0.6):
        family = Family("tiny", shape, replace(SCORED, invariance=weight), (0,))
        training = of_brackets(brackets, tmp_path / f"{weight}.pt", family)
        first[weight] = next(training.run()).loss
        if weight == 0.3:
            pushed = weights(training)
        elif not weight:
            plain = weights(training)
    assert first[0.3] - first[0.0] > 0.001
    assert first[0.6] - first[0.0] == pytest.approx(2 * (first[0.3] - first[0.0]), rel=1e-3)
    assert any(not torch.equal(plain[name], pushed[name]) for name in plain)


@pytest.mark.parametrize("shape", [MINIMAL, TWO_LAYER], ids=["minimal", "two-layer"])
def test_a_training_with_invariance_that_was_killed_ends_at_the_weights_of_one_that_was_not(shape, brackets, tmp_path):
    family = replace(INVARIANT, architecture=shape)
    whole = completed(of_brackets(brackets, tmp_path / "whole.pt", family))
    killed = of_brackets(brackets, tmp_path / "parts.pt", family)
    for progress in killed.run(1e9):
        if progress.step == 11:
            killed.save()
        if progress.step == 17:  # six steps beyond the last save, all lost
            break
    resumed = of_brackets(brackets, tmp_path / "parts.pt", family)
    assert resumed.step == 11
    assert not any(torch.equal(weights(resumed)[name], one) for name, one in weights(whole).items() if "query" in name)
    completed(resumed)
    assert resumed.step == whole.step == 30
    assert all(torch.equal(weights(resumed)[name], one) for name, one in weights(whole).items())


def test_a_task_that_knows_no_harmless_change_refuses_invariance(sentences, tmp_path):
    family = replace(TINY, recipe=replace(RECIPE, invariance=0.3))
    training = Training(DYCK, family, sentences, 0, tmp_path / "a.pt")
    with pytest.raises(NotImplementedError, match="dyck-20-10 knows no change of a sequence that leaves its pred"):
        next(training.run())


@pytest.mark.parametrize("family", BOUNDED.families, ids=lambda family: family.name)
def test_every_shipped_reference_of_bounded_dyck_is_right_at_28_brackets_and_worse_at_400(family):
    card = load_card(BOUNDED, family)
    assert list(card.references) == [*map(str, family.seeds), UNTRAINED]
    for seed in family.seeds:
        made = load_reference(BOUNDED, seed, family).checkpoint
        assert made.steps == family.recipe.steps
        assert set(made.accuracy) == set(made.confident) == set(BOUNDED.roles)
        assert min(made.accuracy["fit"], made.accuracy["length-28"]) >= 0.99
        assert made.confident["length-28"] >= 0.99
        assert made.confident["length-400-500"] < made.confident["length-28"]
        assert made.accuracy["length-400-500"] > 0.8
        assert all(made.confident[name] <= made.accuracy[name] for name in BOUNDED.roles)
        if family.name in ("minimal", "two-layer"):
            assert made.confident["length-400-500"] < made.confident["length-28"] - 0.05


def test_the_contrastive_recipe_generalizes_better_than_the_plain_one_on_average():
    found = {}
    for name in ("minimal", "minimal-contrastive"):
        family = BOUNDED.family(name)
        made = [load_card(BOUNDED, family).checkpoint(seed) for seed in family.seeds]
        found[name] = [
            np.mean([getattr(one, of)["length-400-500"] for one in made]) for of in ("accuracy", "confident")
        ]
    assert np.all(np.subtract(found["minimal-contrastive"], found["minimal"]) > 0.03)


@pytest.mark.parametrize("family", BOUNDED.families, ids=lambda family: family.name)
def test_the_untrained_controls_of_bounded_dyck_guess(family):
    control = load_reference(BOUNDED, UNTRAINED, family).checkpoint
    assert control.steps == 0
    for name in BOUNDED.roles:
        assert control.accuracy[name] == pytest.approx(0.5, abs=0.05)
        assert control.confident[name] <= 0.5


@pytest.mark.parametrize("seed", [1, UNTRAINED])
@pytest.mark.parametrize("family", BOUNDED.families, ids=lambda family: family.name)
def test_accuracies_measured_again_are_the_cards(family, seed):
    reference = load_reference(BOUNDED, seed, family)
    made, split = reference.checkpoint, load_split(BOUNDED, "length-28")
    found = accuracy(BOUNDED, reference.model, split)
    one_case = 1.01 / len(split.cases)  # another processor may round a tie the other way
    assert found.likeliest == pytest.approx(made.accuracy["length-28"], abs=one_case)
    assert found.confident == pytest.approx(made.confident["length-28"], abs=one_case)
    some = limited(load_split(BOUNDED, "length-400-500"), 60)
    found = accuracy(BOUNDED, reference.model, some)
    # A share p of n independent cases varies by less than 0.5 / n ** 0.5; allow four times that.
    allowed = 2 / len(some.cases) ** 0.5
    assert found.likeliest == pytest.approx(made.accuracy["length-400-500"], abs=allowed)
    assert found.confident == pytest.approx(made.confident["length-400-500"], abs=allowed)


@pytest.fixture
def partly(tmp_path):
    """An output folder that has all of dyck-2-4 but seeds 2 and 4 and the control of one family, and another family."""
    shutil.copytree(CHECKPOINTS / BOUNDED.name, tmp_path / BOUNDED.name, ignore=shutil.ignore_patterns("*.safetensors"))
    path = tmp_path / BOUNDED.name / "minimal-type-depth" / "card.json"
    card = json.loads(path.read_text(encoding="utf-8"))
    for seed in ("2", "4", UNTRAINED):
        del card["references"][seed]
    path.write_text(json.dumps(card), encoding="utf-8")
    shutil.rmtree(tmp_path / BOUNDED.name / "two-layer")
    return tmp_path


def test_without_a_seed_only_what_the_card_lacks_is_trained(partly):
    wanted = {family.name: _missing(BOUNDED, family, partly) for family in BOUNDED.families}
    expected = {family.name: [] for family in BOUNDED.families}
    assert wanted == expected | {
        "minimal-type-depth": [2, 4, UNTRAINED],
        "two-layer": list(BOUNDED.family("two-layer").references),
    }


def test_a_seed_asked_for_is_made_though_the_card_has_it(partly, capsys):
    assert UNTRAINED in load_card(BOUNDED, BOUNDED.family("minimal"), partly).references
    train_references(BOUNDED.name, [UNTRAINED], "minimal", partly, torch.get_num_threads(), 120.0)
    assert "1 of 1: minimal untrained" in capsys.readouterr().err


def test_where_nothing_is_missing_train_says_so_and_changes_nothing(partly, capsys):
    before = {file: file.read_bytes() for file in partly.rglob("*") if file.is_file()}
    train_references(BOUNDED.name, None, "minimal", partly, torch.get_num_threads(), 120.0)
    assert capsys.readouterr().out == f"every reference of minimal is in {partly}; --seed N makes one again\n"
    assert {file: file.read_bytes() for file in partly.rglob("*") if file.is_file()} == before


def test_the_command_makes_the_shipped_control_again(simplibench, tmp_path):
    options = ("--family", "minimal", "--seed", UNTRAINED, "--output", tmp_path)
    finished = simplibench("train", BOUNDED.name, *options)
    assert finished.returncode == 0, finished.stderr
    assert "1 of 1: minimal untrained" in finished.stderr
    assert f"entered it in {tmp_path / BOUNDED.name / 'minimal' / 'card.json'}" in finished.stdout
    assert "confidence > 0.8" in finished.stdout
    family = BOUNDED.family("minimal")
    made, shipped = (load_card(BOUNDED, family, root).checkpoint(UNTRAINED) for root in (tmp_path, CHECKPOINTS))
    assert (made.sha256, made.steps) == (shipped.sha256, 0)
    for measure in ("accuracy", "confident"):
        assert getattr(made, measure) == pytest.approx(getattr(shipped, measure), abs=2e-4)
    assert load_reference(BOUNDED, UNTRAINED, family, root=tmp_path).checkpoint == made
    assert _missing(BOUNDED, family, tmp_path) == list(family.seeds)


def test_a_family_that_there_is_not_is_refused_with_those_there_are(simplibench, tmp_path):
    finished = simplibench("train", BOUNDED.name, "--family", "maximal", "--output", tmp_path, cwd=tmp_path)
    assert finished.returncode == 2
    assert finished.stdout == ""
    expected = ", ".join(family.name for family in BOUNDED.families)
    assert f"dyck-2-4 has no family maximal; there are: {expected}" in finished.stderr
    assert list(tmp_path.iterdir()) == []
