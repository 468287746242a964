"""Divergences stored in one byte per sentence: enough for means, small enough to commit.

Every reported divergence is made of whole numbers, the fourth powers of the bytes, so that each processor and each numpy
gives the same figure to the last digit. A power of a fraction differs between them; a square root does not.
"""

import numpy as np
import numpy.typing as npt

from simplibench.arrays import Floats, Integers

LEVELS = 255
FOURTH_POWERS = np.arange(LEVELS + 1, dtype=np.int64) ** 4  # by level
UNITS_PER_BIT = LEVELS**4  # what a level's fourth power is counted in


def quantise(mean_bits: Floats) -> npt.NDArray[np.uint8]:
    """Return mean divergences of 0 to 1 bits as their fourth roots in 255 steps: 5 % apart at 0.01 bits, 2 % at 0.5."""
    levels: npt.NDArray[np.uint8] = np.rint(LEVELS * np.sqrt(np.sqrt(np.clip(mean_bits, 0, 1)))).astype(np.uint8)
    return levels


def restore(levels: Integers) -> npt.NDArray[np.float64]:
    """Return the divergence that each stored byte stands for, in bits."""
    restored: npt.NDArray[np.float64] = FOURTH_POWERS[levels] / UNITS_PER_BIT
    return restored


def total_bits(levels: Integers, positions: Integers) -> float:
    """Return the divergence in bits, summed over sentences: level [sentence] weighted by its number of positions.

    The sum is one of whole numbers, exact up to 2^63 / 255^4 = 2 * 10^9 positions.
    """
    return int(FOURTH_POWERS[levels] @ positions.astype(np.int64)) / UNITS_PER_BIT
