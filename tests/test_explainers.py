"""Explainers: what they are given, what they must keep, what theory says of them, and how their runs are recorded."""

import json
import shutil
import signal
import sys
from collections import Counter
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch

from benchmark import cli, evaluate, load_reference
from benchmark.commands.validate import tiny_questions
from benchmark.harness.explainers.bank import build_bank
from benchmark.harness.explainers.ground import CASES, LEAST_DISAGREEMENT, lay_split, rankable
from benchmark.harness.explainers.maskings import EACH, GROUP, questions
from benchmark.harness.guest import Guest, InProcess
from benchmark.methods import ExplainedModel, Explainer, HostedExplainer, Question, check_explainer, load_submission
from benchmark.models.minimal import Minimal
from benchmark.records import BankTable, ExplainerCounts, load_all, verify
from benchmark.records.explainers import FORMS, MASKINGS, PAIR_KINDS
from benchmark.registry import all_methods, all_tasks
from benchmark.scoring.explanations import auc, distance
from benchmark.scoring.statistics import spearman
from benchmark.tasks import Cases, Explanations, Sequences, Split
from benchmark.tasks.bounded_dyck import CLOSE, OPEN, partners
from benchmark.theory import broken_twin, same_values, symmetric_twin, types_swapped, uniform

SUBMISSIONS = {name: load_submission(file.path) for name, file in sorted(all_methods().items())}
EXPLAINERS = [name for name, own in SUBMISSIONS.items() if isinstance(own.entries[0], Explainer)]
TASK = all_tasks()["dyck-2-4"]
ARENA = next(arena for arena in TASK.arenas if isinstance(arena, Explanations))
NAME = f"{TASK.name}/{ARENA.name}"
LIMIT = 2  # cases a split, where a bank is run

# START and prefixes of the language, of 8, 13, 13 and 10 tokens
TOKENS = torch.tensor(
    [
        [0, 1, 2, 4, 1, 3, 2, 2, 0, 0, 0, 0, 0],
        [0, 2, 1, 3, 2, 4, 1, 1, 3, 3, 4, 2, 1],
        [0, 1, 1, 1, 1, 3, 3, 3, 2, 4, 2, 4, 1],
        [0, 2, 2, 1, 3, 4, 1, 2, 4, 3, 0, 0, 0],
    ]
)
POSITIONS = torch.tensor([7, 12, 12, 9])


def trained(family, seed=0):
    """A reference in double precision, so that sums in another order give the same."""
    return load_reference(TASK, seed, TASK.family(family)).model.double()


def explained(network):
    return ExplainedModel(network, TASK.candidates)


def explain(name, network, tokens=TOKENS, positions=POSITIONS):
    """What the first entry of a method says, without a guest."""
    return SUBMISSIONS[name].entries[0].explain(explained(network), tokens, positions).detach()


# What an explainer is given.


def normed(layer, x):
    mean, variance = x.mean(-1, keepdim=True), x.var(-1, keepdim=True, correction=0)
    return (x - mean) / (variance + layer.eps).sqrt() * layer.weight + layer.bias


def slow_margin(network, tokens, position, hidden=()):
    """The margin of one case, query by query, the hidden keys never computed; and what is predicted."""
    stream = network.embed(tokens[None])[0]
    for block in network.blocks:
        mixed = []
        for query in range(position + 1):
            kept = [key for key in range(query + 1) if key not in hidden]
            scores = block.key(stream[kept]) @ block.query(stream[query]) / block.key.out_features**0.5
            mixed.append((scores.exp() / scores.exp().sum()) @ block.value(stream[kept]))
        if isinstance(network, Minimal):
            stream = torch.stack(mixed)
        else:
            stream = stream[: position + 1] + block.output(torch.stack(mixed))
            inside = normed(block.mlp_norm, stream) @ block.mlp[0].weight.T + block.mlp[0].bias
            stream = stream + inside.clamp(min=0) @ block.mlp[2].weight.T + block.mlp[2].bias
    last = normed(network.norm, stream[-1]) if isinstance(network, Minimal) else stream[-1]
    first, second = (network.unembed.weight[CLOSE : CLOSE + 2] @ last).tolist()
    return abs(first - second), CLOSE + int(second > first)


