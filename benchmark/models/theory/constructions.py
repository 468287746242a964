"""Networks of known function whose attention can be chosen nearly at will, after Wen et al. 2023 (arXiv:2312.01429).

All read Dyck-(2,4) in the minimal architecture. A bracket and its partner put opposite values on one axis, so matched
pairs cancel under any attention that weighs both alike, and the stack remains. Deeper brackets weigh more, so the sign
is the type of the stack's top. Symbols are the 17 rows of `models.minimal.embedding_table`: START, then the
opening, then the closing brackets, of every type and depth.
"""

import copy
import math
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from simplibench.errors import UsageError
from simplibench.models import Layer, Network, Transformer
from simplibench.models.minimal import Minimal, symbol
from simplibench.tasks.bounded_dyck import CLOSE, MAX_DEPTH, MINIMAL, OPEN, TYPES

PAIRS = TYPES * MAX_DEPTH
SYMBOLS = 1 + 2 * PAIRS
SCALE = 1e4  # of the values: large, so that LayerNorm's epsilon is lost beside them even after an average over 2,000
MARGIN = 10.0  # logit of the right closing bracket minus that of the wrong one
SELECTIVE, BOTTOM = 6.0, 3.0  # scores in `same_values`
RANDOM_ATTENTIONS = 3


def uniform(base: float = 2.0, scale: float = SCALE, margin: float = MARGIN) -> Minimal:
    """Return a network of uniform attention: every score is 0. A base of at least 2 solves the language at every length."""
    return balanced(torch.zeros(1 + PAIRS, SYMBOLS), torch.zeros(PAIRS), base, scale, margin)


def random_balanced(bound: float, seed: int, scale: float = SCALE, margin: float = MARGIN) -> Minimal:
    """Return a network of random attention, exactly balanced: scores and offsets are uniform in (-bound, bound)."""
    generator = torch.Generator().manual_seed(seed)
    scores = _within(bound, (1 + PAIRS, SYMBOLS), generator)
    offsets = _within(bound, (PAIRS,), generator)
    return balanced(scores, offsets, 1 + math.exp(2 * bound), scale, margin)


def same_values(seed: int = 0, scale: float = SCALE, margin: float = MARGIN) -> dict[str, Minimal]:
    """Return seven networks by name that have the same function and the same values, but very different attention.

    Scores span `SELECTIVE` at most, so the base 1 + exp(SELECTIVE) serves all. Only the random ones depend on the seed.
    """
    generator = torch.Generator().manual_seed(seed)
    tables = _chosen_scores()
    for index in range(RANDOM_ATTENTIONS):
        tables[f"random-{index}"] = _within(SELECTIVE / 2, (1 + PAIRS, SYMBOLS), generator)
    base = 1 + math.exp(SELECTIVE)
    return {name: balanced(scores, torch.zeros(PAIRS), base, scale, margin) for name, scores in tables.items()}


def balanced(scores: Tensor, offsets: Tensor, base: float, scale: float = SCALE, margin: float = MARGIN) -> Minimal:
    """Return the network of these `scores` [START and opening brackets, queries] and `offsets` c [pairs].

    Value of open(t, d) = scale * sign_t * base ** d, of close(t, d) = -exp(c[t, d]) times that, of START = 0;
    score(close, q) = score(open, q) - c. The stack's top wins for certain if base >= 1 + exp(the scores' span).
    """
    depths = torch.arange(1, MAX_DEPTH + 1, dtype=torch.double).repeat(TYPES)
    signs = torch.tensor([1.0, -1.0], dtype=torch.double).repeat_interleave(MAX_DEPTH)
    opening, scores, offsets = scale * signs * base**depths, scores.double(), offsets.double()
    values = torch.cat([torch.zeros(1, dtype=torch.double), opening, -offsets.exp() * opening])
    return from_tables(torch.cat([scores, scores[1:] - offsets[:, None]]), values, margin)


