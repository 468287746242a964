"""Networks of known function: what they compute, at every length, and what their attention does not show of it."""

import copy
from itertools import combinations

import numpy as np
import pytest
import torch

from simplibench.errors import UsageError
from simplibench.models import Site, Transformer, build
from simplibench.models.minimal import Minimal
from simplibench.models.theory import (
    attention_variation,
    broken_twin,
    exact,
    from_tables,
    language,
    random_balanced,
    same_values,
    stack_positions,
    symmetric_twin,
    types_swapped,
    uniform,
)
from simplibench.tasks.bounded_dyck import CLOSE, MAX_DEPTH, MINIMAL, OPEN, START, TWO_LAYER, TYPES, _walks, task

PREFIXES = {28: 100, 100: 40, 400: 20, 450: 10, 1600: 3, 2000: 3}  # by length
PATTERN = Site(0, "pattern")
EXACT = {"uniform": uniform, "base-25": lambda: uniform(25.0, 100.0)} | {
    f"random-{bound}": lambda bound=bound: random_balanced(bound, seed=1) for bound in (0.5, 1.0, 2.0)
}


def prefixes(length, seed=0):
    walks = _walks(np.random.PCG64(seed), np.full(PREFIXES[length], length))
    return torch.from_numpy(walks.tokens.astype(np.int64))


def scored(tokens, values):
    """What is computed at the positions whose next token is a closing bracket."""
    return values[:, :-1][tokens[:, 1:] >= CLOSE]


def right(model, tokens):
    predicted = CLOSE + model(tokens)[..., CLOSE:].argmax(-1)
    return scored(tokens, predicted) == tokens[:, 1:][tokens[:, 1:] >= CLOSE]


def accuracy(model, length, seed=0):
    return right(model, prefixes(length, seed)).double().mean().item()


def pattern(model, tokens):
    return model.prefix(tokens, PATTERN).streams["pattern"]


@pytest.mark.parametrize("length", [28, 400, 2000])
@pytest.mark.parametrize("name", EXACT)
def test_balanced_networks_make_no_mistake_at_any_length(name, length):
    assert accuracy(EXACT[name](), length) == 1.0


def test_a_network_has_the_scores_and_values_it_is_given():
    generator = torch.Generator().manual_seed(0)
    scores, values = torch.randn(17, 17, generator=generator), torch.randn(17, generator=generator)
    model, tokens = from_tables(scores.double(), values.double()), torch.tensor([[0, 1, 2, 4, 2]])
    keys = [0, 1, 6, 14, 6]  # START, then types 0, 1, 1, 1 at depths 1, 2, 2, 2
    found = model.prefix(tokens, PATTERN).streams
    assert torch.allclose(found["pattern"][0, 0, 3, :4], scores[keys[:4], 14].double().softmax(0))
    assert torch.allclose(found["value"][0, 0, :, 0], values[keys].double())


@pytest.mark.parametrize("margin", [10.0, 3.0])
def test_the_margin_is_the_one_asked_for(margin):
    tokens = prefixes(28)
    logits = scored(tokens, uniform(margin=margin)(tokens))
    assert torch.allclose((logits[:, CLOSE] - logits[:, CLOSE + 1]).abs(), torch.tensor(margin).double())
    assert not logits[:, :CLOSE].any()


def test_random_balanced_attention_differs_by_seed_and_stays_within_its_bound():
    first, second = random_balanced(0.5, seed=0), random_balanced(0.5, seed=1)
    assert attention_variation(first, second) > 0.01
    weights = pattern(first, torch.tensor([[0, 1, 2, 1, 2]]))[0, 0, 4]
    assert weights.max() / weights.min() < np.e  # bound 0.5: scores span less than 1
    assert not torch.allclose(weights, torch.tensor(0.2).double(), atol=0.01)


@pytest.mark.parametrize("seed", range(5))
def test_seven_attentions_give_one_function(seed):
    models = same_values(seed)
    assert len(models) == 7
    values = [model.blocks[0].value.weight for model in models.values()]
    assert all(torch.equal(values[0], other) for other in values)
    for length in (28, 450):
        tokens = prefixes(length)
        logits = [scored(tokens, model(tokens)) for model in models.values()]
        assert max((a - b).abs().max() for a, b in combinations(logits, 2)) < 1e-3
    assert min(attention_variation(a, b) for a, b in combinations(models.values(), 2)) > 0.5


