"""The next-token probabilities of Dyck-(2,4), and a two-layer network that gives them exactly under uniform attention.

The construction is new; the architecture is that of Wen et al. 2023 (arXiv:2312.01429). Both layers attend to every
token alike, and there are no positions: attention counts, and the MLPs decide by sign.
"""

import math
from typing import cast

import torch
from torch import Tensor, nn

from simplibench.models import Transformer
from simplibench.tasks.bounded_dyck import CLOSE, MAX_DEPTH, OPEN, START, TWO_LAYER, TYPES, VOCABULARY

NEVER = -100.0  # logit of a token that cannot follow
SHARPNESS = 8.0 * TWO_LAYER.context  # what a gate reads is 1 / (tokens so far) at the least, less LayerNorm's scale
# Axes of the residual stream; the first ones hold the token. BLANK stays 0: it is where LayerNorm's centring shows.
STARTS, DEPTH, BLANK = VOCABULARY, VOCABULARY + 1, VOCABULARY + 2
AT_LEAST = {depth: BLANK + depth for depth in range(1, MAX_DEPTH + 1)}
VALUE, STACK = BLANK + MAX_DEPTH + 1, BLANK + MAX_DEPTH + 2
TOP = {kind: STACK + 1 + kind for kind in range(TYPES)}
ONE = STACK + 1 + TYPES
TOKENS = range(VOCABULARY)


def stack_positions(tokens: Tensor) -> Tensor:
    """Return the positions of the brackets that are open after each token, [B, T] -> [B, T, MAX_DEPTH], padded with -1.

    `tokens` are prefixes of the language, START first; padding (START again) leaves the stack as it is.
    """
    current = torch.full((len(tokens), MAX_DEPTH), -1, device=tokens.device)
    rows, stacks = torch.arange(len(tokens), device=tokens.device), []
    for position, token in enumerate(tokens.T):
        depth = (current >= 0).sum(-1)
        opens, closes = (token >= OPEN) & (token < CLOSE), token >= CLOSE
        current = current.clone()
        current[rows[opens], depth[opens]] = position
        current[rows[closes], depth[closes] - 1] = -1
        stacks.append(current)
    return torch.stack(stacks, dim=1)


def language(tokens: Tensor) -> Tensor:
    """Return the probability of every next token after every prefix, [B, T] -> [B, T, V], in float64.

    At depth 0 each opening bracket has 1 / TYPES; at MAX_DEPTH the right closing bracket has 1; in between that
    bracket has 1 / 2, each opening one 1 / (2 * TYPES).
    """
    stacks = stack_positions(tokens)
    depth = (stacks >= 0).sum(-1)
    top = tokens.gather(1, stacks.max(-1).values.clamp(min=0))  # START where the stack is empty
    closing = (depth > 0) * 0.5 + (depth == MAX_DEPTH) * 0.5
    right = torch.nn.functional.one_hot(top + TYPES, VOCABULARY).double()
    probabilities = right * closing.double()[..., None]
    probabilities[..., OPEN:CLOSE] += ((1 - closing) / TYPES).double()[..., None]
    return probabilities


def exact() -> Transformer:
    """Return a network in float64 whose next-token probabilities are the language's, at any length up to the context.

    Layer 0 counts: depth / tokens against 1 / tokens of START. Its MLP turns that into the depth, and into values of
    +-2 ** depth that matched pairs share with opposite signs. Layer 1 sums the values: the sign is the stack top's type.
    """
    model = Transformer(TWO_LAYER).double().eval().requires_grad_(False)
    for block in model.blocks:
        for part in (block.query, block.key, block.value, block.output, block.mlp):
            for weight in part.parameters():
                weight.zero_()
        block.output.weight.copy_(torch.eye(TWO_LAYER.width))
    counting, summing = model.blocks
    counting.value.weight[STARTS, START] = 1.0
    counting.value.weight[DEPTH, OPEN:CLOSE], counting.value.weight[DEPTH, CLOSE:] = 1.0, -1.0
    _read_depth(counting.mlp)
    summing.value.weight[STACK, VALUE] = 1.0
    _read_top(summing.mlp)
    _write_logits(model)
    return model


def _read_depth(mlp: nn.Sequential) -> None:
    """Set gates for `depth >= n`, and for `this bracket, of a pair at least n deep`; the latter add up to its value."""
    gates = []
    for depth in range(1, MAX_DEPTH + 1):
        gates.append((_at_least(depth), {AT_LEAST[depth]: 1.0}))
        more = 2.0**depth - 2.0 ** (depth - 1) * (depth > 1)  # than the gates before give
        for kind, sign in enumerate((1.0, -1.0)):
            gates.append((_at_least(depth) | _token(OPEN + kind), {VALUE: sign * more}))
            gates.append((_at_least(depth - 1) | _token(CLOSE + kind), {VALUE: -sign * more}))
    _set_gates(mlp, gates)


def _read_top(mlp: nn.Sequential) -> None:
    """Set gates for `the stack's top is of this type`; they read depth too: rounding may give an empty stack a sign."""
    never = 2.0 ** (MAX_DEPTH + 1)  # more than any sum of values
    somewhere = dict.fromkeys(TOKENS, -never) | {AT_LEAST[1]: never}  # a token is always there: 1, in every length
    _set_gates(mlp, [(somewhere | {STACK: sign}, {TOP[kind]: 1.0}) for kind, sign in enumerate((1.0, -1.0))])
    _linear(mlp, -1).bias[ONE] = 1.0


def _write_logits(model: Transformer) -> None:
    """Set logits: 0 for an opening bracket, log(TYPES) for the right closing bracket, NEVER for the wrong one."""
    unembed = model.unembed.weight.zero_()
    unembed[START, ONE] = NEVER
    unembed[OPEN:CLOSE, AT_LEAST[MAX_DEPTH]] = NEVER
    for kind in range(TYPES):
        unembed[CLOSE + kind, ONE] = NEVER
        unembed[CLOSE + kind, TOP[kind]] = math.log(TYPES) - NEVER


def _at_least(depth: int) -> dict[int, float]:
    """Return weights of a sum that is at least 1 / (2 * tokens so far) at this depth and deeper, else negative."""
    return {DEPTH: 1.0, STARTS: 0.5 - depth}


def _token(token: int) -> dict[int, float]:
    """Return weights of a sum that is 0 if the token is this one; any other token outweighs every depth."""
    return {other: -1.0 - MAX_DEPTH for other in TOKENS if other != token}


def _set_gates(mlp: nn.Sequential, gates: list[tuple[dict[int, float], dict[int, float]]]) -> None:
    """Set gates, each (weights of the axes it reads, values it writes to axes if the sum read is positive).

    A gate is relu(z) - relu(z - 1) for a large z. LayerNorm changes a sum whose weights add up to 0 by a positive factor
    only, so BLANK takes the difference.
    """
    first, last = _linear(mlp, 0), _linear(mlp, -1)
    for gate, (reads, writes) in enumerate(gates):
        low, high = 2 * gate, 2 * gate + 1
        for axis, weight in (reads | {BLANK: -sum(reads.values())}).items():
            first.weight[[low, high], axis] = SHARPNESS * weight
        first.bias[high] = -1.0
        for axis, weight in writes.items():
            last.weight[axis, low], last.weight[axis, high] = weight, -weight


def _linear(mlp: nn.Sequential, place: int) -> nn.Linear:
    return cast(nn.Linear, mlp[place])
