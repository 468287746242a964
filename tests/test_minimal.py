"""The architectures of dyck-2-4: cut at any site, held against numpy, and blind to what is hidden from them."""

import copy
from dataclasses import replace
from math import cos, sin, tan

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simplibench.models import Site, Transformer, build, load_reference
from simplibench.models.card import UNTRAINED
from simplibench.models.minimal import Minimal, embedding_table, symbol
from simplibench.models.training import Training, initial
from simplibench.tasks import load_training
from simplibench.tasks.bounded_dyck import MINIMAL, TWO_LAYER, _walks
from simplibench.tasks.bounded_dyck import task as DYCK

SHAPES = {
    "pair": MINIMAL,
    "type+depth": replace(MINIMAL, tokens="type+depth"),
    "type+angle": replace(MINIMAL, tokens="type+angle"),
    "two heads": replace(MINIMAL, heads=2, head_width=25),
    "two-layer": TWO_LAYER,
    "two-layer-linear": replace(TWO_LAYER, positions="linear"),
}
MINIMALS = [name for name, shape in SHAPES.items() if shape.kind == "minimal"]
TWO_LAYERS = [name for name, shape in SHAPES.items() if shape.kind == "transformer"]
CUTS = [
    (name, Site(layer, part))
    for name, shape in SHAPES.items()
    for layer in range(shape.layers)
    for part in sorted(build(shape).blocks[layer].parts)
]
TEXT = [0, 1, 2, 4, 1, 3, 3, 2]  # START ( [ ] ( ) ) [
AT = torch.tensor([[3, 9], [0, 20], [5, 5], [19, 2]])


def randomised(shape):
    """In float64, none of its trained weights at a special value."""
    network, generator = build(shape).double().eval().requires_grad_(False), torch.Generator().manual_seed(0)
    for name, weight in network.named_parameters():
        if name != "token.weight":
            weight += 0.3 * torch.randn(weight.shape, generator=generator, dtype=torch.double)
    return network


MODELS = {name: randomised(shape) for name, shape in SHAPES.items()}


@pytest.fixture(scope="module")
def tokens():
    walks = _walks(np.random.PCG64(5), np.full(4, 20))
    return torch.from_numpy(walks.tokens.astype(np.int64))


@pytest.fixture(scope="module")
def hidden(tokens):
    """About a third of the tokens, two neighbours and a last one among them, never START."""
    found = torch.rand(tokens.shape, generator=torch.Generator().manual_seed(3)) < 0.3
    found[:, 0] = False
    found[0, 8:10] = found[:, -1] = True
    return found


def asked(logits, at):
    return logits.gather(1, at[..., None].expand(-1, -1, logits.shape[-1]))


@pytest.mark.parametrize(("name", "site"), CUTS, ids=str)
def test_prefix_and_suffix_give_the_logits_of_the_whole(name, site, tokens):
    model = MODELS[name]
    whole = model(tokens)
    assert whole.shape == (4, 21, 5)
    assert torch.allclose(model.suffix(model.prefix(tokens, site)), whole, atol=1e-10)


@pytest.mark.parametrize(("name", "site"), CUTS, ids=str)
def test_asked_positions_get_the_logits_of_the_whole(name, site, tokens):
    model = MODELS[name]
    expected = asked(model(tokens), AT)
    assert torch.allclose(model.suffix(model.prefix(tokens, site, AT), AT), expected, atol=1e-10)
    assert torch.allclose(model(tokens, AT), expected, atol=1e-10)


@pytest.mark.parametrize(("name", "site"), CUTS, ids=str)
def test_replaced_activations_change_the_logits(name, site, tokens):
    model = MODELS[name]
    cut, other = model.prefix(tokens, site), model.prefix(tokens.flip(0), site)
    changed = cut.replaced(other.streams)
    assert (model.suffix(changed) - model(tokens)).abs().max() > 0.1


@pytest.mark.parametrize("name", SHAPES)
def test_padding_never_reaches_a_real_position(name, tokens):
    padded = tokens.clone()
    padded[:, 12:] = 0
    assert torch.allclose(MODELS[name](padded)[:, :12], MODELS[name](tokens)[:, :12], atol=1e-12)


def test_symbols_of_a_text_written_by_hand():
    # Rows: START 0, then by token 1 to 4 and depth 1 to 4; a closing bracket has the depth of its pair.
    found = MODELS["pair"].symbols(torch.tensor([[*TEXT, 0], [0, 2, 2, 2, 2, 4, 4, 4, 4]]))
    assert found.tolist() == [[0, 1, 6, 14, 2, 10, 9, 5, 0], [0, 5, 6, 7, 8, 16, 15, 14, 13]]