def from_tables(scores: Tensor, values: Tensor, margin: float = MARGIN) -> Minimal:
    """Return the minimal network, in float64, with exactly these `scores` [keys, queries] and `values` [symbols].

    Values lie on an axis of as many 1 as -1: LayerNorm centres nothing away and leaves the sign of their mixture. The
    head turns a positive sign into +margin / 2 for the first type's closing bracket and -margin / 2 for the other's; a
    negative sign into the reverse.
    """
    model = Minimal(MINIMAL).double().eval().requires_grad_(False)
    (block,), width = model.blocks, MINIMAL.head_width
    axis = torch.tensor([1.0, -1.0], dtype=torch.double).repeat(width // 2)
    for weight in (block.query.weight, block.key.weight, block.value.weight, model.unembed.weight):
        weight.zero_()
    block.query.weight[:SYMBOLS, :SYMBOLS] = torch.eye(SYMBOLS)
    block.key.weight[:SYMBOLS, :SYMBOLS] = scores.T * width**0.5  # undoes the layer's scaling
    block.value.weight[:, :SYMBOLS] = axis[:, None] * values
    model.unembed.weight[CLOSE], model.unembed.weight[CLOSE + 1] = axis * margin / 2 / width, -axis * margin / 2 / width
    return model


def broken_twin(model: Minimal, delta: float, seed: int) -> Minimal:
    """Return a copy with the same attention, no longer balanced: each closing symbol's value times 1 + delta * normal."""
    twin = _copied(model, "broken_twin")
    factors = 1 + delta * torch.randn(PAIRS, generator=torch.Generator().manual_seed(seed), dtype=torch.double)
    twin.blocks[0].value.weight[:, 1 + PAIRS : SYMBOLS] *= factors.to(twin.table)
    return twin


def types_swapped(model: Minimal, depths: Sequence[int] = (3, 4)) -> Minimal:
    """Return a copy with the same attention that confuses the two types at these depths: their values are exchanged."""
    twin = _copied(model, "types_swapped")
    weight, at = twin.blocks[0].value.weight, torch.tensor(depths)
    for kind in (OPEN, CLOSE):
        first, second = (symbol(torch.tensor(kind + type_), at, MAX_DEPTH) for type_ in range(TYPES))
        weight[:, first], weight[:, second] = weight[:, second], weight[:, first]
    return twin


def symmetric_twin(network: Network, seed: int) -> Network:
    """Return a copy with the same function but other weights, drawn from those that the architecture's symmetries allow.

    In each head, queries and keys are rotated together. Minimal: the value neurons are permuted, norm and head with
    them. Transformer: values are rotated against the output map, and the neurons of every MLP are permuted.

    Raises: UsageError for any other architecture.
    """
    twin, generator = copy.deepcopy(network), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for block in twin.blocks:
            rotation = _rotation(block, generator)
            _rotate(block.query, rotation)
            _rotate(block.key, rotation)
        if isinstance(twin, Minimal):
            _permute_values(twin, generator)
        elif isinstance(twin, Transformer):
            _redraw_inside(twin, generator)
        else:
            raise UsageError(f"symmetric_twin: the symmetries of Minimal and Transformer are known, got {type(twin)}")
    return twin


def _chosen_scores() -> dict[str, Tensor]:
    """Return scores [START and opening brackets, queries] of the attentions that are not random."""
    tables = {name: torch.zeros(1 + PAIRS, SYMBOLS) for name in ("uniform", "depth", "start", "bottom")}
    depth = torch.arange(MAX_DEPTH).repeat(2 * TYPES)  # of every bracket's pair, less one
    top = torch.cat([torch.tensor([-1]), depth[:PAIRS], depth[PAIRS:] - 1])  # of the stack that each query leaves
    tables["depth"][1:] = SELECTIVE * (depth[:PAIRS, None] == top)
    tables["start"][0] = SELECTIVE
    tables["bottom"][1:][depth[:PAIRS] == 0] = BOTTOM
    return tables


def _within(bound: float, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return bound * (2 * torch.rand(shape, generator=generator, dtype=torch.double) - 1)


def _copied(model: Minimal, function: str) -> Minimal:
    if model.shape.tokens != "pair":
        raise UsageError(
            f"{function}: the model must have tokens='pair', one value per symbol, got {model.shape.tokens!r}"
        )
    return copy.deepcopy(model).requires_grad_(False)


def _rotation(block: Layer, generator: torch.Generator) -> Tensor:
    """Return a random orthogonal matrix per head, [H, C, C]."""
    width = block.query.out_features // block.heads
    rotation: Tensor = torch.linalg.qr(torch.randn(block.heads, width, width, generator=generator, dtype=torch.double))[
        0
    ]
    return rotation


def _rotate(linear: nn.Linear, rotation: Tensor) -> None:
    """Rotate the output of a map in place, head by head; `rotation` [H, C, C]."""
    for weight in linear.parameters():
        by_head = weight.double().reshape(*rotation.shape[:2], -1)  # [H * C, D] or [H * C] -> [H, C, -1]
        weight.copy_((rotation.to(by_head) @ by_head).reshape(weight.shape))


def _permute_values(twin: Minimal, generator: torch.Generator) -> None:
    (block,) = twin.blocks
    width = block.value.out_features // block.heads
    orders = [head * width + torch.randperm(width, generator=generator) for head in range(block.heads)]
    order = torch.cat(orders)
    for weight in (block.value.weight, twin.norm.weight, twin.norm.bias):
        weight.copy_(weight[order])
    twin.unembed.weight.copy_(twin.unembed.weight[:, order])


def _redraw_inside(twin: Transformer, generator: torch.Generator) -> None:
    for block in twin.blocks:
        rotation = _rotation(block, generator)
        _rotate(block.value, rotation)
        joint = torch.block_diag(*rotation)
        block.output.weight.copy_(block.output.weight.double() @ joint.T.to(block.output.weight.device))
        first, last = cast(nn.Linear, block.mlp[0]), cast(nn.Linear, block.mlp[-1])
        order = torch.randperm(first.out_features, generator=generator)
        for weight in first.parameters():
            weight.copy_(weight[order])
        last.weight.copy_(last.weight[:, order])