@pytest.fixture(scope="module", params=["minimal", "minimal-type-angle", "two-layer", "two-layer-linear"])
def network(request):
    return trained(request.param)


def test_prediction_and_margin_are_those_of_the_logits_at_the_position(network):
    model = explained(network)
    slow = [slow_margin(network, own, at) for own, at in zip(TOKENS, POSITIONS.tolist(), strict=True)]
    assert model.predicted(TOKENS, POSITIONS).tolist() == [predicted for _, predicted in slow]
    assert model.margin(TOKENS, POSITIONS).tolist() == pytest.approx([margin for margin, _ in slow], rel=1e-9)
    logits = network(TOKENS)[range(4), POSITIONS]
    assert torch.equal(model.predicted(TOKENS, POSITIONS), CLOSE + logits[:, CLOSE:].argmax(-1))
    assert torch.allclose(model.margin(TOKENS, POSITIONS), (logits[:, CLOSE] - logits[:, CLOSE + 1]).abs())


def test_the_margin_of_the_other_bracket_is_the_opposite(network):
    model = explained(network)
    other = 2 * CLOSE + 1 - model.predicted(TOKENS, POSITIONS)
    assert torch.allclose(model.margin(TOKENS, POSITIONS, target=other), -model.margin(TOKENS, POSITIONS))


def test_the_margin_without_some_keys_is_the_one_of_attention_that_never_saw_them(network):
    drawn = (
        torch.rand(4, 5, 13, generator=torch.Generator().manual_seed(0))
        < torch.tensor([0.1, 0.3, 0.5, 0.8, 1.0])[:, None]
    )
    drawn[..., 0] = False
    found = explained(network).margin_without(TOKENS, POSITIONS, drawn)
    for (case, masking), margin in np.ndenumerate(found.numpy()):
        at = int(POSITIONS[case])
        hidden = drawn[case, masking].nonzero()[:, 0].tolist()
        slow, predicted = slow_margin(network, TOKENS[case], at, hidden)
        kept = predicted == slow_margin(network, TOKENS[case], at)[1]
        assert margin == pytest.approx(slow if kept else -slow, rel=1e-6, abs=1e-9)


def test_hiding_nothing_or_what_comes_after_the_position_changes_nothing(network):
    model = explained(network)
    hidden = torch.zeros(4, 2, 13, dtype=torch.bool)
    hidden[:, 1] = torch.arange(13) > POSITIONS[:, None]
    without = model.margin_without(TOKENS, POSITIONS, hidden)
    assert torch.allclose(without, model.margin(TOKENS, POSITIONS)[:, None].expand(-1, 2))


def test_maskings_give_the_same_in_parts(network, monkeypatch):
    hidden = torch.eye(13, dtype=torch.bool)[1:].expand(4, -1, -1)
    whole = explained(network).margin_without(TOKENS, POSITIONS, hidden)
    monkeypatch.setattr("benchmark.methods.explained.MASKED_TOKENS", 5 * 13)
    assert torch.allclose(explained(network).margin_without(TOKENS, POSITIONS, hidden), whole)


def test_start_cannot_be_hidden(network):
    hidden = torch.zeros(4, 3, 13, dtype=torch.bool)
    hidden[2, 1, 0] = True
    with pytest.raises(ValueError, match="position 0, START, cannot be hidden: a query would have nothing left to"):
        explained(network).margin_without(TOKENS, POSITIONS, hidden)


