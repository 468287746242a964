"""The cases that are explained, and the maskings that explanations are tested on: drawn by seed, unseen by explainers."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from benchmark.tasks import Split
from benchmark.tasks.bounded_dyck import partners

EACH = 12  # maskings of a kind, a case
GROUP = (3, 8)  # tokens masked together
RECENT = 8  # tokens: half of the maskings begin near the prediction or at an open bracket, where most depends on them
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Questions:
    """What is explained on one split, with the maskings of every case. N cases, T tokens, M maskings."""

    tokens: Tensor  # [N, T], 0 after the positions
    positions: Tensor  # [N]
    masked: Tensor  # [N, M, T]
    kinds: Tensor  # [M] index into MASKINGS; a case short of maskings of a kind repeats them

    def to(self, device: str) -> "Questions":
        """The same, elsewhere."""
        return Questions(*(own.to(device) for own in (self.tokens, self.positions, self.masked, self.kinds)))


def questions(split: Split, cases: int) -> Questions:
    """The last scored position of each of the first sequences, with maskings drawn from the place of the case."""
    sequence, position = split.cases.sequence, split.cases.position
    last = {int(own): int(at) for own, at in zip(sequence, position, strict=True)}  # positions ascend
    chosen = list(last.items())[:cases]
    width = 1 + max(at for _, at in chosen)
    tokens = np.zeros((len(chosen), width), dtype=np.int64)
    masked = np.zeros((len(chosen), 4 * EACH, width), dtype=bool)
    for row, (index, at) in enumerate(chosen):
        own = split.sequences[index][: at + 1]
        tokens[row, : at + 1] = own
        masked[row, :, : at + 1] = _maskings(own, np.random.default_rng([row, at]))
    positions = torch.tensor([at for _, at in chosen])
    kinds = torch.arange(4).repeat_interleave(EACH)
    return Questions(torch.from_numpy(tokens), positions, torch.from_numpy(masked), kinds)


def _maskings(tokens: npt.NDArray[np.integer], rng: np.random.Generator) -> Bools:
    """[M, token]: single tokens, matched pairs, unmatched pairs, groups."""
    length = len(tokens)
    partner = partners(tokens)
    urgent = np.union1d(np.arange(max(1, length - RECENT), length), 1 + np.flatnonzero(partner[1:] == 0))
    pairs = [own for own in range(1, length) if partner[own] > own] or [0]
    sets: list[list[int]] = []
    for number in range(EACH):
        first = int(rng.choice(urgent)) if number % 2 else int(rng.integers(1, length))
        sets.append([first])
    for _ in range(EACH):
        opened = int(rng.choice(pairs))
        sets.append([opened, int(partner[opened])])
    for number in range(EACH):
        sets.append(_unmatched(sets[number][0], partner, rng))
    for number in range(EACH):
        size = min(int(rng.integers(GROUP[0], GROUP[1] + 1)), length - 1)
        others = rng.permutation(np.arange(1, length))
        sets.append([sets[number][0], *others[others != sets[number][0]][: size - 1].tolist()])
    hidden = np.zeros((len(sets), length), dtype=bool)
    for row, own in enumerate(sets):
        hidden[row, own] = True
    hidden[:, 0] = False
    return hidden


def _unmatched(first: int, partner: npt.NDArray[np.int64], rng: np.random.Generator) -> list[int]:
    """`first` and another token that is not its partner; alone in a prefix that has no other."""
    others = [own for own in range(1, len(partner)) if own not in (first, partner[first])]
    return [first, int(rng.choice(others))] if others else [first]
