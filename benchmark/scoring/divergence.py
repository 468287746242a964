"""Jensen-Shannon divergence of predictions and attention patterns, and its compact storage."""

import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

LEVELS = 255


def jensen_shannon_bits(p: Tensor, q: Tensor) -> Tensor:
    """Divergence of distributions along the last axis, [..., n] -> [...], in bits: 0 for equal ones, at most 1."""
    entropies = torch.special.entr((p + q) / 2) - (torch.special.entr(p) + torch.special.entr(q)) / 2
    return (entropies.sum(-1) / math.log(2)).clamp(0, 1)


def quantise(mean_bits: npt.NDArray[np.floating]) -> npt.NDArray[np.uint8]:
    """A mean divergence in 0..1 bits as one byte: its fourth root, for steps of 2 to 5 % from 0.01 to 1 bit."""
    return np.rint(LEVELS * np.clip(mean_bits, 0, 1) ** 0.25).astype(np.uint8)


def restore(levels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """The divergence that a stored byte stands for, in bits. Every reported divergence is made of these."""
    restored: npt.NDArray[np.float64] = (levels / LEVELS) ** 4
    return restored
