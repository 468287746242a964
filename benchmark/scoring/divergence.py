"""Jensen-Shannon divergence of predictions and of attention patterns."""

import math

import torch
from torch import Tensor


def jensen_shannon_bits(p: Tensor, q: Tensor, p_entropy: Tensor | None = None) -> Tensor:
    """Return the divergence of distributions `p` and `q` [..., n] along the last axis, in bits: 0 if equal, at most 1.

    `p_entropy` [...] is `entropy(p)`; pass it if it is known already.
    """
    p_entropy = entropy(p) if p_entropy is None else p_entropy
    nats = entropy((p + q) / 2) - (p_entropy + entropy(q)) / 2
    return (nats / math.log(2)).clamp(0, 1)


def entropy(p: Tensor) -> Tensor:
    """Return the Shannon entropy of distributions `p` [..., n] along the last axis, in nats.

    Twice as fast on a CPU as torch's own function of elements.
    """
    return -p.clamp(min=torch.finfo(p.dtype).tiny).log_().mul_(p).sum(-1)