def test_every_bracket_and_depth_has_a_row_of_its_own():
    rows = symbol(torch.arange(1, 5)[:, None], torch.arange(1, 5), 4)
    assert rows.flatten().tolist() == list(range(1, 17))


def test_a_text_outside_the_language_still_gets_an_inwrite_rows():
    found = MODELS["pair"].symbols(torch.tensor([[0, 3, 4, 1, 1, 1], [0, 1, 1, 1, 1, 1], [1, 1, 2, 0, 4, 3]]))
    # Closing at depth 0 counts as depth 1, and is remembered: the next bracket opens at -1. Deeper than 4 counts as 4.
    assert found.tolist() == [[0, 9, 13, 1, 1, 1], [0, 1, 2, 3, 4, 4], [1, 2, 7, 0, 15, 10]]


@given(text=st.lists(st.integers(0, 4), min_size=1, max_size=40), name=st.sampled_from(MINIMALS))
@settings(deadline=None)
def test_any_text_has_finite_logits(text, name):
    model, tokens = MODELS[name], torch.tensor([text])
    rows = model.symbols(tokens)
    assert ((rows >= 0) & (rows <= 16)).all()
    assert torch.equal(rows == 0, tokens == 0)
    assert torch.equal((rows - 1).div(4, rounding_mode="floor") + 1, tokens)  # the token can be told from its row
    assert model(tokens).isfinite().all()


@pytest.mark.parametrize("name", MINIMALS)
def test_the_table_has_a_distinct_row_of_the_width_for_each_of_17_symbols(name):
    table = embedding_table(SHAPES[name])
    assert table.shape == (17, 50)
    assert len(table.unique(dim=0)) == 17
    assert torch.equal(MODELS[name].table, table.double())


def test_the_pair_table_is_one_hot():
    table = embedding_table(MINIMAL)
    assert torch.equal(table[:, :17], torch.eye(17))
    assert not table[:, 17:].any()


@pytest.mark.parametrize("name", ["type+depth", "type+angle"])
def test_the_other_tables_are_the_token_one_hot_then_the_depth(name):
    table = embedding_table(SHAPES[name])
    token = [0] + [kind for kind in (1, 2, 3, 4) for _ in range(4)]
    depth = [0] + 4 * [1, 2, 3, 4]
    assert torch.equal(table[:, :5], torch.eye(5)[token])
    if name == "type+depth":
        assert torch.equal(table[:, 5:10], torch.eye(5)[depth])
        assert not table[:, 10:].any()
        return
    assert not table[:, 7:].any()
    assert torch.allclose(table[:, 5:7].norm(dim=1), torch.ones(17))
    for row, deep in zip(table[:, 5:7].tolist(), depth, strict=True):
        angle = np.arctan2(row[1], row[0])
        assert tan(angle) == pytest.approx(deep / (4 + 2 - deep), abs=1e-6)
        assert row == pytest.approx([cos(angle), sin(angle)])
        assert 0 <= angle < np.pi / 2


def softmax(scores):
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)


def layer_norm(x, norm):
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * norm.weight.numpy() + norm.bias.numpy()


def linear(x, own):
    return x @ own.weight.numpy().T + (0 if own.bias is None else own.bias.numpy())


def attended(x, block, heads, unseen):
    """Values averaged by attention, query by query, heads side by side; keys that are `unseen` [T] score -inf."""
    query, key, value = (linear(x, own) for own in (block.query, block.key, block.value))
    width, mixed = key.shape[1] // heads, np.zeros_like(value)
    for head in range(heads):
        own = slice(head * width, (head + 1) * width)
        for position in range(len(x)):
            scores = query[position, own] @ key[: position + 1, own].T / np.sqrt(width)
            scores[unseen[: position + 1]] = -np.inf
            mixed[position, own] = softmax(scores) @ value[: position + 1, own]
    return mixed


def minimal_by_hand(model, text, unseen):
    """LayerNorm and head on W_V e(x) averaged by attention; depths are counted as the definition says."""
    (unseen,) = unseen
    rows, depth = [], 0
    for token in text:
        depth += token in (1, 2)
        rows.append(0 if token == 0 else 4 * token - 4 + depth)
        depth -= token in (3, 4)
    mixed = attended(model.table.numpy()[rows], model.blocks[0], model.shape.heads, unseen)
    return linear(layer_norm(mixed, model.norm), model.unembed)


def two_layer_by_hand(model, text, unseen):
    """h = attention + x, then h + MLP(LN(h)), twice; no norm before attention or at the end."""
    x = np.eye(5, 50)[text]
    if model.shape.positions == "linear":
        x[:, 49] += np.arange(len(text)) / 6000
    for block, own in zip(model.blocks, unseen, strict=True):
        h = linear(attended(x, block, 1, own), block.output) + x
        x = h + linear(np.maximum(0, linear(layer_norm(h, block.mlp_norm), block.mlp[0])), block.mlp[2])
    return linear(x, model.unembed)


