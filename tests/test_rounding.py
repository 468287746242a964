"""Products made in float32 of rounded factors are those of torch's own mixed precision."""

import pytest
import torch
from torch import Tensor, nn

from simplibench.models.rounding import RoundedProducts, mixed_precision


def outcome(context) -> tuple[Tensor, list[Tensor]]:
    """Return the output of two linear layers, run in the context, and the gradients of all weights and of the input."""
    generator = torch.Generator().manual_seed(0)
    model = nn.Sequential(nn.Linear(48, 64), nn.GELU("tanh"), nn.Linear(64, 32, bias=False))
    for weight in model.parameters():
        nn.init.normal_(weight, std=0.2, generator=generator)
    inputs = torch.randn(16, 48, generator=generator, requires_grad=True)
    with context:
        output = model(inputs)
    output.float().square().sum().backward()
    gradients = [weight.grad for weight in model.parameters()]
    assert inputs.grad is not None
    return output, [*gradients, inputs.grad]


def test_outputs_and_gradients_are_those_of_mixed_precision_up_to_the_order_of_sums():
    rounded, rounded_gradients = outcome(RoundedProducts())
    native, native_gradients = outcome(torch.autocast("cpu", torch.bfloat16))
    exact, exact_gradients = outcome(mixed_precision("cpu", bfloat16=False))
    assert rounded.dtype == native.dtype == torch.bfloat16
    for ours, theirs, full in zip(
        [rounded, *rounded_gradients], [native, *native_gradients], [exact, *exact_gradients], strict=True
    ):
        error = (ours.float() - theirs.float()).norm()
        assert error < 0.1 * (theirs.float() - full).norm(), "rounding explains less of the difference than it should"


def test_a_product_whose_sums_are_exact_is_equal_to_the_last_bit():
    whole = torch.randint(-8, 9, (32, 16), generator=torch.Generator().manual_seed(1)).float()
    layer = nn.Linear(16, 4, bias=False)
    nn.init.constant_(layer.weight, 0.5)
    with RoundedProducts():
        rounded = layer(whole)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(rounded, layer(whole))


def test_other_operations_and_other_recipes_are_left_as_they_are():
    row = torch.full((1, 8), 1 / 3)
    with RoundedProducts():
        assert torch.equal(row * 3, torch.ones(1, 8))
    with mixed_precision("cpu", bfloat16=False):
        assert nn.Linear(8, 2)(row).dtype == torch.float32


@pytest.mark.parametrize("native", [True, False])
def test_the_processors_own_bfloat16_is_used_where_there_is_one(monkeypatch, native):
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: native)
    context = mixed_precision("cpu", bfloat16=True)
    assert isinstance(context, torch.autocast if native else RoundedProducts)
