"""Training: resumable to the same weights; references: refused unless they are what their card says."""

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

from benchmark.errors import DamagedFile, UsageError
from benchmark.models import CHECKPOINTS, load_card, load_reference
from benchmark.models.card import UNTRAINED
from benchmark.models.training import Training, initial, learning_rate, length_batches
from benchmark.registry import all_tasks
from benchmark.tasks import Architecture, Family, Recipe, load_training
from benchmark.tasks.dyck import END
from benchmark.tasks.dyck import task as DYCK

SHAPE = Architecture(layers=1, heads=1, width=8, head_width=8, mlp_width=16, vocabulary=42, context=514)
RECIPE = Recipe(steps=30, batch_tokens=512, learning_rate=1e-2, warmup_steps=5, weight_decay=0.01, clip_norm=1.0)
TINY = Family("tiny", SHAPE, RECIPE, (0,))


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
        from benchmark.registry import load_task
        from benchmark.tasks import load_training
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
        assert family.seeds == (0, 1, 2, 3, 4)
        for seed in family.seeds:
            accuracy = load_reference(task, seed, family).checkpoint.accuracy
            assert accuracy["iid"] >= 0.99
            assert accuracy["unseen-structure-long"] >= 0.99
            assert 0.6 <= accuracy["unseen-depth"] <= 0.9
        assert load_reference(task, UNTRAINED, family).checkpoint.accuracy["iid"] < 0.1


def test_no_two_references_are_the_same():
    cards = [load_card(one, family) for one in all_tasks().values() for family in one.families]
    hashes = [made.sha256 for card in cards for made in card.references.values()]
    assert len(set(hashes)) == len(hashes)


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
        UsageError, match="dyck-20-10 has no reference 9 in family two-layer; there are: 0, 1, .*untrained"
    ):
        load_reference(task, 9, root=copied)
    (folder / "card.json").write_text('{"task": 3}')
    with pytest.raises(DamagedFile, match=r"card\.json: not a valid card: task: Input should be a valid string"):
        load_reference(task, 2, root=copied)
    (folder / "card.json").unlink()
    with pytest.raises(UsageError, match=r"card\.json: no such card; `simplibench train dyck-20-10 --family two-layer"):
        load_reference(task, 2, root=copied)


def test_the_untrained_control_knows_nothing_of_brackets(task):
    assert load_card(task, task.families[0]).checkpoint(UNTRAINED).steps == 0
    assert END not in task.candidates
