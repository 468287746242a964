"""Maskings of brackets: single ones, the two of a pair, two of different pairs, and groups. Defines no task."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from simplibench.arrays import Bools, Integers
from simplibench.tasks.arena import Maskings

EACH = 12  # maskings of a kind, per case
GROUP = (3, 8)  # tokens masked together, fewest and most
RECENT = 8  # tokens: half of the maskings begin near the prediction or at an open bracket, where most depends on them
KINDS = ("token", "matched pair", "unmatched pair", "group")


@dataclass(frozen=True)
class BracketMaskings(Maskings):
    """EACH maskings of every kind. A case that is too short for a kind repeats those that it has."""

    filler: tuple[int, int]  # an opening bracket and the closing one, which take the place of every masked token
    partners: Callable[[Integers], Integers]  # tokens [T] -> position of the other bracket of each pair, 0 if none

    @property
    def kinds(self) -> tuple[str, ...]:
        """Return the kind of each masking, [M]."""
        return tuple(kind for kind in KINDS for _ in range(EACH))

    def draw(self, tokens: Integers, rng: np.random.Generator) -> Bools:
        """Return which tokens each masking takes away, [M, T]."""
        length = len(tokens)
        partner = self.partners(tokens)
        urgent = np.union1d(np.arange(max(1, length - RECENT), length), 1 + np.flatnonzero(partner[1:] == 0))
        opening = [position for position in range(1, length) if partner[position] > position] or [0]
        groups: list[list[int]] = []
        for number in range(EACH):
            first = int(rng.choice(urgent)) if number % 2 else int(rng.integers(1, length))
            groups.append([first])
        for _ in range(EACH):
            opened = int(rng.choice(opening))
            groups.append([opened, int(partner[opened])])
        for number in range(EACH):
            groups.append(_unmatched(groups[number][0], partner, rng))
        for number in range(EACH):
            size = min(int(rng.integers(GROUP[0], GROUP[1] + 1)), length - 1)
            others = rng.permutation(np.arange(1, length))
            groups.append([groups[number][0], *others[others != groups[number][0]][: size - 1].tolist()])
        masked = np.zeros((len(groups), length), dtype=bool)
        for row, positions in enumerate(groups):
            masked[row, positions] = True
        masked[:, 0] = False
        return masked

    def replaced(self, tokens: Integers, masked: Bools) -> Integers:
        """Return the tokens with the filler's two brackets in place of each masked one, [T'].

        They are balanced, so what is open before the prediction stays so, masked tokens aside.
        """
        copies = 1 + masked
        text = np.repeat(np.where(masked, self.filler[0], tokens), copies)
        text[(np.cumsum(copies) - 1)[masked]] = self.filler[1]
        return text


def _unmatched(first: int, partner: Integers, rng: np.random.Generator) -> list[int]:
    """Return `first` and the position of a token that is not its partner; `first` alone where there is no other."""
    others = [position for position in range(1, len(partner)) if position not in (first, partner[first])]
    return [first, int(rng.choice(others))] if others else [first]