def by_hand(name, tokens, hidden=None, since=0):
    """Logits, the `hidden` tokens unseen in the layers from `since` on."""
    model, independent = MODELS[name], minimal_by_hand if name in MINIMALS else two_layer_by_hand
    unseen = np.zeros((len(tokens), model.shape.layers, tokens.shape[1]), dtype=bool)
    if hidden is not None:
        unseen[:, since:] = hidden.numpy()[:, None]
    rows = zip(tokens.tolist(), unseen, strict=True)
    return torch.from_numpy(np.stack([independent(model, text, own) for text, own in rows]))


@pytest.mark.parametrize("name", SHAPES)
def test_the_network_agrees_with_numpy(name, tokens):
    assert isinstance(MODELS[name], Minimal if name in MINIMALS else Transformer)
    expected = by_hand(name, tokens)
    assert expected.std() > 0.1
    assert torch.allclose(MODELS[name](tokens), expected, atol=1e-6)
    assert torch.allclose(copy.deepcopy(MODELS[name]).float()(tokens).double(), expected, atol=1e-3)


@pytest.mark.parametrize("name", SHAPES)
def test_hidden_tokens_are_keys_with_a_score_of_minus_infinity_at_every_layer(name, tokens, hidden):
    model, expected = MODELS[name], by_hand(name, tokens, hidden)
    assert (expected - model(tokens)).abs().max() > 0.1
    assert torch.allclose(model(tokens, masked=hidden), expected, atol=1e-6)
    assert torch.allclose(model(tokens, AT, hidden), asked(expected, AT), atol=1e-6)


@pytest.mark.parametrize(("name", "site"), CUTS, ids=str)
def test_a_suffix_hides_tokens_from_its_site_on(name, site, tokens, hidden):
    """A pattern is fixed before the site, queries and keys meet after it."""
    model, since = MODELS[name], site.layer + (site.part != "query+key")
    expected = by_hand(name, tokens, hidden, since)
    assert torch.allclose(model.suffix(model.prefix(tokens, site), masked=hidden), expected, atol=1e-6)
    found = model.suffix(model.prefix(tokens, site, AT), AT, hidden)
    assert torch.allclose(found, asked(expected, AT), atol=1e-6)


@pytest.mark.parametrize("name", [*MINIMALS, "two-layer"])
def test_hiding_a_matched_pair_is_reading_the_text_without_it(name):
    """Depths stay as they are, there are no positions, and in both layers the hidden are unseen."""
    text, hidden = torch.tensor([TEXT]), torch.zeros(1, 8, dtype=torch.bool)
    hidden[0, 2:4] = True
    kept = [0, 1, 4, 5, 6, 7]
    expected = MODELS[name](text[:, kept])
    assert torch.allclose(MODELS[name](text, masked=hidden)[:, kept], expected, atol=1e-10)
    assert torch.allclose(MODELS[name](text, torch.tensor([kept]), hidden), expected, atol=1e-10)


def test_linear_positions_are_the_only_difference_between_the_two_layer_networks(tokens):
    plain, lined = MODELS["two-layer"], MODELS["two-layer-linear"]
    difference = lined.embed(tokens) - plain.embed(tokens)
    assert not difference[..., :49].any()
    assert torch.allclose(difference[..., 49], torch.arange(21).double() / 6000, atol=1e-9)
    assert lined.state_dict().keys() == plain.state_dict().keys()


@pytest.mark.parametrize("family", DYCK.families, ids=lambda family: family.name)
def test_training_moves_every_weight_but_the_embedding(family, tmp_path):
    family = replace(family, recipe=replace(family.recipe, steps=2))
    training = Training(DYCK, family, load_training(DYCK).take(np.arange(200)), 0, tmp_path / "a.pt")
    for _ in training.run():
        pass
    before = dict(initial(family, 0).named_parameters())
    still = {name for name, weight in training.model.named_parameters() if torch.equal(weight, before[name])}
    still -= {name for name in still if name.endswith("key.bias")}  # no attention depends on it
    if family.architecture.kind == "minimal":
        assert still == set()
        assert "table" not in training.model.state_dict()
        assert torch.equal(training.model.table, embedding_table(family.architecture))
    else:
        assert still == {"token.weight"}
        assert torch.equal(training.model.token.weight, torch.eye(5, 50))


@pytest.mark.parametrize("seed", [0, UNTRAINED])
@pytest.mark.parametrize("name", ["two-layer", "two-layer-linear"])
def test_shipped_two_layer_references_read_one_hot_tokens(name, seed):
    assert torch.equal(load_reference(DYCK, seed, DYCK.family(name)).model.token.weight, torch.eye(5, 50))
