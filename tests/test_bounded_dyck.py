"""The task dyck-2-4: its sampler, its splits, and the change it calls harmless. See also test_task_contract.py."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simplibench.errors import DamagedFile
from simplibench.models.theory import language
from simplibench.tasks import load_split, load_training, splits
from simplibench.tasks.bounded_dyck import CLOSE, MAX_DEPTH, OPEN, START, TYPES, VOCABULARY, _walks, partners
from simplibench.tasks.bounded_dyck import task as DYCK
from simplibench.tasks.task import content_hash

EVALUATION = ["length-28", "length-100", "length-400-500"]
LENGTHS = {"fit": (28, 28), "length-28": (28, 28), "length-100": (100, 100), "length-400-500": (400, 500)}
DISTANCES = (1, 4, 16, 64)
SEEDS = st.integers(0, 2**32 - 1)


def read(prefix):
    """A stack machine: for every closing bracket its position, where its pair was opened, and the pair's depth."""
    start, *brackets = prefix
    assert start == 0
    stack, closed = [], []
    for position, token in enumerate(brackets, start=1):
        assert 1 <= token <= 4
        if token <= 2:
            stack.append((position, token))
            assert len(stack) <= 4
        else:
            opened, kind = stack.pop()
            assert token == kind + 2
            closed.append((position, opened, len(stack) + 1))
    return closed, stack


def depths(prefix):
    """How many brackets are open after each token."""
    return np.cumsum([0 if token == 0 else 1 if token <= 2 else -1 for token in prefix])


def whole(sequences):
    return [sequences[index].tolist() for index in range(len(sequences))]


def as_bytes(sequences):
    return [bytes(prefix) for prefix in whole(sequences)]


@pytest.fixture(scope="module")
def training():
    return load_training(DYCK)


@pytest.fixture(scope="module")
def loaded():
    return {name: load_split(DYCK, name) for name in DYCK.roles}


def test_tokens_are_start_and_two_types_of_brackets():
    assert (START, OPEN, CLOSE, TYPES, MAX_DEPTH, VOCABULARY) == (0, 1, 3, 2, 4, 5)
    assert list(DYCK.candidates) == [3, 4]


@pytest.mark.parametrize("name", DYCK.roles)
def test_every_split_is_made_of_prefixes_of_the_language_of_the_length_that_it_names(name, loaded):
    prefixes, (low, high) = whole(loaded[name].sequences), LENGTHS[name]
    assert len(prefixes) >= 1_000
    for prefix in prefixes:
        read(prefix)
        assert low <= len(prefix) - 1 <= high


def test_training_is_made_of_prefixes_of_the_language_of_28_brackets(training):
    for prefix in whole(training):
        read(prefix)
    assert np.all(training.lengths == 1 + 28)


def test_there_are_100_000_training_tokens_within_one_prefix(training):
    assert 100_000 - 28 < 28 * len(training) <= 100_000


def test_the_fit_split_is_the_first_thousand_training_prefixes(loaded, training):
    assert as_bytes(loaded["fit"].sequences) == as_bytes(training)[:1_000]


def test_lengths_400_to_500_are_uniform(loaded):
    lengths = loaded["length-400-500"].sequences.lengths - 1
    assert lengths.min() <= 402
    assert lengths.max() >= 498
    counts = np.bincount(lengths - 400, minlength=101)
    expected = len(lengths) / 101
    assert (
        np.sum((counts - expected) ** 2 / expected) < 100 + 4 * (2 * 100) ** 0.5
    )  # chi-square, 100 degrees of freedom
    assert abs(lengths.mean() - 450) < 4 * ((101**2 - 1) / 12 / len(lengths)) ** 0.5


@pytest.mark.parametrize("name", EVALUATION)
def test_no_evaluation_prefix_begins_with_one_of_the_training_set(name, loaded, training):
    known = set(as_bytes(training))
    assert known.isdisjoint(prefix[: 1 + 28] for prefix in as_bytes(loaded[name].sequences))


