"""Cases, maskings and pairs of models: what explainers are asked."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from explainer_kit import ARENA, TASK

from simplibench.harness.explainer.context import LEAST_DISAGREEMENT, prepare_split, rankable
from simplibench.harness.explainer.questions import questions
from simplibench.records.explainer import FORMS, MASKINGS, PAIR_KINDS
from simplibench.tasks import Cases, Sequences, Split
from simplibench.tasks.bounded_dyck import CLOSE, OPEN, partners
from simplibench.tasks.bracket_maskings import EACH, GROUP


@pytest.fixture(scope="module")
def laid(bank):
    """Every split with all of its cases; masked is one construction only, which is quick."""
    small = replace(bank, masked=["uniform"])
    return {name: prepare_split(TASK, ARENA, small, name, "cpu", None) for name in ARENA.cases}


def masked_texts(laid):
    """Every case and masking of the benchmark: kind, what is read, and the places that are masked."""
    for own in laid.values():
        asked = own.questions
        for case, at in enumerate(asked.positions.tolist()):
            text = asked.tokens[case, : at + 1]
            for kind, masked in zip(asked.kinds.tolist(), asked.masked[case], strict=True):
                yield MASKINGS[kind], text, masked.nonzero()[:, 0].tolist()


def test_maskings_are_of_the_kinds_they_are_called(laid):
    sizes = Counter()
    for kind, text, places in masked_texts(laid):
        partner = partners(text.numpy())
        if kind == "token":
            assert len(places) == 1
        elif kind == "matched pair":
            first, second = places
            assert (partner[first], partner[second]) == (second, first)
        elif kind == "unmatched pair":
            first, second = places
            assert partner[first] != second
        else:
            sizes[len(places)] += 1
    assert set(sizes) == set(range(GROUP[0], GROUP[1] + 1))


def test_start_and_what_comes_after_the_position_are_never_masked(laid):
    for own in laid.values():
        asked = own.questions
        later = torch.arange(asked.tokens.shape[1]) > asked.positions[:, None]
        assert not asked.masked[..., 0].any()
        assert not (asked.masked & later[:, None]).any()
        assert not asked.tokens[later].any()
        assert torch.bincount(asked.kinds).tolist() == [EACH] * len(MASKINGS)


def test_replaced_texts_have_a_pair_of_brackets_for_every_masked_token_and_the_others_in_order(laid):
    for own in laid.values():
        asked = own.questions
        for case, masking in np.ndindex(*asked.masked.shape[:2]):
            at, masked = int(asked.positions[case]), asked.masked[case, masking]
            expected = []
            for place, token in enumerate(asked.tokens[case, : at + 1].tolist()):
                expected += [OPEN, CLOSE] if masked[place] else [token]
            text = asked.replaced[case, masking]
            assert len(expected) == at + 1 + int(masked.sum())
            assert text[: len(expected)].tolist() == expected
            assert not text[len(expected) :].any()
            assert asked.replaced_positions[case, masking] == len(expected) - 1


def hand_split(texts):
    """A split of these texts, START first, with every closing bracket scored."""
    offsets = np.cumsum([0, *map(len, texts)])
    scored = [(own, at - 1, text[at]) for own, text in enumerate(texts) for at in range(1, len(text)) if text[at] >= 3]
    sequence, position, target = (np.array(column) for column in zip(*scored, strict=True))
    return Split("toy", "id", Sequences(np.concatenate(texts), offsets), Cases(sequence, position, target, {}))


FOUR = hand_split([[0, 1, 2, 4, 2, 4, 3]] * 4)  # scored after tokens 2, 4 and 5


def test_the_last_scored_position_is_explained_and_in_odd_sequences_the_last_disputed_one():
    disputed = np.zeros((4, 3), dtype=bool)
    disputed[0, 0] = disputed[1, 0] = disputed[1, 1] = True
    asked = questions(FOUR, 4, ARENA.maskings, disputed.ravel())
    assert asked.positions.tolist() == [5, 4, 5, 5]
    assert asked.tokens.tolist() == [[0, 1, 2, 4, 2, 4], [0, 1, 2, 4, 2, 0], [0, 1, 2, 4, 2, 4], [0, 1, 2, 4, 2, 4]]
    assert questions(FOUR, 4, ARENA.maskings).positions.tolist() == [5, 5, 5, 5]
    assert questions(FOUR, 3, ARENA.maskings, disputed.ravel()).positions.tolist() == [5, 4, 5]


def test_the_same_place_has_the_same_maskings_and_another_has_others():
    one, two = questions(FOUR, 4, ARENA.maskings), questions(FOUR, 2, ARENA.maskings)
    assert torch.equal(one.masked[:2], two.masked)
    assert torch.equal(one.masked, questions(FOUR, 4, ARENA.maskings).masked)
    assert not torch.equal(one.masked[0], one.masked[2])


def test_a_text_too_short_for_a_kind_is_masked_as_far_as_it_goes():
    asked = questions(hand_split([[0, 1, 3]]), 1, ARENA.maskings)
    assert asked.tokens.tolist() == [[0, 1]]
    first = torch.tensor([False, True])
    for kind, masked in zip(asked.kinds.tolist(), asked.masked[0], strict=True):
        assert torch.equal(masked, first & (MASKINGS[kind] != "matched pair"))


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        ([0], [0]),
        ([0, 1, 2], [0, 0, 0]),
        ([0, 1, 3], [0, 2, 1]),
        ([0, 1, 2, 2, 4, 4], [0, 0, 5, 4, 3, 2]),
        ([0, 2, 1, 3, 1, 3, 4, 1], [0, 6, 3, 2, 5, 4, 1, 0]),
    ],
)
def test_partners_are_the_other_brackets_of_their_pairs(tokens, expected):
    assert partners(np.array(tokens)).tolist() == expected


def answers(bank, own):
    """Logits of the candidates, by model, [case, candidate]."""
    asked = own.questions
    with torch.no_grad():
        return {
            name: model(asked.tokens, asked.positions[:, None])[:, 0, CLOSE:].double()
            for name, model in bank.models.items()
        }


@pytest.fixture(scope="module")
def answered(bank, laid):
    return [(own, answers(bank, own)) for own in laid.values()]


def test_the_bank_has_pairs_of_every_kind(bank):
    constructed, families = 9, len(ARENA.needs)
    swappable = constructed + 2  # minimal and minimal-contrastive have a value a symbol
    assert Counter(pair.kind for pair in bank.pairs) == {
        "same": constructed * (constructed - 1) // 2 + families,
        "broken": constructed,
        "swapped": swappable,
        "retrained": 3,
    }
    assert {pair.kind for pair in bank.pairs} == set(PAIR_KINDS)
    assert all(pair.first != pair.second for pair in bank.pairs)
    assert set(bank.masked) >= set(ARENA.needs)


def test_pairs_of_equal_function_answer_every_question_alike(bank, answered):
    for own, logits in answered:
        assert len(own.questions.tokens) in ARENA.cases.values()
        same = [pair for pair in bank.pairs if pair.kind == "same"]
        assert [pair for _, pair in own.pairs if pair.kind == "same"] == same
        for pair in same:
            assert torch.equal(logits[pair.first].argmax(-1), logits[pair.second].argmax(-1)), pair


def test_twins_have_equal_logits(bank, answered):
    twins = [pair for pair in bank.pairs if pair.second == f"{pair.first} twin"]
    assert len(twins) == len(ARENA.needs)
    for _, logits in answered:
        for pair in twins:
            assert (logits[pair.first] - logits[pair.second]).abs().max() < 1e-3, pair


def test_pairs_of_other_function_count_where_they_show_it_and_nowhere_else(bank, answered):
    for own, logits in answered:
        counted = [pair for _, pair in own.pairs]
        for pair in bank.pairs:
            if pair.kind != "same":
                differs = (logits[pair.first].argmax(-1) != logits[pair.second].argmax(-1)).double().mean()
                assert (differs >= LEAST_DISAGREEMENT) == (pair in counted), pair
        assert {pair.kind for pair in counted} >= {"same", "broken", "swapped"}
        assert all(bank.pairs[number] is pair for number, pair in own.pairs)


def test_on_an_exact_network_matched_pairs_change_no_margin_and_so_rank_nothing(laid):
    pairs = MASKINGS.index("matched pair")
    for own in laid.values():
        changes = own.changes["uniform"]
        assert changes.shape == (len(FORMS), *own.questions.masked.shape[:2])
        assert not changes[:, :, own.questions.kinds.numpy() == pairs].any()
        kinds = {kind for _, _, kind in rankable(changes, own.questions.kinds)}
        assert kinds == set(range(len(MASKINGS))) - {pairs}


def test_rankable_are_the_kinds_whose_changes_differ():
    kinds = torch.tensor([0, 0, 1, 1, 2, 2, 3, 3])
    changes = np.zeros((2, 2, 8))
    changes[0, 1, 3] = 1  # form 0, case 1, kind 1
    changes[1, 0, 6:] = 2  # the same for both maskings of kind 3
    changes[1, 0, 0] = -1
    assert rankable(changes, kinds) == [(0, 1, 1), (1, 0, 0)]
