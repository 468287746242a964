"""What an explainer is given: predictions, margins, attention, and hiding."""

import numpy as np
import pytest
import torch
from explainer_kit import POSITIONS, TOKENS, explained

from simplibench.models.minimal import Minimal
from simplibench.models.theory import uniform
from simplibench.tasks.bounded_dyck import CLOSE


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
    monkeypatch.setattr("simplibench.methods.explained.MASKED_TOKENS", 5 * 13)
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
