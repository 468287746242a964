"""Balance, and what else theory says of attention: exact values, and the definitions taken literally."""

from itertools import product

import pytest
import torch

from simplibench.models import Site, build
from simplibench.models.theory import (
    attention_variation,
    balance_violation,
    broken_twin,
    exact,
    from_tables,
    pair_sum,
    random_balanced,
    same_values,
    score_form_violation,
    stack_attention,
    symmetric_twin,
    uniform,
)
from simplibench.tasks.bounded_dyck import CLOSE, OPEN, task

TWO_PEAKS = torch.tensor([[0, 2, 2, 2, 2, 4, 4, 4, 4, 1, 1, 1, 1, 3, 3, 3, 3]])
EXACT = {"uniform": uniform()} | {f"random-{b}": random_balanced(b, seed=2) for b in (0.5, 1.0, 2.0)} | same_values(3)
MINIMALS = [family for family in task.families if family.name.startswith("minimal")]


def untrained(family):
    torch.manual_seed(3)
    return build(family.architecture).eval().requires_grad_(False)


def scaled_closes(factor, scale=1.0):
    """Uniform attention over values 2 ** depth, and `factor` times what a closing bracket would need."""
    depths = torch.arange(1, 5).double().repeat(2)
    opening = scale * 2.0**depths * torch.tensor([1.0, -1.0]).double().repeat_interleave(4)
    return from_tables(torch.zeros(17, 17), torch.cat([torch.zeros(1).double(), opening, -factor * opening]))


@pytest.mark.parametrize("name", EXACT)
def test_balanced_networks_have_no_violation(name):
    assert balance_violation(EXACT[name]) < 1e-9
    assert score_form_violation(EXACT[name]) < 1e-12


@pytest.mark.parametrize("name", EXACT)
def test_broken_twins_have_a_violation_that_the_score_form_misses(name):
    twin = broken_twin(EXACT[name], 0.001, seed=0)
    assert balance_violation(twin) > 1e-4
    assert score_form_violation(twin) < 1e-12


def test_the_violation_grows_with_the_break():
    found = [balance_violation(broken_twin(uniform(), delta, seed=0)) for delta in (0.0, 0.001, 0.01, 0.1)]
    assert found == sorted(found)
    assert found[2] == pytest.approx(10 * found[1], rel=0.1)


@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_the_violation_has_its_exact_value_whatever_the_scale_of_the_values(scale):
    sums, least = [2.0**depth * 0.1 for depth in range(1, 5)], []  # closing brackets leave a tenth of their pair
    for kind, left in product((1, -1), (1, 2, 3)):
        stacks = product((1, -1), repeat=left)
        rest = 0.1 * kind * 2 ** (left + 1)
        least.append(min(abs(sum(sign * 2**d for d, sign in enumerate(stack, start=1)) + rest) for stack in stacks))
    expected = sum(sums) / 4 * sum(1 / one for one in least) / 6
    assert balance_violation(scaled_closes(0.9, scale)) == pytest.approx(expected, rel=1e-9)


def test_the_score_form_is_a_standard_deviation_over_queries():
    scores = torch.zeros(17, 17)
    scores[1, 10] = 6.0  # open(0, 1), asked by close(0, 2): one of 8 pairs, one of 6 queries
    model = from_tables(scores, torch.ones(17))
    assert score_form_violation(model) == pytest.approx(6 * (1 / 6 * 5 / 6) ** 0.5 / 8)
    scores[1, 9] = 60.0  # close(0, 1) leaves nothing on the stack: no query
    assert score_form_violation(from_tables(scores, torch.ones(17))) == pytest.approx(score_form_violation(model))


def mixture(model, tokens):
    """The last position's sum of exp(score) times value, centred, from what the network makes of real tokens."""
    heads = model.prefix(tokens, Site(0, "query+key")).streams
    query, key, value = (heads[name][0, 0].double() for name in ("query", "key", "value"))
    weights = (key @ query[-1] / 50**0.5).exp()
    return weights @ (value - value.mean(-1, keepdim=True))