def test_the_seven_attentions_are_what_they_are_called():
    tokens = torch.tensor([[0, 1, 2, 4, 1, 3, 2]])  # START ( [ ] ( ) [
    seven = {name: pattern(model, tokens)[0, 0] for name, model in same_values().items()}
    assert torch.allclose(seven["uniform"][6], torch.full((7,), 1 / 7).double())
    assert seven["start"][6].argmax() == 0
    assert seven["bottom"][6].argmax() == 1
    assert seven["depth"][6].topk(5).indices.sort().values.tolist() == [2, 3, 4, 5, 6]  # depth 2, the top's
    assert seven["depth"][5].argmax() == 1  # the bracket at depth 1 is the top again


@pytest.mark.parametrize(("model", "bound"), [(uniform(), 0.95), (random_balanced(2.0, seed=0), 0.8)])
def test_broken_twins_keep_the_attention_and_lose_the_function_with_length(model, bound):
    twins = [broken_twin(model, 0.01, seed) for seed in range(8)]
    tokens = prefixes(28)
    assert all(torch.equal(pattern(twin, tokens), pattern(model, tokens)) for twin in twins)
    found = [np.mean([accuracy(twin, n, seed) for seed, twin in enumerate(twins)]) for n in (28, 100, 400, 1600)]
    assert found == sorted(found, reverse=True)
    assert found[1] - found[2] > 0.05
    assert found[2] < bound
    assert found[3] < found[2] - 0.02


def test_a_broken_twin_of_uniform_attention_is_below_four_fifths_at_length_400_with_the_same_attention():
    model, tokens = uniform(), prefixes(400)
    twins = [broken_twin(model, 0.05, seed) for seed in range(8)]
    assert all(torch.equal(pattern(twin, tokens), pattern(model, tokens)) for twin in twins)
    assert accuracy(model, 400) == 1.0
    assert np.mean([accuracy(twin, 400, seed) for seed, twin in enumerate(twins)]) < 0.75


def test_hiding_either_of_two_brackets_flips_the_prediction_and_hiding_a_pair_does_not():
    model, tokens = uniform(), torch.tensor([[0, 1, 2, 2, 4, 4]])  # START ( [ [ ] ]

    def margin(*places):
        hidden = torch.zeros(1, 6, dtype=torch.bool)
        hidden[0, list(places)] = True
        logits = model(tokens, torch.tensor([[5]]), hidden)[0, 0]
        return (logits[CLOSE] - logits[CLOSE + 1]).item()

    assert margin() == pytest.approx(10)
    assert margin(4) == pytest.approx(-10)
    assert margin(5) == pytest.approx(-10)
    assert margin(4, 5) == pytest.approx(-10)
    assert margin(3, 4) == pytest.approx(10)  # the inner pair
    assert margin(2, 5) == pytest.approx(10)  # the outer one


def oracle(length):
    """Every prefix of this length, with the next-token probabilities after each of its positions, by hand."""
    found = []

    def grow(tokens, stack, rows):
        following = [0.0] * 5
        if stack:
            following[CLOSE + stack[-1]] = 1.0 if len(stack) == MAX_DEPTH else 0.5
        for kind in range(TYPES):
            following[OPEN + kind] = 0.5 if not stack else 0.0 if len(stack) == MAX_DEPTH else 0.25
        rows = [*rows, following]
        if len(tokens) == length + 1:
            found.append((tokens, rows))
            return
        for kind in range(TYPES) if len(stack) < MAX_DEPTH else ():
            grow([*tokens, OPEN + kind], [*stack, kind], rows)
        if stack:
            grow([*tokens, CLOSE + stack[-1]], stack[:-1], rows)

    grow([START], [], [])
    return tuple(torch.tensor(part) for part in zip(*found, strict=True))


@pytest.fixture(scope="module")
def all_prefixes():
    return oracle(10)


def test_the_language_is_the_one_the_sampler_draws(all_prefixes):
    tokens, expected = all_prefixes
    found = language(tokens)
    assert torch.equal(found, expected.double())
    drawn = found[:, :-1].gather(2, tokens[:, 1:, None]).prod(1)  # the probability of each whole prefix
    assert drawn.sum().item() == pytest.approx(1, abs=1e-12)


