"""What holds of every task in the tasks folder, whoever adds one. Nothing here counts tasks, splits or references."""

import hashlib
from itertools import combinations, pairwise

import numpy as np
import pytest
import torch
from small_code import STAND_INS

from simplibench.harness.explainer.bank import load_bank
from simplibench.models import VIEWS, Site, checkpoint_path, load_card, load_reference
from simplibench.registry import all_tasks, broken_tasks
from simplibench.tasks import Component, Explanations, absent, load_split, load_training
from simplibench.tasks.task import content_hash

TASKS = all_tasks()
FAMILIES = [(task.name, family.name) for task in TASKS.values() for family in task.families]
ARENAS = [(task.name, arena.name) for task in TASKS.values() for arena in task.arenas]
BANKS = [(task.name, arena) for task in TASKS.values() for arena in task.arenas if isinstance(arena, Explanations)]
SHORT = 40  # tokens
# Of a task whose data are fetched a small stand-in is looked at, and the task itself where its data are there.
SAMPLES = [f"{name}, small" for name in TASKS if name in STAND_INS] + [
    name for name in TASKS if not TASKS[name].fetched
]
FETCHED = [name for name in TASKS if TASKS[name].fetched]


def named(pairs):
    return ["/".join(pair) for pair in pairs]


def arena_of(task_name, arena_name):
    return next(arena for arena in TASKS[task_name].arenas if arena.name == arena_name)


def sites(task_name, arena_name):
    """Every family that an arena needs, and the places where its methods read or replace what crosses the network."""
    task, arena = TASKS[task_name], arena_of(task_name, arena_name)
    for family in map(task.family, arena.needs):
        if isinstance(arena, Component):
            parts = {part for (component, _), part in VIEWS.items() if component == arena.component}
            yield from ((family, Site(arena.layer, part)) for part in sorted(parts))
        else:  # explainers look at every pattern, and tokens are hidden from every layer
            layers = range(family.architecture.layers)
            yield from ((family, Site(layer, part)) for layer in layers for part in ("pattern", "query+key"))


PLACES = [
    pytest.param(task, family, site, id=f"{task}/{arena}-{family.name}-{site.layer}-{site.part}")
    for task, arena in ARENAS
    for family, site in sites(task, arena)
]


def missing_data(task):
    problem = next(iter(absent(task).values()), "")
    return f"{task.name}: data of {', '.join(absent(task))} are missing: {problem}" if problem else ""


@pytest.fixture(scope="module", params=[*SAMPLES, *FETCHED])
def sample(request, tmp_path_factory):
    """A task, its training sequences and its splits."""
    name, _, small = request.param.partition(", ")
    if small:
        task = STAND_INS[name](tmp_path_factory.mktemp("stand-in"))
        return task, *task.build()
    task = TASKS[name]
    if missing_data(task):
        pytest.skip(missing_data(task))
    return task, load_training(task), {split: load_split(task, split) for split in task.roles}


@pytest.fixture
def task(sample):
    return sample[0]


@pytest.fixture
def training(sample):
    return sample[1]


@pytest.fixture
def splits(sample):
    return sample[2]


@pytest.fixture
def evaluation(task, splits):
    """Every sequence of every split that methods are not fitted on, as bytes."""
    return {name: as_bytes(split.sequences) for name, split in splits.items() if task.roles[name] != "fit"}


def as_bytes(sequences):
    tokens = np.ascontiguousarray(sequences.tokens, dtype=np.int64)
    bounds = (8 * sequences.offsets).tolist()
    whole = tokens.tobytes()
    return [whole[start:end] for start, end in pairwise(bounds)]


def test_every_file_of_the_tasks_folder_holds_a_usable_task_or_none():
    assert [file.line for file in broken_tasks()] == []


@pytest.mark.parametrize("name", TASKS)
def test_one_split_is_fitted_on_and_there_are_some_in_and_some_out_of_distribution(name):
    roles = list(TASKS[name].roles.values())
    assert roles.count("fit") == 1
    assert {"id", "ood"} <= set(roles)


@pytest.mark.parametrize("name", TASKS)
def test_training_and_every_split_are_pinned_and_nothing_else_is(name):
    assert set(TASKS[name].hashes) == {"training", *TASKS[name].roles}


@pytest.mark.parametrize("name", TASKS)
def test_names_of_families_and_of_arenas_are_given_once(name):
    task = TASKS[name]
    for names in ([family.name for family in (*task.families, *task.recipes)], [arena.name for arena in task.arenas]):
        assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", SAMPLES)
def test_splits_built_again_are_the_pinned_ones(name, tmp_path):
    task = STAND_INS[name.partition(",")[0]](tmp_path) if name not in TASKS else TASKS[name]
    training, built = task.build()
    hashes = {name: content_hash(split.sequences.arrays() | split.cases.arrays()) for name, split in built.items()}
    assert hashes | {"training": content_hash(training.arrays())} == task.hashes


def test_every_split_is_there_under_its_name_and_role(task, splits):
    assert [(split.name, split.role) for split in splits.values()] == list(task.roles.items())


def test_no_evaluation_sequence_is_in_the_training_set(training, evaluation):
    known = set(as_bytes(training))
    for name, sequences in evaluation.items():
        shared = len(known.intersection(sequences))
        assert shared == 0, name