@pytest.mark.parametrize("family", MINIMALS, ids=lambda family: family.name)
def test_the_violation_of_any_embedding_is_the_definition_applied_to_real_prefixes(family):
    model, ratios = untrained(family), []
    for kind, left in product(range(2), (1, 2, 3)):
        least = min(
            mixture(model, torch.tensor([[0, *stack, OPEN + kind, CLOSE + kind]])).norm()
            for stack in product((1, 2), repeat=left)
        )
        bare = torch.tensor([[0, *[1] * left, OPEN + kind, CLOSE + kind]])
        for pair, depth in product(range(2), (1, 2, 3, 4)):
            # A balanced text before the query, with and without one more pair at its peak, differs by that pair's sum.
            peak = [1] * (depth - 1)
            down = [3] * (depth - 1)
            longer = torch.tensor([[0, *peak, OPEN + pair, CLOSE + pair, *down, *bare[0, 1:].tolist()]])
            shorter = torch.tensor([[0, *peak, *down, *bare[0, 1:].tolist()]])
            ratios.append((mixture(model, longer) - mixture(model, shorter)).norm() / least)
    assert len(ratios) == 48
    assert balance_violation(model) == pytest.approx(torch.stack(ratios).mean().item(), rel=1e-5)


def test_pair_sums_are_those_of_the_tables():
    sums = pair_sum(scaled_closes(0.9))
    assert sums.shape == (2, 4, 2, 3, 50)
    expected = 0.1 * torch.tensor([[2, 4, 8, 16], [-2, -4, -8, -16]]).double()
    assert torch.allclose(sums[..., 0], expected[:, :, None, None].expand(2, 4, 2, 3))
    assert torch.allclose(sums[..., 1], -sums[..., 0])


def test_networks_in_float32_are_measured_in_float64():
    single = scaled_closes(0.9).float()
    assert balance_violation(single) == pytest.approx(balance_violation(scaled_closes(0.9)), rel=1e-6)
    assert pair_sum(single).dtype == torch.double


def test_a_symmetric_twin_is_as_balanced():
    model = untrained(MINIMALS[0])
    assert balance_violation(symmetric_twin(model, 0)) == pytest.approx(balance_violation(model), rel=1e-5)


def test_attention_variation_has_its_exact_value():
    models, sink = same_values(), torch.e**6
    expected = 0.0
    for others in range(1, 17):
        expected += (sink / (sink + others) - 1 / (1 + others)) ** 2
        expected += others * (1 / (sink + others) - 1 / (1 + others)) ** 2
    assert attention_variation(models["uniform"], models["start"]) == pytest.approx(expected)
    assert attention_variation(models["start"], models["uniform"]) == pytest.approx(expected)
    assert attention_variation(models["start"], models["start"]) == 0


def test_attention_variation_is_a_mean_over_layers():
    model, other = exact(), exact()
    generator = torch.Generator().manual_seed(0)
    for linear in (other.blocks[1].query, other.blocks[1].key):
        linear.weight.copy_(torch.randn(50, 50, generator=generator))
    site = Site(1, "pattern")
    maps, changed = (network.prefix(TWO_PEAKS, site).streams["pattern"] for network in (model, other))
    distance = (maps - changed).square().sum().item()
    assert distance > 1
    assert attention_variation(model, other) == pytest.approx(distance / 2)


@pytest.mark.parametrize("model", [uniform(), exact()], ids=["minimal", "two-layer"])
def test_uniform_attention_rests_on_the_stack_by_count(model):
    tokens = torch.tensor([[0, 1, 2, 2, 4, 4, 3], [0, 2, 4, 0, 0, 0, 0]])  # START ( [ [ ] ] ), and START [ ], padded
    assert stack_attention(model, tokens) == pytest.approx((2 / 4 + 2 / 5 + 1 / 6 + 0 / 2) / 4)


def test_a_sink_takes_attention_off_the_stack():
    models, tokens = same_values(), TWO_PEAKS.expand(60, -1)
    assert stack_attention(models["start"], tokens) < 0.1 * stack_attention(models["uniform"], tokens)