@pytest.mark.parametrize("name", DYCK.roles)
def test_cases_are_exactly_the_positions_before_a_closing_bracket_with_depth_and_distance_of_its_pair(name, loaded):
    split, expected = loaded[name], []
    for index, prefix in enumerate(whole(split.sequences)):
        for position, opened, depth in read(prefix)[0]:
            bucket = max(edge for edge in DISTANCES if edge <= position - opened)
            expected.append((index, position - 1, prefix[position], depth, bucket))
    cases = split.cases
    assert set(cases.strata) == {"depth", "distance"}
    columns = (cases.sequence, cases.position, cases.target, cases.strata["depth"], cases.strata["distance"])
    assert list(zip(*(column.tolist() for column in columns), strict=True)) == expected


def test_every_depth_is_scored_on_every_split_and_long_prefixes_have_every_distance(loaded):
    for name, split in loaded.items():
        assert set(split.cases.strata["depth"]) == {1, 2, 3, 4}
        assert set(split.cases.strata["distance"]) >= (set(DISTANCES) if name in EVALUATION[1:] else {1, 4, 16})


def test_brackets_open_with_probability_one_half_at_depths_one_to_three(loaded, training):
    """Deviations of five standard errors have a probability below one in a million."""
    for sequences in (training, *(loaded[name].sequences for name in EVALUATION)):
        before = np.concatenate([depths(prefix)[:-1] for prefix in whole(sequences)])
        opens = np.concatenate([np.array(prefix[1:]) <= 2 for prefix in whole(sequences)])
        assert opens[before == 0].all()
        assert not opens[before == 4].any()
        for depth in (1, 2, 3):
            drawn = opens[before == depth]
            assert abs(drawn.mean() - 1 / 2) < 5 * (1 / 4 / len(drawn)) ** 0.5


def test_types_are_uniform_at_every_depth_and_whatever_type_is_around(loaded, training):
    for sequences in (training, *(loaded[name].sequences for name in EVALUATION)):
        found = {}
        for prefix in whole(sequences):
            stack = [0]
            for token in prefix[1:]:
                if token <= 2:
                    found.setdefault((len(stack), stack[-1]), []).append(token)
                    stack.append(token)
                else:
                    stack.pop()
        assert set(found) == {(1, 0)} | {(depth, around) for depth in (2, 3, 4) for around in (1, 2)}
        for drawn in found.values():
            assert abs(np.mean(np.array(drawn) == 1) - 1 / 2) < 5 * (1 / 4 / len(drawn)) ** 0.5


def test_every_prefix_of_six_brackets_is_drawn_as_often_as_the_language_says():
    count = 100_000
    drawn = _walks(np.random.PCG64(99), np.full(count, 6)).tokens.astype(np.int64)
    kinds, found = np.unique(drawn, axis=0, return_counts=True)
    tokens = torch.from_numpy(kinds)
    probability = language(tokens)[:, :-1].gather(2, tokens[:, 1:, None])[..., 0].prod(1).numpy()
    assert probability.sum() == pytest.approx(1)  # so none is missing
    freedom = len(kinds) - 1
    assert np.sum((found - count * probability) ** 2 / (count * probability)) < freedom + 5 * (2 * freedom) ** 0.5


def hashes(built):
    training, made = built
    found = {name: content_hash(split.sequences.arrays() | split.cases.arrays()) for name, split in made.items()}
    return found | {"training": content_hash(training.arrays())}


def test_other_draw_streams_give_other_splits_which_are_refused(monkeypatch):
    stream = np.random.PCG64
    monkeypatch.setattr(np.random, "PCG64", lambda seed: stream(seed + 100))
    found = hashes(DYCK.build())
    assert found.keys() == DYCK.hashes.keys()
    assert set(found.values()).isdisjoint(DYCK.hashes.values())
    with pytest.raises(DamagedFile, match="(?s)dyck-2-4: generated splits differ.*raise `protocol`"):
        splits.check_pins(DYCK, found)