def test_no_sequence_is_in_two_splits(splits):
    sequences = {name: set(as_bytes(split.sequences)) for name, split in splits.items()}
    for first, second in combinations(sequences, 2):
        shared = len(sequences[first] & sequences[second])
        assert shared == 0, (first, second)


def test_no_sequence_is_in_an_evaluation_split_twice(evaluation):
    for name, sequences in evaluation.items():
        repeated = len(sequences) - len(set(sequences))
        assert repeated == 0, name


def test_candidates_and_tokens_are_in_the_vocabulary_of_every_family(task, training, splits):
    for family in (*task.families, *task.recipes):
        tokens = range(family.architecture.vocabulary)
        assert set(task.candidates) <= set(tokens)
        for sequences in (training, *(split.sequences for split in splits.values())):
            assert sequences.tokens.min() >= 0
            assert sequences.tokens.max() in tokens


def test_every_family_reads_sequences_of_every_length(task, training, splits):
    longest = max(sequences.lengths.max() for sequences in (training, *(split.sequences for split in splits.values())))
    assert all(family.architecture.context >= longest - 1 for family in (*task.families, *task.recipes))


def test_scored_positions_lie_inside_sequences_before_a_next_token_which_is_the_target(splits):
    for name, split in splits.items():
        cases, sequences = split.cases, split.sequences
        assert len(cases) > 0, name
        assert ((cases.sequence >= 0) & (cases.sequence < len(sequences))).all(), name
        assert ((cases.position >= 0) & (cases.position < sequences.lengths[cases.sequence] - 1)).all(), name
        assert np.array_equal(sequences.tokens[sequences.offsets[cases.sequence] + cases.position + 1], cases.target)


def test_no_position_is_scored_twice(splits):
    for name, split in splits.items():
        places = split.sequences.offsets[split.cases.sequence] + split.cases.position
        assert len(np.unique(places)) == len(places), name


def test_targets_are_candidates(task, splits):
    for name, split in splits.items():
        assert set(np.unique(split.cases.target).tolist()) <= set(task.candidates), name


def test_every_case_has_a_whole_number_for_a_label_in_the_same_strata_of_every_split(splits):
    strata = {tuple(split.cases.strata) for split in splits.values()}
    assert len(strata) == 1
    for split in splits.values():
        for labels in split.cases.strata.values():
            assert labels.shape == (len(split.cases),)
            assert np.issubdtype(labels.dtype, np.integer)


def test_where_labels_of_a_stratum_have_names_every_one_has(task, splits):
    for split in splits.values():
        for stratum, names in task.labels.items():
            assert set(np.unique(split.cases.strata[stratum]).tolist()) <= set(names)


@pytest.mark.parametrize(("task_name", "family_name"), FAMILIES, ids=named(FAMILIES))
def test_every_reference_that_a_family_names_is_on_its_card_with_the_hash_of_its_file(task_name, family_name):
    task, family = TASKS[task_name], TASKS[task_name].family(family_name)
    card = load_card(task, family)
    assert set(card.references) == set(map(str, family.references))
    for seed, made in card.references.items():
        path = checkpoint_path(task, family, seed if seed == "untrained" else int(seed))
        assert hashlib.sha256(path.read_bytes()).hexdigest() == made.sha256, path


@pytest.mark.parametrize(("task_name", "arena_name"), ARENAS, ids=named(ARENAS))
def test_every_seed_of_an_arena_has_a_trained_reference_of_every_family_that_it_needs(task_name, arena_name):
    arena = arena_of(task_name, arena_name)
    assert arena.seeds
    for family in map(TASKS[task_name].family, arena.needs):
        assert family in TASKS[task_name].families
        assert set(map(str, arena.seeds)) <= set(load_card(TASKS[task_name], family).references) - {"untrained"}


@pytest.mark.parametrize(("task_name", "family", "site"), PLACES)
def test_prefix_and_suffix_are_the_whole_at_every_site_of_every_arena(task_name, family, site):
    model = load_reference(TASKS[task_name], family.seeds[0], family).model
    length = min(SHORT, family.architecture.context)
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(0, family.architecture.vocabulary, (3, length), generator=generator)
    at = torch.randint(0, length, (3, 5), generator=generator)
    with torch.no_grad():
        whole, chosen = model(tokens), model(tokens, at)
        exact = 1e-5 * float(whole.abs().max().clamp(min=1))  # float32 sums in another order
        assert torch.allclose(model.suffix(model.prefix(tokens, site)), whole, rtol=0, atol=exact)
        assert torch.allclose(model.suffix(model.prefix(tokens, site, at), at), chosen, rtol=0, atol=exact)
        expected = whole.gather(1, at[..., None].expand(-1, -1, whole.shape[-1]))
        assert torch.allclose(chosen, expected, rtol=0, atol=exact)


@pytest.mark.parametrize(("task_name", "arena"), BANKS, ids=[f"{name}/{arena.name}" for name, arena in BANKS])
def test_every_arena_of_explainers_names_a_bank_that_can_be_used_for_every_seed(task_name, arena):
    for seed in arena.seeds:
        bank = load_bank(TASKS[task_name], arena, seed, "cpu")
        assert all(model.shape.vocabulary >= TASKS[task_name].candidates.stop for model in bank.models.values())
        assert not any(model.training for model in bank.models.values())