@pytest.mark.parametrize(
    ("positions", "text"),
    [
        ([7, 12, 13, 9], r"positions must lie in 0 to 12, the tokens there are, got 13"),
        ([7, 12, 12, -1], r"positions must lie in 0 to 12, the tokens there are, got -1"),
        ([7, 12, 12], r"positions must be one a case, \[4\], got \[3\]"),
        ([[7], [12], [12], [9]], r"positions must be one a case, \[4\], got \[4, 1\]"),
    ],
)
def test_positions_that_do_not_exist_are_refused(positions, text):
    model, positions = explained(uniform()), torch.tensor(positions)
    for ask in (model.predicted, model.margin):
        with pytest.raises(ValueError, match=text):
            ask(TOKENS, positions)
    with pytest.raises(ValueError, match=text):
        model.margin_without(TOKENS, positions, torch.zeros(4, 1, 13, dtype=torch.bool))


def test_attention_and_values_are_the_layers_own_and_the_margin_has_a_gradient(network):
    model = explained(network)
    patterns, values = model.attention(TOKENS), model.values(TOKENS)
    assert [tuple(own.shape) for own in patterns] == [(4, 1, 13, 13)] * len(network.blocks)
    assert all(torch.allclose(own.sum(-1), torch.tensor(1.0).double()) for own in patterns)
    assert not any(own.triu(1).any() for own in patterns)
    assert torch.allclose(values[0][:, 0], network.blocks[0].value(network.embed(TOKENS)))
    embedded = network.embed(TOKENS).requires_grad_()
    margin = model.margin(TOKENS, POSITIONS, embedded)
    assert torch.allclose(margin, model.margin(TOKENS, POSITIONS))
    margin.sum().backward()
    assert torch.equal(embedded.grad.abs().sum(-1) > 0, torch.arange(13) <= POSITIONS[:, None])


# What an explainer must keep.


def written(folder, body, entries="[Own()]"):
    """A submission of one class `Own`, whose body begins in line 6."""
    indented = "\n".join("    " + line for line in body.strip("\n").splitlines())
    manifest = f"submission = Submission(name='own', authors=('a',), reference='here', entries={entries})"
    path = folder / "own.py"
    path.write_text(
        f"\nimport torch\nfrom benchmark import Explainer, Submission\n\nclass Own(Explainer):\n{indented}\n\n{manifest}\n"
    )
    return path


@pytest.fixture
def caller(nursery):
    """Opens guests and closes them."""
    opened = []

    def start(path, seconds=60.0):
        opened.append(Guest(nursery, path, "cpu"))
        entries = opened[-1].manifest().entries
        opened[-1].seconds_left = seconds
        return opened[-1], entries

    yield start
    for one in opened:
        one.close()


@pytest.fixture(scope="module")
def asked():
    return tiny_questions()


@pytest.mark.parametrize("name", EXPLAINERS)
def test_every_explainer_of_the_repository_keeps_the_contract(name, caller, asked):
    guest, entries = caller(all_methods()[name].path)
    assert {type(question.model).__name__ for question in asked} == {"Minimal", "Transformer"}
    for index, entry in enumerate(entries):
        assert entry.track == "explainer"
        assert check_explainer(guest, entry, index, asked) == []


