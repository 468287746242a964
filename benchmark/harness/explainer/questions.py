"""What explainers are asked of a split: cases, and the maskings that their answers are tested on, which they never see."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from simplibench.errors import UsageError
from simplibench.records.explainer import MASKINGS
from simplibench.tasks import Maskings, Split

Bools = npt.NDArray[np.bool_]
Tokens = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Questions:
    """What is explained on one split, with the maskings of every case. N cases, T tokens, M maskings."""

    tokens: Tensor  # [N, T], 0 after the positions
    positions: Tensor  # [N]
    masked: Tensor  # [N, M, T]
    kinds: Tensor  # [M] index into MASKINGS
    replaced: Tensor  # [N, M, T'] the tokens with something neutral in place of every masked one, 0 after the positions
    replaced_positions: Tensor  # [N, M] where their prediction is

    def to(self, device: str) -> "Questions":
        """Return the same questions on a device."""
        return Questions(*(getattr(self, name).to(device) for name in self.__dataclass_fields__))


def questions(split: Split, cases: int, maskings: Maskings, disputed: Bools | None = None) -> Questions:
    """Ask about one scored position of each of the first `cases` sequences.

    It is the last one; in every second sequence the last of those that are `disputed` [case of the split], if any is.
    Maskings are drawn with the case's number and position as seed. Raises UsageError for maskings that cannot be used.
    """
    sequence, position = split.cases.sequence, split.cases.position
    chosen = []
    for index in np.unique(sequence)[:cases].tolist():
        inside = sequence == index
        wanted = inside & disputed if disputed is not None and index % 2 else inside
        chosen.append((index, int(position[wanted if wanted.any() else inside].max())))
    width = 1 + max(at for _, at in chosen)
    tokens = np.zeros((len(chosen), width), dtype=np.int64)
    masked = np.zeros((len(chosen), len(maskings.kinds), width), dtype=bool)
    for row, (index, at) in enumerate(chosen):
        read = split.sequences[index][: at + 1]
        tokens[row, : at + 1] = read
        masked[row, :, : at + 1] = _drawn(maskings, read, np.random.default_rng([row, at]))
    positions = np.array([at for _, at in chosen])
    replaced, lengths = _replaced(maskings, tokens, positions, masked)
    kinds = np.array([MASKINGS.index(kind) for kind in maskings.kinds])
    return Questions(*map(torch.from_numpy, (tokens, positions, masked, kinds, replaced, lengths - 1)))


def _drawn(maskings: Maskings, tokens: npt.NDArray[np.integer], rng: np.random.Generator) -> Bools:
    """Draw the maskings of one case, [M, T]. Raises UsageError for those of another shape, or that mask token 0."""
    masked = maskings.draw(tokens, rng)
    expected = (len(maskings.kinds), len(tokens))
    if masked.shape != expected or masked.dtype != np.bool_:
        got = f"{masked.dtype} of shape {list(masked.shape)}"
        raise UsageError(f"{type(maskings).__name__}.draw: expected bool of shape {list(expected)}, got {got}")
    if masked[:, 0].any():
        raise UsageError(f"{type(maskings).__name__}.draw: expected token 0 left in place, got it masked")
    return masked


def _replaced(
    maskings: Maskings, tokens: Tokens, positions: Tokens, masked: Bools
) -> tuple[Tokens, npt.NDArray[np.int64]]:
    """Return every case's text under every masking, right-padded [N, M, T'], and the texts' lengths [N, M]."""
    texts = [
        [maskings.replaced(tokens[case, : at + 1], taken) for taken in masked[case, :, : at + 1]]
        for case, at in enumerate(positions.tolist())
    ]
    lengths = np.array([[len(text) for text in of_case] for of_case in texts])
    padded = np.zeros((*lengths.shape, lengths.max()), dtype=np.int64)
    for case, masking in np.ndindex(*lengths.shape):
        padded[case, masking, : lengths[case, masking]] = texts[case][masking]
    return padded, lengths