@given(seed=SEEDS, lengths=st.lists(st.integers(1, 60), min_size=1, max_size=5))
@settings(deadline=None)
def test_walks_say_where_pairs_were_opened_and_how_deep_each_token_is(seed, lengths):
    walks = _walks(np.random.PCG64(seed), np.array(lengths))
    for row, length in enumerate(lengths):
        prefix, end = walks.tokens[row, : 1 + length].tolist(), 1 + length
        opened = np.zeros(end, dtype=int)
        for position, partner, _ in read(prefix)[0]:
            opened[position] = partner
        assert walks.opened_at[row, :end].tolist() == opened.tolist()
        assert walks.depth[row, :end].tolist() == depths(prefix).tolist()
        assert not walks.tokens[row, end:].any()
        assert not walks.opened_at[row, end:].any()
    assert walks.prefixes() == as_bytes(walks.sequences())


@given(seed=SEEDS, lengths=st.lists(st.integers(1, 30).map(lambda half: 2 * half), min_size=1, max_size=5))
@settings(deadline=None)
def test_balanced_walks_return_to_depth_zero_at_their_end(seed, lengths):
    walks = _walks(np.random.PCG64(seed), np.array(lengths), balanced=True)
    for prefix, length in zip(walks.prefixes(), lengths, strict=True):
        closed, still_open = read(prefix)
        assert len(prefix) == 1 + length
        assert not still_open
        assert len(closed) == length / 2


@given(seed=SEEDS, length=st.integers(1, 60))
@settings(deadline=None)
def test_partners_are_the_brackets_of_one_pair_both_ways(seed, length):
    tokens = _walks(np.random.PCG64(seed), np.array([length])).tokens[0]
    found, expected = partners(tokens).tolist(), [0] * (1 + length)
    for position, opened, _ in read(tokens.tolist())[0]:
        expected[position], expected[opened] = opened, position
    assert found == expected


def test_partners_of_a_prefix_written_by_hand():
    assert partners(np.array([0, 1, 2, 4, 2, 2, 4, 1])).tolist() == [0, 0, 3, 2, 0, 6, 5, 0]


@given(seed=SEEDS, length=st.integers(1, 40), draw=SEEDS)
@settings(deadline=None)
def test_a_lengthened_sequence_has_one_balanced_prefix_of_even_length_after_start(seed, length, draw):
    tokens = _walks(np.random.PCG64(seed), np.full(3, length)).tokens.astype(np.int64)
    before = tokens.copy()
    longer = DYCK.lengthened(tokens, np.random.default_rng(draw))
    added = longer.shape[1] - tokens.shape[1]
    assert added in range(2, 28 + 1, 2)
    assert longer.dtype == tokens.dtype
    assert np.array_equal(tokens, before)
    assert np.array_equal(longer[:, 1 + added :], tokens[:, 1:])
    for row in longer[:, : 1 + added].tolist():
        assert not read(row)[1]
    assert np.array_equal(longer, DYCK.lengthened(tokens, np.random.default_rng(draw)))


def test_lengthening_leaves_every_later_prediction_of_the_language_alone(loaded):
    tokens = loaded["length-28"].sequences.tokens.reshape(1_000, 29)[:200].astype(np.int64)
    longer = DYCK.lengthened(tokens, np.random.default_rng(0))
    expected, found = language(torch.from_numpy(tokens)), language(torch.from_numpy(longer))
    assert torch.equal(found[:, -28:], expected[:, -28:])


def test_another_draw_inserts_another_prefix_and_every_sequence_gets_its_own():
    tokens = _walks(np.random.PCG64(0), np.full(50, 28)).tokens.astype(np.int64)
    drawn = [DYCK.lengthened(tokens, np.random.default_rng(seed)) for seed in range(200)]
    added = {longer.shape[1] - 29 for longer in drawn}
    assert added == set(range(2, 28 + 1, 2))  # 14 lengths: 200 draws miss one with a probability of 5 in a million
    longest = [longer[:, 1:29] for longer in drawn if longer.shape[1] == 29 + 28]
    assert len({longer.tobytes() for longer in longest}) == len(longest) > 1
    assert all(len(np.unique(own, axis=0)) == 50 for own in longest)
    assert {int(depths([0, *row]).max()) for own in longest for row in own} >= {2, 3, 4}
    assert set(np.concatenate(longest).ravel()) == {1, 2, 3, 4}