EXPLAIN = "def explain(self, model, tokens, positions):"
READ = "read = torch.arange(tokens.shape[1]) <= positions[:, None]"
BROKEN = {
    "wrong shape": (
        f"{EXPLAIN} return torch.zeros(tokens.shape)[:, 1:]",
        "expected floats of shape [4, 13], got float32 of shape [4, 12]",
    ),
    "integers": (
        f"{EXPLAIN} return torch.zeros_like(tokens)",
        "expected floats of shape [4, 13], got int64 of shape [4, 13]",
    ),
    "no tensor": (f"{EXPLAIN} return tokens.tolist()", "expected a tensor, got list"),
    "complex": (
        f"{EXPLAIN} return tokens.to(torch.complex64)",
        "expected a tensor of floats or integers, got one of torch.complex64",
    ),
    "NaN": (f"{EXPLAIN} return tokens / tokens", "expected finite attributions, got NaN"),
    "infinity": (f"{EXPLAIN} return -1 / (tokens * 0)", "expected finite attributions, got infinity"),
    "exception": (
        f"{EXPLAIN}\n    raise ArithmeticError('no')",
        "expected a result, got ArithmeticError at own.py:7: no",
    ),
    "START hidden": (
        f"{EXPLAIN}\n    return model.margin_without(tokens, positions, torch.ones(4, 13, 13, dtype=torch.bool))",
        "expected a result, got ValueError at own.py:7: position 0, START, cannot be hidden",
    ),
    "sudden death": (
        f"{EXPLAIN}\n    import os; os._exit(3)",
        "expected a result, got the end of its process, with exit code 3",
    ),
    "endless loop": (
        f"{EXPLAIN}\n    while True: pass",
        "expected an end within the time an entry has (--timeout SECONDS), got none in the 1",
    ),
    "after the position": (
        f"{EXPLAIN} return torch.ones(tokens.shape)",
        "expected 0 after the explained position, where there is nothing to explain, "
        "got attributions after position 7 of case 0",
    ),
    "changed tokens": (
        f"{EXPLAIN}\n    tokens[:, 1] = 2\n    return torch.zeros(tokens.shape)",
        "expected its input left as it was, got a changed input; work on a copy",
    ),
    "other cases": (
        f"{EXPLAIN}\n    {READ}\n    return read * model.margin(tokens, positions).mean() * positions.sum()",
        "expected cases independent of each other, got other attributions without the other cases",
    ),
    "unseeded numbers": (
        f"{EXPLAIN}\n    {READ}\n    return read * torch.rand(tokens.shape)",
        "expected the same attributions for the same question, got others the second time",
    ),
    "padding": (
        f"{EXPLAIN}\n    {READ}\n    return read.float() * tokens.shape[1]",
        "expected attributions that do not depend on padding, got others with padding after the tokens",
    ),
}


@pytest.mark.parametrize("case", sorted(BROKEN))
def test_a_broken_promise_is_told_with_entry_method_expected_and_got(case, caller, tmp_path):
    body, expected = BROKEN[case]
    guest, (entry,) = caller(written(tmp_path, body), 1.5 if case == "endless loop" else 60.0)
    question = Question(uniform(), TASK.candidates, TOKENS, POSITIONS)
    found = [str(problem) for problem in check_explainer(guest, entry, 0, [question])]
    assert found[0].startswith(f"Own(), explain: {expected}")
    assert len(found) == 1 or case == "unseeded numbers"  # which differ from any others


WRITES = f"""
{EXPLAIN}
    {READ}
    before = read * model.margin(tokens, positions)[:, None]
    for weight in model.network.parameters():
        weight.fill_(7)
    model.network.blocks[0].key = None
    return before
"""


def test_whatever_is_done_to_the_model_is_done_to_a_copy(caller, tmp_path):
    path, network = written(tmp_path, WRITES), trained("minimal")
    kept = {name: weight.clone() for name, weight in network.state_dict().items()}
    guest, (entry,) = caller(path)
    margins = explained(network).margin(TOKENS, POSITIONS)
    for own in (guest, InProcess(path, "cpu")):
        assert check_explainer(own, entry, 0, [Question(network, TASK.candidates, TOKENS, POSITIONS)]) == []
        explainer = HostedExplainer(own, entry, 0)
        found = explainer.explain(network, TASK.candidates, TOKENS, POSITIONS)
        assert torch.allclose(found[:, 0], margins)
        assert (found.dtype, explainer.cases) == (torch.float64, len(TOKENS))
        assert all(torch.equal(weight, kept[name]) for name, weight in network.state_dict().items())


# What theory says.

C6, LAST = torch.tensor([[0, 1, 2, 2, 4, 4]]), torch.tensor([5])  # START ( [ [ ] ]
SMALL = 1e-6  # of a margin of 10


def hidden_together(*groups):
    hidden = torch.zeros(1, len(groups), 6, dtype=torch.bool)
    for masking, places in enumerate(groups):
        hidden[0, masking, list(places)] = True
    return hidden


