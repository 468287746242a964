"""The task dyck-20-10: its sampler and its splits. What every task keeps is in test_task_contract.py."""

import numpy as np
import pytest

from simplibench.tasks import load_split, load_training
from simplibench.tasks.dyck import CLOSE, END, LONGEST, OPEN, START, TYPES, deepest, draws, scored, sentences, structure
from simplibench.tasks.task import Sequences

EVALUATION = [
    "iid",
    "seen-structure",
    "unseen-structure-short",
    "unseen-structure-long",
    "unseen-depth",
    "long-shallow",
]


@pytest.fixture(scope="module")
def training(task):
    return load_training(task)


@pytest.fixture(scope="module")
def splits(task):
    return {name: load_split(task, name) for name in task.roles}


def well_nested(sentence: bytes) -> bool:
    """Checked with a stack, as the definition says; the sampler is vectorised."""
    stack = []
    if sentence[0] != START or sentence[-1] != END:
        return False
    for token in sentence[1:-1]:
        if OPEN <= token < CLOSE:
            stack.append(token)
        elif not stack or stack.pop() + TYPES != token:
            return False
    return not stack


def test_every_evaluation_sentence_is_a_well_nested_sentence_of_allowed_length(splits):
    for split in splits.values():
        assert all(well_nested(sentence) for sentence in sentences(split.sequences))
        assert split.sequences.lengths.min() >= 4 + 2
        assert split.sequences.lengths.max() <= LONGEST + 2


def test_the_sampler_opens_and_ends_with_probability_one_half():
    drawn = next(draws(99, 10))
    first = np.array([sentence[1:3] for sentence in map(list, sentences(drawn))])
    # After an opening bracket at depth 1 the next token opens with one half, given that short sentences are rejected:
    # P(open | length >= 4) = 1/2 / (1/2 + 1/2 * 1/2), as after `()` the sentence ends with one half and is rejected.
    opens = np.mean((first[:, 1] >= OPEN) & (first[:, 1] < CLOSE))
    assert opens == pytest.approx(2 / 3, abs=0.01)
    types = np.bincount(first[:, 0] - OPEN, minlength=TYPES) / len(first)
    assert types == pytest.approx(np.full(TYPES, 1 / TYPES), abs=0.006)


def test_only_unseen_depth_nests_deeper_than_ten(splits, training):
    assert deepest(b"".join(sentences(training))) == 10
    for name, split in splits.items():
        depths = [deepest(sentence) for sentence in sentences(split.sequences)]
        assert (min(depths) > 10) if name == "unseen-depth" else (max(depths) <= 10)


def test_the_fit_split_is_a_thousand_training_sentences(splits, training):
    assert len(splits["fit"].sequences) == 1_000
    assert set(sentences(splits["fit"].sequences)) <= set(sentences(training))
    assert len(training) == 200_000


def test_structures_are_seen_or_unseen_as_the_names_say(splits, training):
    known = {structure(sentence) for sentence in sentences(training)}
    for name in EVALUATION:
        structures = [structure(sentence) for sentence in sentences(splits[name].sequences)]
        if name == "seen-structure":
            assert all(erased in known for erased in structures)
        if name.startswith("unseen"):
            assert not any(erased in known for erased in structures)
    assert splits["unseen-structure-short"].sequences.lengths.max() <= 32 + 2
    assert splits["unseen-structure-long"].sequences.lengths.min() > 32 + 2


def test_long_shallow_has_the_lengths_of_unseen_depth(splits):
    lengths = [np.sort(splits[name].sequences.lengths) for name in ("long-shallow", "unseen-depth")]
    assert np.array_equal(*lengths)


@pytest.mark.parametrize("name", EVALUATION)
def test_every_sentence_is_scored_and_there_are_enough(name, splits):
    split = splits[name]
    assert len(np.unique(split.cases.sequence)) == len(split.sequences) >= 1_000
    assert len(split.cases) >= 10_000


def test_cases_are_the_closing_brackets_at_distance_ten_or_more(splits):
    split = splits["unseen-depth"]
    found = {
        (s, p): (t, d)
        for s, p, t, d in zip(
            split.cases.sequence, split.cases.position, split.cases.target, split.cases.strata["depth"], strict=True
        )
    }
    for index in range(50):
        stack, expected = [], {}
        for position, token in enumerate(split.sequences[index]):
            if OPEN <= token < CLOSE:
                stack.append(position)
            elif token >= CLOSE:
                opened = stack.pop()
                if position - opened >= 10:
                    expected[index, position - 1] = (token, len(stack) + 1)
        assert {key: value for key, value in found.items() if key[0] == index} == expected


def test_scored_finds_the_one_far_bracket_of_a_sentence_written_by_hand():
    inner = [OPEN + 1, CLOSE + 1] * 5
    tokens = np.array([START, OPEN, *inner, CLOSE, END], dtype=np.uint8)
    cases = scored(Sequences(tokens, np.array([0, len(tokens)])))
    assert cases.sequence.tolist() == [0]
    assert cases.position.tolist() == [11]
    assert cases.target.tolist() == [CLOSE]
    assert cases.strata["depth"].tolist() == [1]
    assert cases.strata["distance"].tolist() == [10]
