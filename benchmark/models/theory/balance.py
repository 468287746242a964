"""Measures of a network's balance, which solving Dyck at every length needs, and of its attention.

After Wen et al. 2023 (arXiv:2312.01429). Shapes: N symbols, K types, M the greatest depth, C width of the one head.
A pair of type t and depth d is open(t, d) and close(t, d), d the depth of its opening bracket. u(x, q) = exp(score of
key x for query q), up to a factor per query that no violation depends on. P_perp subtracts the mean over C, as
LayerNorm does. Queries are the closing brackets that leave a stack: after close(j, d' + 1), d' in 1 to M - 1 are open.
"""

from itertools import product

import torch
from torch import Tensor

from simplibench.models import Network, Site
from simplibench.models.minimal import Minimal, symbol
from simplibench.models.theory.exact import stack_positions
from simplibench.tasks.bounded_dyck import CLOSE, MAX_DEPTH, OPEN, START

# START [[[[]]]](((())))
TWO_PEAKS = (START, *(kind for kind in (OPEN + 1, CLOSE + 1, OPEN, CLOSE) for _ in range(MAX_DEPTH)))
BATCH = 25  # prefixes whose attention is held at once


def pair_sum(model: Minimal) -> Tensor:
    """Return S[i, d, j, d'] = P_perp [u(open, q) W_V e(open) + u(close, q) W_V e(close)], [K, M, K, M - 1, C].

    `open` and `close` are the pair of type i and depth d; q is the query of type j that leaves depth d'. Indices count
    from 0.
    """
    _, opens, closes = _by_kind(model, _weighted_values(model))
    return opens + closes


def balance_violation(model: Minimal) -> float:
    """Return the mean over i, d, j, d' of |S[i, d, j, d']| / P[j, d']; 0 if matched pairs cancel for every query.

    P[j, d'] is the least norm of P_perp [sum of u(x, q) W_V e(x)] over the types of the stack, x the symbols of the
    shortest prefix that ends in q: START, d' open brackets, open(j, d' + 1), then q itself, which leaves depth d'.
    """
    start, opens, closes = _by_kind(model, _weighted_values(model))
    pairs = opens + closes
    types, depths = pairs.shape[:2]
    least = torch.empty(types, depths - 1, dtype=torch.double)
    for kind, depth in product(range(types), range(1, depths)):
        query = (kind, depth - 1)
        around = start[query] + pairs[(kind, depth, *query)]  # START, and the query with its partner
        stacks = product(range(types), repeat=depth)
        mixed = torch.stack([around + sum(opens[(t, d, *query)] for d, t in enumerate(stack)) for stack in stacks])
        least[query] = mixed.norm(dim=-1).min()
    return float((pairs.norm(dim=-1) / least).mean())


def score_form_violation(model: Minimal) -> float:
    """Return the standard deviation over queries q of score(open, q) - score(close, q), averaged over pairs.

    It is 0 if the weights of the two brackets have the same ratio for every query. Balance requires that wherever
    P_perp W_V e(open) != 0.
    """
    _, opens, closes = _by_kind(model, _scores(model))
    return float((opens - closes).flatten(2).std(dim=-1, correction=0).mean())


def attention_variation(first: Network, second: Network) -> float:
    """Return the sum of squared differences of two attention maps on `TWO_PEAKS`, averaged over layers and heads."""
    maps, others = _maps(first), _maps(second)
    return float(torch.stack([(a - b).square().sum((-2, -1)).mean() for a, b in zip(maps, others, strict=True)]).mean())


def stack_attention(model: Network, tokens: Tensor) -> float:
    """Return the last layer's attention to brackets before the query that are open after it, averaged over queries.

    Queries are the positions of `tokens` [B, T], prefixes of the language, whose next token is a closing bracket. A
    query's attention to itself does not count, even if it is the bracket on top. Padding is START.
    """
    shares, last = [], Site(len(model.blocks) - 1, "pattern")
    for part in tokens.to(model.device).split(BATCH):
        pattern = model.prefix(part, last).streams["pattern"].mean(1)  # [B, T, T]
        stacks = stack_positions(part)
        query_positions = torch.arange(part.shape[1], device=part.device)[:, None]
        earlier = (stacks >= 0) & (stacks < query_positions)
        share = (pattern.gather(2, stacks.clamp(min=0)) * earlier).sum(-1)
        shares.append(share[:, :-1][part[:, 1:] >= CLOSE])
    return float(torch.cat(shares).double().mean())


def _maps(model: Network) -> list[Tensor]:
    """Return every layer's attention on `TWO_PEAKS`, [1, H, T, T] each."""
    tokens = torch.tensor([TWO_PEAKS], device=model.device)
    sites = [Site(layer, "pattern") for layer in range(len(model.blocks))]
    return [model.prefix(tokens, site).streams["pattern"].detach().double().cpu() for site in sites]


def _scores(model: Minimal) -> Tensor:
    """Return the score of every symbol as a key for every query, [N, K, M - 1]."""
    (block,), table, depths = model.blocks, model.table.double().cpu(), model.shape.max_depth
    queries = symbol(1 + model.types + torch.arange(model.types)[:, None], torch.arange(2, depths + 1), depths)
    keys, asked = (table @ linear.weight.detach().double().cpu().T for linear in (block.key, block.query))
    scores: Tensor = torch.einsum("nc,kmc->nkm", keys, asked[queries]) * keys.shape[-1] ** -0.5
    return scores


def _weighted_values(model: Minimal) -> Tensor:
    """Return P_perp u(x, q) W_V e(x) for every symbol x and query q, [N, K, M - 1, C]."""
    scores = _scores(model)
    weights = (scores - scores.amax(0)).exp()
    values = model.table.double().cpu() @ model.blocks[0].value.weight.detach().double().cpu().T
    return weights[..., None] * (values - values.mean(-1, keepdim=True))[:, None, None]


def _by_kind(model: Minimal, symbols: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Split `symbols` [N, ...] into START [...], opening brackets [K, M, ...] and closing brackets [K, M, ...]."""
    opens, closes = symbols[1:].unflatten(0, (2, model.types, model.shape.max_depth))
    return symbols[0], opens, closes