def test_token_occlusion_charges_a_matched_pair_for_what_one_of_its_brackets_alone_would_do():
    # Alone, "(" leaves a tie, an opening bracket changes nothing, a closing one flips the prediction: 10, 0 and 20 lost.
    attributions = explain("token-occlusion", uniform(), C6, LAST)
    assert attributions[0].tolist() == pytest.approx([0, 10, 0, 0, 20, 20], abs=SMALL)
    model, maskings = explained(uniform()), hidden_together((1,), (3, 4), (2, 5))
    lost = (model.margin(C6, LAST)[:, None] - model.margin_without(C6, LAST, maskings))[0]
    assert lost.tolist() == pytest.approx([10, 0, 0], abs=SMALL)
    predicted = (maskings * attributions[:, None]).sum(-1)[0]
    assert predicted.tolist() == pytest.approx([10, 20, 20], abs=SMALL)
    assert spearman(predicted.round().numpy(), lost.round().numpy()) == pytest.approx(-1)


def test_pair_occlusion_predicts_what_hiding_matched_pairs_does():
    attributions = explain("pair-occlusion", uniform(), C6, LAST)
    assert attributions[0].tolist() == pytest.approx([0, 10, 0, 0, 0, 0], abs=SMALL)
    predicted = (hidden_together((1,), (3, 4), (2, 5)) * attributions[:, None]).sum(-1)[0]
    assert spearman(predicted.round().numpy(), np.array([10.0, 0.0, 0.0])) == pytest.approx(1)


def test_the_attention_row_is_the_same_for_other_functions_and_another_for_the_same():
    models = same_values(seed=0)
    rows = {name: explain("attention-row", model).numpy() for name, model in models.items()}
    same = np.stack([distance(rows[a], rows[b]) for a, b in combinations(models, 2)], axis=1)
    for change in (lambda own: broken_twin(own, 0.3, seed=0), types_swapped):
        others = {name: explain("attention-row", change(model)).numpy() for name, model in models.items()}
        assert all(np.array_equal(others[name], own) for name, own in rows.items())
        different = np.stack([distance(rows[name], others[name]) for name in models], axis=1)
        assert auc(same, different).tolist() == [0] * len(TOKENS)


@pytest.mark.parametrize("name", ["token-occlusion", "pair-occlusion", "gradient-times-input", "integrated-gradients"])
def test_what_only_asks_a_model_explains_a_symmetric_twin_alike(name, network):
    found, twins = explain(name, network), explain(name, symmetric_twin(network, seed=3))
    assert found.abs().max() > 0
    assert distance(found.numpy(), twins.numpy()).max() < 1e-6


CONTROLS = [name for name in EXPLAINERS if SUBMISSIONS[name].control]


@pytest.mark.parametrize("name", CONTROLS)
def test_controls_say_the_same_of_models_that_have_nothing_in_common_but_their_shape(name):
    found = [explain(name, model) for model in (uniform(), types_swapped(uniform()), trained("minimal"))]
    assert found[0].abs().max() > 0
    assert all(torch.equal(found[0], other) for other in found[1:])


def test_the_attention_row_and_rollout_differ_only_where_there_are_more_layers():
    for family in ("minimal", "two-layer"):
        network = trained(family)
        alike = torch.allclose(explain("attention-row", network), explain("attention-rollout", network))
        assert alike == (family == "minimal")


# Cases and maskings.


@pytest.fixture(scope="module")
def bank():
    return build_bank(TASK, ARENA, 0, "cpu")


@pytest.fixture(scope="module")
def laid(bank):
    """Every split with all of its cases; masked is one construction only, which is quick."""
    names = [name for name, role in TASK.roles.items() if role != "fit"]
    small = replace(bank, masked=["uniform"])
    return {name: lay_split(TASK, small, name, cases, "cpu", None) for name, cases in zip(names, CASES, strict=True)}


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
    asked = questions(FOUR, 4, disputed.ravel())
    assert asked.positions.tolist() == [5, 4, 5, 5]
    assert asked.tokens.tolist() == [[0, 1, 2, 4, 2, 4], [0, 1, 2, 4, 2, 0], [0, 1, 2, 4, 2, 4], [0, 1, 2, 4, 2, 4]]
    assert questions(FOUR, 4).positions.tolist() == [5, 5, 5, 5]
    assert questions(FOUR, 3, disputed.ravel()).positions.tolist() == [5, 4, 5]