def test_stacks_hold_the_places_of_the_open_brackets():
    tokens = torch.tensor([[0, 1, 2, 4, 2, 4, 3], [0, 2, 2, 0, 0, 0, 0]])
    depth_two = stack_positions(tokens)[..., :2].tolist()
    assert depth_two[0] == [[-1, -1], [1, -1], [1, 2], [1, -1], [1, 4], [1, -1], [-1, -1]]
    assert depth_two[1] == [[-1, -1], [1, -1]] + 5 * [[1, 2]]


def test_the_exact_network_gives_the_probabilities_of_the_language(all_prefixes):
    tokens, _ = all_prefixes
    model = exact()
    assert isinstance(model, Transformer)
    assert model.shape == TWO_LAYER == task.family("two-layer").architecture
    assert (model(tokens).softmax(-1) - language(tokens)).abs().max() < 1e-9
    for layer in range(2):
        maps = model.prefix(tokens[:5], Site(layer, "pattern")).streams["pattern"]
        assert torch.allclose(maps[:, 0], (torch.ones(11, 11).tril() / torch.arange(1, 12)[:, None]).double())


@pytest.mark.parametrize("length", [28, 450])
def test_the_exact_network_is_as_exact_on_longer_prefixes(length):
    tokens = prefixes(length)
    assert (exact()(tokens).softmax(-1) - language(tokens)).abs().max() < 1e-9


def randomised(shape):
    """A network none of whose weights is at a special value, like a trained one."""
    network, generator = build(shape).requires_grad_(False), torch.Generator().manual_seed(0)
    for weight in network.parameters():
        weight += 0.3 * torch.randn(weight.shape, generator=generator)
    return network.eval()


def moved(network, twin):
    return {name for name, weight in network.named_parameters() if not torch.equal(weight, twin.get_parameter(name))}


@pytest.mark.parametrize(
    "shape", [family.architecture for family in task.families], ids=[f.name for f in task.families]
)
def test_symmetric_twins_are_the_same_function_of_other_weights(shape):
    network, tokens = randomised(shape), prefixes(28)[:10]
    before = copy.deepcopy(network.state_dict())
    twin = symmetric_twin(network, seed=1)
    logits = network(tokens)
    assert (twin(tokens) - logits).abs().max() < 1e-4 * max(1, logits.abs().max())
    still = {"token.weight", "output.bias", "mlp_norm.weight", "mlp_norm.bias", "mlp.2.bias"}  # no symmetry moves these
    expected = {name for name, _ in network.named_parameters() if not any(name.endswith(own) for own in still)}
    expected -= set() if isinstance(network, Minimal) else {"unembed.weight"}
    assert moved(network, twin) == expected
    assert moved(twin, symmetric_twin(network, seed=2)) == expected
    assert all(torch.equal(weight, before[name]) for name, weight in network.state_dict().items())
    assert attention_variation(network, twin) < 1e-8


def test_swapping_types_at_two_depths_changes_the_answers_there_and_nothing_else():
    model, tokens = uniform(), prefixes(100)
    twin = types_swapped(model, depths=(3, 4))
    assert torch.equal(pattern(model, tokens), pattern(twin, tokens))
    depth = scored(tokens, (stack_positions(tokens) >= 0).sum(-1))
    assert torch.equal(right(twin, tokens), depth <= 2)
    again = types_swapped(twin, depths=(3, 4))
    assert torch.equal(again(tokens), model(tokens))


def test_swapping_types_of_a_trained_like_network_keeps_its_attention():
    model, tokens = randomised(MINIMAL), prefixes(28)
    twin = types_swapped(model)
    assert torch.equal(pattern(model, tokens), pattern(twin, tokens))
    shallow = (stack_positions(tokens) >= 0).sum(-1).cummax(-1).values <= 2
    changed = (twin(tokens) - model(tokens)).abs().amax(-1) > 1e-6
    assert not changed[shallow].any()
    assert changed[~shallow].all()


@pytest.mark.parametrize("change", [types_swapped, lambda model: broken_twin(model, 0.01, 0)])
def test_embeddings_without_a_value_a_symbol_are_refused(change):
    model = build(task.family("minimal-type-depth").architecture)
    with pytest.raises(UsageError, match=r"the model must have tokens='pair', one value per symbol, got 'type\+depth'"):
        change(model)
