"""The cases that are explained, and the maskings that explanations are tested on: drawn by seed, unseen by explainers."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from simplibench.tasks import Split
from simplibench.tasks.bounded_dyck import CLOSE, OPEN, partners

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
    replaced: Tensor  # [N, M, T'] the tokens with a pair of brackets in place of every masked one
    replaced_positions: Tensor  # [N, M] where their prediction is

    def to(self, device: str) -> "Questions":
        """The same, elsewhere."""
        return Questions(*(getattr(self, name).to(device) for name in self.__dataclass_fields__))


def questions(split: Split, cases: int, disputed: Bools | None = None) -> Questions:
    """A scored position of each of the first sequences, with maskings drawn from the place of the case.

    It is the last one; in every second sequence the last of those that are `disputed` [case of the split], if any is.
    """
    sequence, position = split.cases.sequence, split.cases.position
    chosen = []
    for index in np.unique(sequence)[:cases].tolist():
        own = sequence == index
        wanted = own & disputed if disputed is not None and index % 2 else own
        chosen.append((index, int(position[wanted if wanted.any() else own].max())))
    width = 1 + max(at for _, at in chosen)
    tokens = np.zeros((len(chosen), width), dtype=np.int64)
    masked = np.zeros((len(chosen), 4 * EACH, width), dtype=bool)
    for row, (index, at) in enumerate(chosen):
        own = split.sequences[index][: at + 1]
        tokens[row, : at + 1] = own
        masked[row, :, : at + 1] = _maskings(own, np.random.default_rng([row, at]))
    positions = np.array([at for _, at in chosen])
    replaced, lengths = _replaced(tokens, positions, masked)
    kinds = np.repeat(np.arange(4), EACH)
    return Questions(*map(torch.from_numpy, (tokens, positions, masked, kinds, replaced, lengths - 1)))


def _replaced(
    tokens: npt.NDArray[np.int64], positions: npt.NDArray[np.int64], masked: Bools
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Every masked token makes way for a pair of brackets of the first type: the texts, right-padded, and their lengths."""
    inside = np.arange(tokens.shape[1]) <= positions[:, None]
    copies = np.where(inside[:, None], 1 + masked, 0)  # [N, M, T] tokens that stand in each place
    lengths = copies.sum(-1)
    texts = np.zeros((*lengths.shape, lengths.max()), dtype=np.int64)
    for case, masking in np.ndindex(*lengths.shape):
        times = copies[case, masking]
        text = np.repeat(np.where(masked[case, masking], OPEN, tokens[case]), times)
        text[(np.cumsum(times) - 1)[masked[case, masking]]] = CLOSE
        texts[case, masking, : len(text)] = text
    return texts, lengths


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