def test_the_same_place_has_the_same_maskings_and_another_has_others():
    one, two = questions(FOUR, 4), questions(FOUR, 2)
    assert torch.equal(one.masked[:2], two.masked)
    assert torch.equal(one.masked, questions(FOUR, 4).masked)
    assert not torch.equal(one.masked[0], one.masked[2])


def test_a_text_too_short_for_a_kind_is_masked_as_far_as_it_goes():
    asked = questions(hand_split([[0, 1, 3]]), 1)
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


# The bank.


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
        assert len(own.questions.tokens) in CASES
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


# Runs and their records.

FAILS = f"""
k: int
{EXPLAIN}
    {READ}
    if self.k == 1: raise ArithmeticError('no')
    if self.k == 2: read = read / 0 * 0
    return read.float() if self.k != 3 else torch.ones(tokens.shape)
"""
REASONS = [
    None,
    "explain: expected a result, got ArithmeticError at own.py:9: no",
    "explain: expected finite attributions, got NaN",
    "explain: expected 0 after the explained position, where there is nothing to explain, got attributions after",
]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A file whose entries fail but for the first, then a shipped explainer; the folders of the file and its records."""
    folder = tmp_path_factory.mktemp("made")
    path = written(folder, FAILS, "[Own(k=k) for k in range(4)]")
    records = evaluate([path, "attention-row"], seeds=[0], limit=LIMIT, output=folder / "out", device="cpu")
    return path, folder / "out", records


def test_failing_explainers_are_recorded_and_the_others_go_on(made):
    _, folder, records = made
    assert [(record.submission, record.entry) for record in records] == [
        *(("own", f"Own(k={k})") for k in range(4)),
        ("attention-row", "AttentionRow()"),
    ]
    assert [record.status for record in records] == ["ok", "failed", "failed", "failed", "ok"]
    for record, reason in zip(records, REASONS, strict=False):
        assert (record.reason or "").startswith(reason or "")
    assert all(record.splits == {} and record.runtime is None for record in records[1:4])
    assert len(list(folder.rglob("own/*.npz"))) == 1
    assert {record.arena for record in records} == {NAME}


def test_records_of_a_run_hold_what_their_counts_give(made):
    for stored in load_all(made[1]):
        verify(stored)
        if stored.record.status == "ok":
            assert list(stored.record.splits) == list(TASK.roles)[1:]
            assert all(split.cases == LIMIT for split in stored.record.splits.values())


def test_a_run_finds_that_attention_takes_broken_and_swapped_copies_for_equal(made, bank):
    (stored,) = (own for own in load_all(made[1]) if own.record.submission == "attention-row")
    table, counts = stored.ground(BankTable), stored.counts(ExplainerCounts)
    by_construction = np.isin(table.pair_kind, [PAIR_KINDS.index("broken"), PAIR_KINDS.index("swapped")])
    assert by_construction.any()
    assert not counts.distance[by_construction].any()
    # Of the pairs of equal function only twins and the two uniform ones have equal attention: ties, which count half.
    same = [pair for pair in bank.pairs if pair.kind == "same"]
    tied = [pair for pair in same if pair.second in (f"{pair.first} twin", f"same values, {pair.first}")]
    for split in stored.record.splits.values():
        for kind in ("broken", "swapped"):
            assert split.equivalence_by_kind[kind] <= len(tied) / len(same) / 2


def test_an_attribution_that_is_the_same_everywhere_tells_no_two_models_apart(made):
    for split in made[2][0].splits.values():
        assert split.equivalence == 0.5
        assert set(split.equivalence_by_kind.values()) == {0.5}
        assert split.intervention_by_masking["token"] == 0  # a constant prediction


@pytest.fixture(scope="module")
def local(made, tmp_path_factory):
    """The same without guests."""
    options = {"seeds": [0], "limit": LIMIT, "output": tmp_path_factory.mktemp("local"), "device": "cpu"}
    return evaluate([made[0], "attention-row"], **options, in_process=True)


def test_in_process_gives_the_same_figures_and_is_marked(made, local):
    assert [(own.status, own.reason, own.splits) for own in local] == [
        (own.status, own.reason, own.splits) for own in made[2]
    ]
    assert [own.counts_sha256 for own in local] == [own.counts_sha256 for own in made[2]]
    assert {(own.in_process, own.limit) for own in local} == {(True, LIMIT)}


@pytest.fixture
def command(monkeypatch, capsys):
    """Runs the command without a process of its own: exit code, standard output and standard error."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["simplibench", *map(str, arguments)])
        before = signal.getsignal(signal.SIGINT)
        try:
            with pytest.raises(SystemExit) as ended:
                cli.main()
        finally:
            signal.signal(signal.SIGINT, before)
        return ended.value.code, *capsys.readouterr()

    return run


def test_a_run_goes_on_from_its_records_prints_the_failures_and_exits_one(made, command, tmp_path, monkeypatch):
    path, folder, _ = made
    monkeypatch.setattr("benchmark.commands.run.COMMITTED", tmp_path / "none")  # no others to be placed among
    shutil.copytree(folder, tmp_path / "out")
    options = ("--limit", LIMIT, "--seed", 0, "--output", tmp_path / "out")
    code, output, errors = command("run", path, "attention-row", *options)
    assert code == 1, errors
    assert f"{NAME}, mean of equivalence and intervention over 1 references" in output
    assert "failed on 1" in output
    assert "scored with --limit or --in-process" in output
    assert "2 of 5 records were there already and valid" in errors
    for k, reason in enumerate(REASONS[1:], start=1):
        assert f"failed: own, Own(k={k}) in {NAME} on 1 references: {reason}" in errors


def test_codec_and_explainer_go_to_their_own_tasks_and_units_side_by_side_give_the_same(local, command, tmp_path):
    options = ("--limit", LIMIT, "--seed", 0, "--in-process", "--format", "json", "--output", tmp_path / "out")
    code, output, errors = command("run", "one-hot-attention", "attention-row", "--jobs", 2, *options)
    assert code == 0, errors
    records = json.loads(output)
    found = {(own["submission"], own["track"]): own["arena"] for own in records}
    assert found[("attention-row", "explainer")] == NAME
    assert found[("one-hot-attention", "codec")].startswith("dyck-20-10/attention.")
    assert len(found) == 2
    (together,) = (own for own in records if own["track"] == "explainer")
    alone = local[-1].model_dump(mode="json")
    for changing in ("created", "runtime", "sha256"):
        del together[changing], alone[changing]
    assert together == alone


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--task", "dyck-20-10"), f"no entry of attention-row fits an arena asked for; its arenas are {NAME}"),
        (("--seed", "untrained", "--limit", LIMIT), f"{NAME} has no bank of untrained models; its seeds are"),
    ],
)
def test_what_an_explainer_cannot_be_run_on_is_refused(options, text, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, output, errors = command("run", "attention-row", "--in-process", *options)
    assert (code, output) == (2, "")
    assert f"simplibench: {text}" in errors
    assert list(tmp_path.iterdir()) == []


def test_info_of_the_arena_shows_every_entry_by_kind_of_pair_and_of_masking(made, command, monkeypatch):
    monkeypatch.setattr("benchmark.commands.arena.COMMITTED", made[1])
    code, output, errors = command("info", NAME)
    assert code == 0, errors
    assert output.startswith(NAME)
    for split in made[2][0].splits:
        for title in (
            "equivalence (AUC) by how the function differs",
            "intervention (rank correlation) by masking",
            "the same, tokens replaced by balanced filler",
        ):
            table = output.partition(f"{split}: {title}, mean over references\n")[2].split("\n\n")[0]
            assert "AttentionRow()" in table
            assert "Own(k=0)" in table
            assert "Own(k=1)" not in table  # it failed
